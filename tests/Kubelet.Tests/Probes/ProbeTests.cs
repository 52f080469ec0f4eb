using System.Net;
using System.Net.Sockets;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Stats;

namespace Hanbae.Kubelet.Tests.Probes;

public sealed class ProbeTests
{
    static readonly DateTimeOffset s_start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    static ProbeState State(ProbeKind kind, Probe probe, Container? container = null) => new(Make.Pod(), container ?? Make.Container("app", "app"), "id", kind, probe, s_start);

    [Fact]
    public void A_result_stands_until_its_threshold_of_others_in_a_row()
    {
        var state = State(ProbeKind.Readiness, new() { FailureThreshold = 2, SuccessThreshold = 2 });
        Assert.Equal(ProbeVerdict.Failure, state.Result);
        Assert.False(state.Add(ProbeVerdict.Success));
        Assert.True(state.Add(ProbeVerdict.Success));
        Assert.False(state.Add(ProbeVerdict.Failure));
        Assert.False(state.Add(ProbeVerdict.Success));
        Assert.False(state.Add(ProbeVerdict.Failure));
        Assert.True(state.Add(ProbeVerdict.Failure));
    }

    [Fact]
    public void Liveness_is_not_asked_before_startup_nor_after_its_verdict()
    {
        var container = Make.Container("app", "app") with { StartupProbe = new() };
        var state = State(ProbeKind.Liveness, new() { FailureThreshold = 1 }, container);
        Assert.Equal(ProbeVerdict.Success, state.Result);
        Assert.False(state.Wanted(startup: ProbeVerdict.Unknown));
        Assert.True(state.Wanted(startup: ProbeVerdict.Success));
        Assert.True(state.Add(ProbeVerdict.Failure));
        Assert.False(state.Wanted(startup: ProbeVerdict.Success));
    }

    [Fact]
    public async Task A_sidecar_holds_back_the_app_until_it_has_started_up()
    {
        bool up = false;
        using var bench = new PodBench(("side", FakeProgram.Forever with { Exec = _ => new(ExitCode: up ? 0 : 1) }), ("app", FakeProgram.Forever));
        var side = Make.Container("side", "side") with { RestartPolicy = "Always", StartupProbe = new() { Exec = new() { Command = ["up"] }, FailureThreshold = 3, PeriodSeconds = 1 } };
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")).Init(side));
        Assert.DoesNotContain(bench.Worker.Runtime!.Containers, c => c.Name == "app");
        Assert.False(bench.Status.InitContainerStatuses[0].Started);

        using var stop = new CancellationTokenSource();
        var changed = new TaskCompletionSource();
        bench.Context.Prober.Changed = _ => changed.TrySetResult();
        var probing = bench.Context.Prober.RunAsync(stop.Token);
        up = true;
        while (!changed.Task.IsCompleted)
        {
            await bench.Time.WhenSetAsync();
            bench.Time.Advance(1);
        }
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probing);
        await bench.SettleAsync();
        Assert.Equal("Running", bench.Status.Phase);
        Assert.True(bench.Status.InitContainerStatuses[0].Started);
    }

    [Theory]
    [InlineData(200, ProbeVerdict.Success, "fine")]
    [InlineData(399, ProbeVerdict.Warning, "Probe terminated redirects, Response body: fine")]
    [InlineData(404, ProbeVerdict.Failure, "HTTP probe failed with statuscode: 404")]
    [InlineData(500, ProbeVerdict.Failure, "HTTP probe failed with statuscode: 500")]
    public async Task Http_answers_from_200_to_299_are_success_and_redirects_that_lead_nowhere_with_a_warning(int code, ProbeVerdict verdict, string output)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var request = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync();
            var stream = client.GetStream();
            byte[] got = new byte[4096];
            int length = await stream.ReadAsync(got);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {code} X\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine"));
            return Encoding.ASCII.GetString(got, 0, length);
        });
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var target = ProbeTarget.Http(new() { Path = "/x", Port = new(port), HttpHeaders = [new() { Name = "X-Probe", Value = "yes" }] }, Make.Container("app", "app"), "127.0.0.1", "kube-probe/1.36");
        Assert.Equal((verdict, output), await HttpProbe.RunAsync(target, TimeSpan.FromSeconds(30), TimeProvider.System, default));
        string sent = await request;
        Assert.StartsWith("GET /x HTTP/1.1\r\n", sent);
        Assert.Contains("User-Agent: kube-probe/1.36\r\n", sent);
        Assert.Contains("X-Probe: yes\r\n", sent);
    }

    [Fact]
    public async Task A_redirect_to_another_host_is_not_followed_and_told_as_a_warning()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync();
            var stream = client.GetStream();
            Assert.NotEqual(0, await stream.ReadAsync(new byte[4096]));
            await stream.WriteAsync("HTTP/1.1 302 Found\r\nLocation: http://0.0.0.0/\r\nContent-Length: 5\r\nConnection: close\r\n\r\nFound"u8.ToArray());
        });
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var probe = new Probe { HttpGet = new() { Path = "/", Port = new(((IPEndPoint)listener.LocalEndpoint).Port) }, TimeoutSeconds = 3600 };
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app") with { ReadinessProbe = probe }));
        var answered = new TaskCompletionSource();
        bench.Context.Prober.Changed = _ => answered.TrySetResult();
        using var stop = new CancellationTokenSource();
        var probing = bench.Context.Prober.RunAsync(stop.Token);
        await answered.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await serving;
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probing);
        Assert.Equal(ProbeVerdict.Success, bench.Context.Prober.Get(bench.IdOf("app"), ProbeKind.Readiness));
        Assert.Contains("Warning ProbeWarning Readiness probe warning: Probe terminated redirects, Response body: Found", bench.Events.All);
    }

    [Fact]
    public async Task Readiness_and_liveness_are_asked_as_soon_as_startup_has_succeeded()
    {
        bool up = false;
        int alive = 0;
        using var bench = new PodBench(("app", FakeProgram.Forever with { Exec = command =>
        {
            if (command[0] == "alive") Interlocked.Increment(ref alive);
            return new(ExitCode: Volatile.Read(ref up) ? 0 : 1);
        } }));
        const int hour = 3600;
        static Probe Ask(string command, int period) => new() { Exec = new() { Command = [command] }, PeriodSeconds = period, FailureThreshold = 1000 };
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app") with { StartupProbe = Ask("up", 1), ReadinessProbe = Ask("ready", hour), LivenessProbe = Ask("alive", hour) }));
        string id = bench.IdOf("app");
        var prober = bench.Context.Prober;
        using var stop = new CancellationTokenSource();
        var begun = bench.Time.GetUtcNow();
        var probing = prober.RunAsync(stop.Token);
        for (int i = 0; i < 5; i++)
        {
            await bench.Time.WhenSetAsync();
            bench.Time.Advance(1);
        }
        Assert.NotEqual(ProbeVerdict.Success, prober.Get(id, ProbeKind.Readiness));
        Volatile.Write(ref up, true);
        while (prober.Get(id, ProbeKind.Readiness) != ProbeVerdict.Success || Volatile.Read(ref alive) == 0)
        {
            await bench.Time.WhenSetAsync();
            bench.Time.Advance(1);
            Assert.True(bench.Time.GetUtcNow() - begun < TimeSpan.FromSeconds(hour), "asked only when its period was over");
        }
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probing);
    }

    [Fact]
    public async Task How_probes_come_out_and_how_long_they_take_are_figures()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever with { Exec = command => new(ExitCode: command[0] == "ready" ? 0 : 1) }));
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app") with { ReadinessProbe = new() { Exec = new() { Command = ["ready"] } }, LivenessProbe = new() { Exec = new() { Command = ["alive"] } } }));
        var prober = bench.Context.Prober;
        Assert.DoesNotContain("prober_probe_duration_seconds_count", KubeletMetrics.Probes(prober, [bench.Worker]));
        foreach (var state in prober.Probes.ToArray()) await prober.AskAsync(state, default);
        string text = KubeletMetrics.Probes(prober, [bench.Worker]);
        Assert.Contains("prober_probe_total{container=\"app\",namespace=\"default\",pod=\"web\",pod_uid=\"0f6b2a\",probe_type=\"Readiness\",result=\"successful\"} 1\n", text);
        Assert.Contains("prober_probe_total{container=\"app\",namespace=\"default\",pod=\"web\",pod_uid=\"0f6b2a\",probe_type=\"Liveness\",result=\"failed\"} 1\n", text);
        Assert.Contains("prober_probe_duration_seconds_bucket{container=\"app\",namespace=\"default\",pod=\"web\",probe_type=\"Readiness\",le=\"0.005\"} 1\n", text);
        Assert.Contains("prober_probe_duration_seconds_count{container=\"app\",namespace=\"default\",pod=\"web\",probe_type=\"Readiness\"} 1\n", text);
        Assert.DoesNotContain("prober_probe_duration_seconds_count{container=\"app\",namespace=\"default\",pod=\"web\",probe_type=\"Liveness\"}", text); // as upstream
        Assert.Contains("process_start_time_seconds ", text);
    }

    [Fact]
    public async Task A_refused_connection_is_told_in_Gos_words()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        var (verdict, output) = await TcpProbe.RunAsync("127.0.0.1", port, TimeSpan.FromSeconds(30), TimeProvider.System, default);
        Assert.Equal((ProbeVerdict.Failure, $"dial tcp 127.0.0.1:{port}: connect: connection refused"), (verdict, output));
        (verdict, output) = await HttpProbe.RunAsync(new(new($"http://127.0.0.1:{port}/"), default, ""), TimeSpan.FromSeconds(30), TimeProvider.System, default);
        Assert.Equal((ProbeVerdict.Failure, $"Get \"http://127.0.0.1:{port}/\": dial tcp 127.0.0.1:{port}: connect: connection refused"), (verdict, output));
    }

    [Fact]
    public void A_port_may_be_named()
    {
        var container = Make.Container("app", "app") with { Ports = [new() { Name = "http", ContainerPortValue = 8080 }] };
        Assert.Equal(8080, ProbeTarget.Port(new("http"), container));
        Assert.Equal(81, ProbeTarget.Port(new(81), container));
        Assert.Throws<FormatException>(() => ProbeTarget.Port(new("other"), container));
    }
}
