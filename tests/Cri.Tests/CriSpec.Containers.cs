using Hanbae.Kit.Containerd;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Tests;

public abstract partial class CriSpec
{
    [SpecFact]
    public async Task A_container_goes_from_created_to_running_to_exited()
    {
        var pod = Pod();
        string sandbox = await RunAsync(pod);
        string id = await Cri.CreateContainerAsync(sandbox, Container(SpecImage.Forever), pod, Never);
        var created = await StatusAsync(id);
        Assert.Equal((ContainerState.ContainerCreated, 0L, 0L, ""), (created.State, created.StartedAt, created.FinishedAt, created.Reason));
        Assert.Equal(SpecImage.Forever, created.Image.Image);
        Assert.Equal(Path.Combine(pod.LogDirectory, "main_0.log"), created.LogPath);

        await Cri.StartContainerAsync(id, Never);
        var running = await StatusAsync(id);
        Assert.Equal(ContainerState.ContainerRunning, running.State);
        Assert.True(running.StartedAt >= running.CreatedAt && running.FinishedAt == 0);
        await UpAsync(id);

        await PassUntilAsync(Cri.StopContainerAsync(id, TimeSpan.FromSeconds(30), Never));
        var exited = await StatusAsync(id);
        Assert.Equal((ContainerState.ContainerExited, 0, "Completed"), (exited.State, exited.ExitCode, exited.Reason));
        Assert.True(exited.FinishedAt >= exited.StartedAt && exited.StartedAt == running.StartedAt);
        await Cri.StopContainerAsync(id, TimeSpan.FromSeconds(30), Never);
    }

    [SpecFact]
    public async Task A_container_is_listed_by_id_state_sandbox_and_label()
    {
        var (sandbox, id) = await StartAsync(SpecImage.Forever);
        var running = new ContainerStateValue { State = ContainerState.ContainerRunning };
        ContainerFilter[] filters =
        [
            new() { Id = id[..12] }, new() { PodSandboxId = sandbox }, new() { State = running, PodSandboxId = sandbox },
            new() { LabelSelector = { ["role"] = "main" }, Id = id },
        ];
        foreach (var filter in filters)
        {
            var item = Assert.Single(await Cri.ListContainersAsync(filter, Never));
            Assert.Equal((id, sandbox, ContainerState.ContainerRunning, "main"), (item.Id, item.PodSandboxId, item.State, item.Metadata.Name));
            Assert.Equal((await StatusAsync(id)).ImageRef, item.ImageRef);
        }
        Assert.Empty(await Cri.ListContainersAsync(new() { PodSandboxId = sandbox, State = new() { State = ContainerState.ContainerExited } }, Never));
        Assert.Empty(await Cri.ListContainersAsync(new() { PodSandboxId = sandbox, LabelSelector = { ["role"] = "other" } }, Never));
        Assert.Empty(await Cri.ListContainersAsync(new() { Id = "nope" }, Never));
    }

    [SpecFact]
    public async Task A_failing_program_leaves_its_exit_code()
    {
        var (_, id) = await StartAsync(SpecImage.Fails);
        var exited = await ExitOfAsync(id);
        Assert.Equal((3, "Error"), (exited.ExitCode, exited.Reason));
    }

    [SpecFact]
    public async Task A_program_that_ignores_the_signal_is_killed_after_the_grace()
    {
        var (_, id) = await StartAsync(SpecImage.Stubborn);
        await UpAsync(id);
        await PassUntilAsync(Cri.StopContainerAsync(id, TimeSpan.FromSeconds(1), Never));
        var exited = await StatusAsync(id);
        Assert.Equal((ContainerState.ContainerExited, 137, "Error"), (exited.State, exited.ExitCode, exited.Reason));
    }

    [SpecFact]
    public async Task No_grace_kills_at_once()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        await Cri.StopContainerAsync(id, TimeSpan.Zero, Never);
        Assert.Equal(137, (await StatusAsync(id)).ExitCode);
    }

    [SpecFact]
    public async Task A_program_that_is_not_there_fails_the_start_and_says_so_in_the_status()
    {
        const string text = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: " +
            "unable to start container process: exec: \"/no-such-program\": stat /no-such-program: no such file or directory: unknown";
        var pod = Pod();
        string id = await Cri.CreateContainerAsync(await RunAsync(pod), Container(SpecImage.NoSuchProgram), pod, Never);
        await FailsAsync(GrpcStatus.Unknown, text, () => Cri.StartContainerAsync(id, Never));
        var status = await StatusAsync(id);
        Assert.Equal((ContainerState.ContainerExited, 128, "StartError", text), (status.State, status.ExitCode, status.Reason, status.Message));
    }

    [SpecFact]
    public async Task Output_is_in_the_log_in_CRIs_format()
    {
        var (_, id) = await StartAsync(SpecImage.Done);
        var status = await ExitOfAsync(id);
        Assert.Equal((0, "Completed"), (status.ExitCode, status.Reason));
        await SaidAsync(status.LogPath, " stderr F trouble\n"); // a runtime may still be copying when the exit is known
        await SaidAsync(status.LogPath, " stdout F hello\n");
        string[] lines = await File.ReadAllLinesAsync(status.LogPath);
        Assert.Equal(2, lines.Length);
        Assert.All(lines, l => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z std(out|err) F (hello|trouble)$", l));
    }

    [SpecFact]
    public async Task A_log_moved_away_is_opened_anew()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        string path = (await StatusAsync(id)).LogPath;
        await UpAsync(id);
        File.Move(path, path + ".old");
        await Cri.ReopenContainerLogAsync(id, Never);
        Assert.True(File.Exists(path));
        await Cri.StopContainerAsync(id, TimeSpan.Zero, Never);
        await FailsAsync(GrpcStatus.Unknown, "container is not running", () => Cri.ReopenContainerLogAsync(id, Never));
    }

    [SpecFact]
    public async Task The_same_attempt_of_a_container_cannot_be_created_twice_but_the_next_can()
    {
        var pod = Pod();
        string sandbox = await RunAsync(pod);
        string id = await Cri.CreateContainerAsync(sandbox, Container(SpecImage.Done), pod, Never);
        string name = $"main_pod_default_{pod.Metadata.Uid}_0";
        await FailsAsync(
            GrpcStatus.Unknown, $"failed to reserve container name \"{name}\": name \"{name}\" is reserved for \"{id}\"",
            () => Cri.CreateContainerAsync(sandbox, Container(SpecImage.Done), pod, Never));
        await Cri.CreateContainerAsync(sandbox, Container(SpecImage.Done, attempt: 1), pod, Never);
        await Cri.RemoveContainerAsync(id, Never);
        await Cri.CreateContainerAsync(sandbox, Container(SpecImage.Done), pod, Never);
    }

    [SpecFact]
    public async Task What_cannot_be_a_container_is_refused()
    {
        var pod = Pod();
        string sandbox = await RunAsync(pod);
        await FailsAsync(
            GrpcStatus.NotFound, "failed to resolve image \"none:1\": not found",
            () => Cri.CreateContainerAsync(sandbox, Container("none:1"), pod, Never));
        await FailsAsync(
            GrpcStatus.Unknown, "container config must include metadata",
            () => Cri.CreateContainerAsync(sandbox, new() { Image = new() { Image = SpecImage.Done } }, pod, Never));
    }

    [SpecFact]
    public async Task A_container_starts_once()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        await FailsAsync(
            GrpcStatus.Unknown, $"failed to set starting state for container \"{id}\": container is in CONTAINER_RUNNING state",
            () => Cri.StartContainerAsync(id, Never));
        await Cri.StopContainerAsync(id, TimeSpan.Zero, Never);
        await FailsAsync(
            GrpcStatus.Unknown, $"failed to set starting state for container \"{id}\": container is in CONTAINER_EXITED state",
            () => Cri.StartContainerAsync(id, Never));
    }

    [SpecFact]
    public async Task Stopping_a_container_that_never_ran_changes_nothing()
    {
        var pod = Pod();
        string id = await Cri.CreateContainerAsync(await RunAsync(pod), Container(SpecImage.Forever), pod, Never);
        await Cri.StopContainerAsync(id, TimeSpan.FromSeconds(1), Never);
        Assert.Equal(ContainerState.ContainerCreated, (await StatusAsync(id)).State);
        await Cri.StartContainerAsync(id, Never);
    }

    [SpecFact]
    public async Task Removing_a_running_container_kills_it()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        await Cri.RemoveContainerAsync(id, Never);
        Assert.Null(await Cri.ContainerStatusAsync(id, false, Never));
        await Cri.RemoveContainerAsync(id, Never);
    }

    [SpecFact]
    public async Task Resources_change_while_it_runs()
    {
        var (_, id) = await StartAsync(SpecImage.Forever);
        await Cri.UpdateContainerResourcesAsync(new() { ContainerId = id, Linux = new() { CpuShares = 300, MemoryLimitInBytes = 128 << 20 } }, Never);
        var linux = (await StatusAsync(id)).Resources.Linux;
        Assert.Equal((300, 128 << 20, 128 << 20), (linux.CpuShares, linux.MemoryLimitInBytes, linux.MemorySwapLimitInBytes));
        await Cri.UpdateContainerResourcesAsync(new() { ContainerId = id, Linux = new() { CpuShares = 200 } }, Never);
        linux = (await StatusAsync(id)).Resources.Linux;
        Assert.Equal((200, 128 << 20), (linux.CpuShares, linux.MemoryLimitInBytes));
    }

    [SpecFact]
    public async Task A_container_that_is_gone_is_null_to_questions_success_to_ends_and_an_error_to_deeds()
    {
        const string text = "an error occurred when try to find container \"nope\": not found";
        Assert.Null(await Cri.ContainerStatusAsync("nope", false, Never));
        Assert.Null(await Cri.ContainerStatsAsync("nope", Never));
        await Cri.StopContainerAsync("nope", TimeSpan.Zero, Never);
        await Cri.RemoveContainerAsync("nope", Never);
        await FailsAsync(GrpcStatus.NotFound, text, () => Cri.StartContainerAsync("nope", Never));
        await FailsAsync(GrpcStatus.NotFound, text, () => Cri.ReopenContainerLogAsync("nope", Never));
        await FailsAsync(
            GrpcStatus.NotFound, "failed to find container: not found",
            () => Cri.UpdateContainerResourcesAsync(new() { ContainerId = "nope" }, Never));
        await FailsAsync(
            GrpcStatus.NotFound, "failed to exec in container: failed to find container \"nope\" in store: not found",
            () => Cri.ExecSyncAsync("nope", ["true"], TimeSpan.Zero, Never));
        await FailsAsync(
            GrpcStatus.NotFound, "failed to find container \"nope\" in store: not found",
            () => Cri.ExecAsync(new() { ContainerId = "nope", Stdout = true }, Never));
        await FailsAsync(
            GrpcStatus.NotFound, "failed to find container in store: not found",
            () => Cri.AttachAsync(new() { ContainerId = "nope", Stdout = true }, Never));
    }

    /// <summary>Until the program has said "up", and so has its signal handler.</summary>
    async Task UpAsync(string container) => await SaidAsync((await StatusAsync(container)).LogPath, " stdout F up\n");

    async Task SaidAsync(string path, string text)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (!File.Exists(path) || !(await File.ReadAllTextAsync(path, patience.Token)).Contains(text))
        {
            patience.Token.ThrowIfCancellationRequested();
            await PassAsync();
        }
    }
}
