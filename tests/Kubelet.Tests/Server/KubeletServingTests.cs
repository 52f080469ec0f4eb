using System.Net;
using System.Net.Sockets;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kit;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Server;
using Hanbae.Kubelet.Stats;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Server;

/// <summary>What the kubelet's API does with a Pod that runs, and what it shows of itself without asking who wants to know.</summary>
public sealed class KubeletServingTests : IDisposable
{
    readonly PodBench _bench = new(("app", FakeProgram.Forever with { Exec = command => command[0] == "fail" ? new(ExitCode: 3, Stderr: "no") : new(Stdout: string.Join('|', command), Stderr: "!") }));
    readonly CancellationTokenSource _stop = new();

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _bench.Dispose();
    }

    KubeletRoutes Routes(PodWorkers workers, KubeletOptions options)
    {
        var sampler = new PodSampler(options, _bench.Cri, () => [], TimeProvider.System, NullLogger.Instance);
        var stats = new StatsRoutes(options, _bench.Cri, sampler, workers, _bench.Context.Prober, MachineInfo.Read(options.Folders.Data), () => "1") { Figures = _bench.Context.Figures };
        return new(options, _bench.Cri, workers, stats, _bench.Time, NullLogger.Instance);
    }

    async Task<PodWorkers> RunningAsync()
    {
        var workers = new PodWorkers(_bench.Context, _stop.Token);
        var pod = Make.Pod(Make.Container("app", "app"));
        workers.On(new(null, pod));
        await _bench.Reports.UntilAsync(() => _bench.Reports.Last.TryGetValue(pod.Metadata.Uid, out var status) && status.Phase == "Running", "the pod runs");
        return workers;
    }

    static async Task<(int Code, string Text)> AskAsync(Func<HttpContext, Task> serve, string method, string url)
    {
        var context = new DefaultHttpContext();
        int mark = url.IndexOf('?');
        (context.Request.Method, context.Request.Path, context.Request.QueryString) = (method, mark < 0 ? url : url[..mark], new(mark < 0 ? "" : url[mark..]));
        using var body = new MemoryStream();
        context.Response.Body = body;
        await serve(context);
        return (context.Response.StatusCode, System.Text.Encoding.UTF8.GetString(body.ToArray()));
    }

    [Fact]
    public async Task A_container_is_put_into_a_file_of_the_kubelets()
    {
        var workers = await RunningAsync();
        var routes = Routes(workers, _bench.Options);
        var (code, text) = await AskAsync(routes.ServeAsync, "POST", "/checkpoint/default/web/app?timeout=5");
        string folder = _bench.Options.Folders.Checkpoints, file = Assert.Single(Directory.GetFiles(folder));
        Assert.Equal((200, $$"""{"items":["{{file}}"]}"""), (code, text));
        Assert.Matches(@"/checkpoints/checkpoint-web_default-app-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.tar$", file);
        Assert.Equal(workers.Find("0f6b2a")!.Runtime!.Newest("app")!.Id, await File.ReadAllTextAsync(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));

        Assert.Equal((404, "pod does not exist"), await AskAsync(routes.ServeAsync, "POST", "/checkpoint/default/none/app"));
        Assert.Equal((404, "container none does not exist"), await AskAsync(routes.ServeAsync, "POST", "/checkpoint/default/web/none"));
        Assert.Equal((404, "cannot parse value of timeout parameter"), await AskAsync(routes.ServeAsync, "POST", "/checkpoint/default/web/app?timeout=5&timeout=soon"));
        Assert.Equal((405, "Method Not Allowed"), await AskAsync(routes.ServeAsync, "GET", "/checkpoint/default/web/app"));
        await _bench.Cri.StopContainerAsync(workers.Find("0f6b2a")!.Runtime!.Newest("app")!.Id, TimeSpan.Zero, default);
        Assert.Equal((500, "checkpointing of default/web/app failed (rpc error: code = Unknown desc = container is not running)"), await AskAsync(routes.ServeAsync, "POST", "/checkpoint/default/web/app"));
    }

    [Fact]
    public async Task A_command_is_run_for_who_has_no_streams()
    {
        var routes = Routes(await RunningAsync(), _bench.Options);
        Assert.Equal((200, "ls|-l!"), await AskAsync(routes.ServeAsync, "POST", "/run/default/web/app?cmd=ls%20-l"));
        Assert.Equal((200, "id!"), await AskAsync(routes.ServeAsync, "POST", "/run/default/web/0f6b2a/app?cmd=id"));
        Assert.Equal((500, "command 'fail now' exited with 3: no"), await AskAsync(routes.ServeAsync, "POST", "/run/default/web/app?cmd=fail%20now"));
        Assert.Equal((500, "container not found (\"none\")"), await AskAsync(routes.ServeAsync, "POST", "/run/default/web/none?cmd=id"));
    }

    [Theory]
    [InlineData("GET", "/logs/syslog", 405, "Debug endpoints are disabled.\n")]
    [InlineData("GET", "/runningpods", 405, "Debug endpoints are disabled.\n")]
    [InlineData("GET", "/containerLogs/default/web/app", 405, "Debug endpoints are disabled.\n")]
    [InlineData("POST", "/exec/default/web/app", 405, "Debug endpoints are disabled.\n")]
    [InlineData("POST", "/run/default/web/app", 405, "Debug endpoints are disabled.\n")]
    [InlineData("POST", "/checkpoint/default/web/app", 404, "404 page not found")]
    [InlineData("POST", "/pods", 405, "Method Not Allowed")]
    public async Task What_is_turned_off_says_so(string method, string path, int code, string text)
    {
        var options = _bench.Options with { EnableDebuggingHandlers = false };
        Assert.Equal((code, text), await AskAsync(Routes(new(_bench.Context, _stop.Token), options).ServeAsync, method, path));
    }

    [Theory]
    [InlineData("/healthz", 200)]
    [InlineData("/pods", 200)]
    [InlineData("/stats/summary", 200)]
    [InlineData("/metrics", 200)]
    [InlineData("/metrics/resource", 200)]
    [InlineData("/metrics/probes", 200)]
    [InlineData("/configz", 404)]
    [InlineData("/statusz", 404)]
    [InlineData("/runningpods", 404)]
    [InlineData("/logs/", 404)]
    [InlineData("/containerLogs/default/web/app", 404)]
    [InlineData("/exec/default/web/app?command=id&output=1", 404)]
    public async Task Anybody_may_read_what_harms_nobody(string path, int code)
    {
        var routes = Routes(new(_bench.Context, _stop.Token), _bench.Options);
        Assert.Equal(code, (await AskAsync(routes.ServeToAnybodyAsync, "GET", path)).Code);
        Assert.Matches("kubelet_http_requests_total{long_running=\"(true|false)\",method=\"GET\",path=\"[^\"]+\",server_type=\"readonly\"} 1\n", (await AskAsync(routes.ServeAsync, "GET", "/metrics")).Text);
    }

    [Fact]
    public async Task Ports_without_questions_are_served_and_a_port_that_is_taken_is_waited_for()
    {
        var options = _bench.Options with { Address = IPAddress.Loopback };
        var reading = PlainServer.ToRead(options, Routes(new(_bench.Context, _stop.Token), options), TimeProvider.System, NullLogger.Instance);
        int port;
        Task serving;
        PlainServer health;
        using (var other = new TcpListener(IPAddress.Loopback, 0))
        {
            other.Start();
            port = ((IPEndPoint)other.LocalEndpoint).Port;
            var time = new FakeTime();
            health = PlainServer.OfHealth(options with { HealthzPort = port }, time, NullLogger.Instance);
            serving = health.RunAsync(_stop.Token);
            await time.WhenSetAsync(); // it waits for the port
            Assert.False(health.Port.IsCompleted);
            other.Stop();
            time.Advance(TimeSpan.FromSeconds(5));
        }
        var readingTask = reading.RunAsync(_stop.Token);
        using var client = new HttpClient();
        Assert.Equal(port, await health.Port.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal("ok", await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/healthz")));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri($"http://127.0.0.1:{port}/pods"))).StatusCode);
        string pods = await client.GetStringAsync(new Uri($"http://127.0.0.1:{await reading.Port.WaitAsync(TimeSpan.FromSeconds(60))}/pods"));
        Assert.StartsWith("{\"kind\":\"PodList\",\"apiVersion\":\"v1\"", pods);
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => readingTask);
    }
}
