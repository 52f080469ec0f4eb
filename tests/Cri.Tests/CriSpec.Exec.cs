using Hanbae.Kit.Containerd;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Tests;

public abstract partial class CriSpec
{
    [SpecFact]
    public async Task A_command_gives_output_and_exit_code()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        var result = await Cri.ExecSyncAsync(id, ["sh", "-c", "echo hi; echo no >&2; exit 7"], TimeSpan.FromSeconds(30), Never);
        Assert.Equal(("hi\n", "no\n", 7), (result.Stdout.ToStringUtf8(), result.Stderr.ToStringUtf8(), result.ExitCode));
        Assert.Equal(0, (await Cri.ExecSyncAsync(id, ["true"], TimeSpan.Zero, Never)).ExitCode);
    }

    [SpecFact]
    public async Task A_command_that_takes_too_long_is_a_deadline_exceeded()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        await FailsAsync(
            GrpcStatus.DeadlineExceeded, "failed to exec in container: timeout 1s exceeded: context deadline exceeded",
            () => PassUntilAsync(Cri.ExecSyncAsync(id, ["sleep", "1000"], TimeSpan.FromSeconds(1), Never)));
    }

    [SpecFact]
    public async Task A_command_that_is_not_there_is_an_error()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        var error = await Assert.ThrowsAsync<GrpcException>(() => Cri.ExecSyncAsync(id, ["/nope"], TimeSpan.FromSeconds(30), Never));
        Assert.Equal(GrpcStatus.Unknown, error.Status);
        Assert.Matches(
            "^failed to exec in container: failed to start exec \"[0-9a-f]{64}\": OCI runtime exec failed: exec failed: unable to start container process: " +
            "exec: \"/nope\": stat /nope: no such file or directory: unknown$", error.Detail);
    }

    [SpecFact]
    public async Task Commands_need_a_running_container()
    {
        var pod = Pod();
        string id = await Cri.CreateContainerAsync(await RunAsync(pod), Container(SpecImage.Forever), pod, Never);
        await FailsAsync(
            GrpcStatus.Unknown, "failed to exec in container: container is in CONTAINER_CREATED state",
            () => Cri.ExecSyncAsync(id, ["true"], TimeSpan.Zero, Never));
        await FailsAsync(
            GrpcStatus.Unknown, "container is in CONTAINER_CREATED state",
            () => Cri.ExecAsync(new() { ContainerId = id, Cmd = { "true" }, Stdout = true }, Never));
        await FailsAsync(
            GrpcStatus.Unknown, "container is in CONTAINER_CREATED state",
            () => Cri.AttachAsync(new() { ContainerId = id, Stdout = true }, Never));
    }

    [SpecFact]
    public async Task Streams_are_handed_over_by_url()
    {
        var (sandbox, id) = await StartAsync(SpecImage.Forever);
        string exec = await Cri.ExecAsync(new() { ContainerId = id, Cmd = { "cat" }, Stdin = true, Stdout = true }, Never);
        string attach = await Cri.AttachAsync(new() { ContainerId = id, Stdout = true }, Never);
        string forward = await Cri.PortForwardAsync(new() { PodSandboxId = sandbox, Port = { 80 } }, Never);
        Assert.Matches("^http://127.0.0.1:[0-9]+/exec/[^/]+$", exec);
        Assert.Matches("^http://127.0.0.1:[0-9]+/attach/[^/]+$", attach);
        Assert.Matches("^http://127.0.0.1:[0-9]+/portforward/[^/]+$", forward);
        await FailsAsync(
            GrpcStatus.InvalidArgument, "one of stdin, stdout, or stderr must be set",
            () => Cri.ExecAsync(new() { ContainerId = id, Cmd = { "cat" } }, Never));
        await FailsAsync(
            GrpcStatus.InvalidArgument, "tty and stderr cannot both be true",
            () => Cri.ExecAsync(new() { ContainerId = id, Cmd = { "cat" }, Tty = true, Stderr = true }, Never));
    }

    [SpecFact]
    public async Task Stats_count_what_runs()
    {
        var (sandbox, id) = await StartAsync(SpecImage.Forever);
        await PassAsync();
        var stats = (await Cri.ContainerStatsAsync(id, Never))!;
        Assert.Equal((id, "main"), (stats.Attributes.Id, stats.Attributes.Metadata.Name));
        Assert.True(stats.Cpu.UsageCoreNanoSeconds.Value > 0 && stats.Memory.WorkingSetBytes.Value > 0 && stats.Memory.AvailableBytes.Value > 0);
        Assert.Equal(id, Assert.Single(await Cri.ListContainerStatsAsync(new() { PodSandboxId = sandbox }, Never)).Attributes.Id);

        var pod = (await Cri.PodSandboxStatsAsync(sandbox, Never))!;
        Assert.Equal(sandbox, pod.Attributes.Id);
        Assert.Equal("eth0", pod.Linux.Network.DefaultInterface.Name);
        Assert.Equal(id, Assert.Single(pod.Linux.Containers).Attributes.Id);
        Assert.True(pod.Linux.Memory.WorkingSetBytes.Value > 0 && pod.Linux.Process.ProcessCount.Value > 0);
        Assert.Contains(await Cri.ListPodSandboxStatsAsync(null, Never), s => s.Attributes.Id == sandbox);
    }

    [SpecFact]
    public async Task An_ended_container_has_only_its_writable_layer_left()
    {
        var (sandbox, id) = await StartAsync(SpecImage.Done);
        await ExitOfAsync(id);
        await FailsAsync(GrpcStatus.Unknown, "unexpected metrics response: []", () => Cri.ContainerStatsAsync(id, Never));
        var left = Assert.Single(await Cri.ListContainerStatsAsync(new() { PodSandboxId = sandbox }, Never));
        Assert.Null(left.Cpu);
        Assert.NotNull(left.WritableLayer);
    }
}
