using System.Net;
using System.Net.Sockets;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Probes;

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
    [InlineData(399, ProbeVerdict.Success, "fine")]
    [InlineData(404, ProbeVerdict.Failure, "HTTP probe failed with statuscode: 404")]
    [InlineData(500, ProbeVerdict.Failure, "HTTP probe failed with statuscode: 500")]
    public async Task Http_answers_from_200_to_399_are_success(int code, ProbeVerdict verdict, string output)
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
