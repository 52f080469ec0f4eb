using System.Net;
using System.Net.Sockets;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Tests.Pods;

public sealed class HookTests
{
    [Fact]
    public async Task A_pre_stop_hook_runs_before_the_signal_and_uses_up_the_grace()
    {
        var commands = new List<string>();
        using var bench = new PodBench(("app", FakeProgram.Forever with { ExitCodeOnStop = null, Exec = c => { commands.Add(string.Join(' ', c)); return new(Takes: TimeSpan.FromSeconds(4)); } }));
        var pod = Make.Pod(Make.Container("app", "app") with { Lifecycle = new() { PreStop = new() { Exec = new() { Command = ["bye"] } } } });
        await bench.SettleAsync(pod);
        bench.Worker.Update(pod.Deleted(bench.Time.GetUtcNow(), grace: 10));
        var step = bench.StepAsync();
        await bench.Time.WhenSetAsync(2); // the hook's own time, and the grace around it
        Assert.Equal(["bye"], commands);
        bench.Time.Advance(4);
        await bench.Time.WhenSetAsync(1);
        bench.Time.Advance(5.9);
        Assert.False(step.IsCompleted);
        bench.Time.Advance(0.2);
        await step;
        Assert.True(bench.Worker.Done);
    }

    [Fact]
    public async Task A_hook_that_takes_longer_than_the_grace_ends_with_its_container()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever with { ExitCodeOnStop = null, Exec = _ => new(Takes: TimeSpan.FromSeconds(100)) }));
        var pod = Make.Pod(Make.Container("app", "app") with { Lifecycle = new() { PreStop = new() { Exec = new() { Command = ["bye"] } } } });
        CancellationToken hook = default;
        var worker = new Hanbae.Kubelet.Pods.PodWorker(bench.Context with { Cri = WatchedCri.Around(bench.Cri, (call, token) => { if (call == "ExecSyncAsync") hook = token; }) }, pod);
        await worker.SyncAsync(default);
        worker.Update(pod.Deleted(bench.Time.GetUtcNow(), grace: 10));
        var step = worker.SyncAsync(default);
        await bench.Time.WhenSetAsync(2); // the hook's own time, and the grace around it
        bench.Time.Advance(10);
        await bench.Time.WhenSetAsync(2); // the hook's still, and the least grace of the signal
        Assert.False(hook.IsCancellationRequested);
        bench.Time.Advance(2);
        await step;
        Assert.True(worker.Done);
        Assert.Single(bench.Events.All, e => e == "Warning FailedPreStopHook PreStopHook failed");
    }

    [Theory]
    [InlineData("HTTPS", 1)]
    [InlineData("HTTP", 0)]
    public async Task A_hook_by_HTTPS_that_is_answered_in_HTTP_is_asked_again_so(string scheme, int fallbacks)
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        using var stop = new CancellationTokenSource();
        var serving = ServeAsync();
        using var bench = new PodBench();
        var hook = new LifecycleHandler { HttpGet = new() { Scheme = scheme, Host = "127.0.0.1", Port = ((IPEndPoint)server.LocalEndpoint).Port, Path = "/" } };
        await Hanbae.Kubelet.Pods.Hooks.RunAsync(bench.Context, Make.Pod(Make.Container("app", "app")) is var p ? p with { Spec = p.Spec with { HostNetwork = true } } : p, Make.Container("app", "app"), "id", hook, default);
        var text = new PrometheusText();
        bench.Context.Figures.Render(text);
        Assert.Contains($"\nkubelet_lifecycle_handler_http_fallbacks_total {fallbacks}\n", text.ToString());
        await stop.CancelAsync();
        await serving;

        async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await server.AcceptTcpClientAsync(stop.Token);
                    try { await AnswerAsync(client); }
                    catch (IOException) { } // who asked has gone
                }
            }
            catch (OperationCanceledException) { }
        }

        async Task AnswerAsync(TcpClient client)
        {
            byte[] bytes = new byte[4096];
            var stream = client.GetStream();
            int read = await stream.ReadAsync(bytes, stop.Token);
            // As Go's server has it for who begins with a handshake.
            string answer = read > 0 && bytes[0] == 0x16 ? "HTTP/1.0 400 Bad Request\r\n\r\nClient sent a TLS handshake to an HTTP server.\n" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer), stop.Token);
            // Closed with something unread, the connection would break before the answer is read.
            client.Client.Shutdown(SocketShutdown.Send);
            while (await stream.ReadAsync(bytes, stop.Token) > 0) { }
        }
    }

    [Fact]
    public async Task A_failed_post_start_hook_ends_the_container()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever with { Exec = _ => new(Stderr: "no", ExitCode: 1) }));
        await bench.RunAsync(Make.Pod(Make.Container("app", "app") with { Lifecycle = new() { PostStart = new() { Exec = new() { Command = ["hi"] } } } }));
        Assert.Equal("PostStartHookError", bench.Status.ContainerStatuses[0].State.Waiting!.Reason);
        Assert.Contains("Warning FailedPostStartHook PostStartHook failed", bench.Events.All);
        Assert.False(bench.Worker.Runtime!.Containers.Any(c => c.State == Hanbae.Kubelet.Runtime.RuntimeState.Running));
    }

    [Fact]
    public async Task Sidecars_run_until_the_app_has_ended()
    {
        using var bench = new PodBench(("one", FakeProgram.Forever), ("two", FakeProgram.Forever), ("app", FakeProgram.Forever with { ExitCodeOnStop = null }));
        static Container Side(string name) => Make.Container(name, name) with { RestartPolicy = "Always" };
        var pod = Make.Pod(Make.Container("app", "app")).Init(Side("one"), Side("two"));
        await bench.SettleAsync(pod);
        string one = bench.IdOf("one"), two = bench.IdOf("two");
        bench.Worker.Update(pod.Deleted(bench.Time.GetUtcNow(), grace: 10));
        var step = bench.StepAsync();
        foreach (string id in new[] { one, two })
            Assert.Equal(Hanbae.Cri.V1.ContainerState.ContainerRunning, (await bench.Cri.ContainerStatusAsync(id, false, default))!.Status.State);
        bench.Time.Advance(10);
        await step;
        var ends = bench.Status.InitContainerStatuses.Select(s => s.State.Terminated!.ExitCode).ToArray();
        Assert.Equal([0, 0], ends);
        Assert.Equal(137, bench.Status.ContainerStatuses[0].State.Terminated!.ExitCode);
    }
}
