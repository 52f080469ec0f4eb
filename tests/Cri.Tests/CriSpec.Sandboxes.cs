using Hanbae.Kit.Containerd;
using System.Net;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Tests;

public abstract partial class CriSpec
{
    [SpecFact]
    public async Task A_sandbox_is_ready_with_an_address_and_what_it_was_made_of()
    {
        var pod = Pod();
        string id = await RunAsync(pod);

        var status = (await Cri.PodSandboxStatusAsync(id, false, Never))!.Status;
        Assert.Equal(PodSandboxState.SandboxReady, status.State);
        Assert.True(IPAddress.TryParse(status.Network.Ip, out _));
        Assert.Equal(pod.Metadata, status.Metadata);
        Assert.Equal(pod.Labels, status.Labels);
        Assert.Equal(pod.Annotations, status.Annotations);
        Assert.Equal(NamespaceMode.Container, status.Linux.Namespaces.Options.Pid);
        Assert.True(status.CreatedAt > 0);

        Assert.Equal(id, (await Cri.PodSandboxStatusAsync(id[..12], false, Never))!.Status.Id);
        Assert.Equal(id, Assert.Single(await Cri.ListPodSandboxAsync(new() { Id = id[..12] }, Never)).Id);
        var readyOnes = new PodSandboxFilter { LabelSelector = { ["app"] = "pod" }, State = new() { State = PodSandboxState.SandboxReady } };
        Assert.Equal(id, Assert.Single(await Cri.ListPodSandboxAsync(readyOnes, Never)).Id);
        Assert.Empty(await Cri.ListPodSandboxAsync(new() { LabelSelector = { ["app"] = "other" } }, Never));
    }

    [SpecFact]
    public async Task A_sandbox_names_its_process_to_who_asks_in_full()
    {
        string id = await RunAsync(Pod());
        using var info = System.Text.Json.JsonDocument.Parse((await Cri.PodSandboxStatusAsync(id, true, Never))!.Info["info"]);
        Assert.True(info.RootElement.GetProperty("pid").GetInt32() > 1);
        Assert.Empty((await Cri.PodSandboxStatusAsync(id, false, Never))!.Info);
    }

    [SpecFact]
    public async Task Two_sandboxes_have_two_addresses()
    {
        var one = await Cri.PodSandboxStatusAsync(await RunAsync(Pod("one")), false, Never);
        var two = await Cri.PodSandboxStatusAsync(await RunAsync(Pod("two")), false, Never);
        Assert.NotEqual(one!.Status.Network.Ip, two!.Status.Network.Ip);
    }

    [SpecFact]
    public async Task A_sandbox_on_the_hosts_network_has_no_address_of_its_own()
    {
        var pod = Pod();
        pod.Hostname = "";
        pod.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node;
        var status = (await Cri.PodSandboxStatusAsync(await RunAsync(pod), false, Never))!.Status;
        Assert.Equal("", status.Network.Ip);
        Assert.Equal(NamespaceMode.Node, status.Linux.Namespaces.Options.Network);
    }

    [SpecFact]
    public async Task The_same_attempt_cannot_run_twice_but_the_next_can()
    {
        var pod = Pod();
        string id = await RunAsync(pod);
        string name = $"{pod.Metadata.Name}_default_{pod.Metadata.Uid}_0";
        await FailsAsync(
            GrpcStatus.Unknown, $"failed to reserve sandbox name \"{name}\": name \"{name}\" is reserved for \"{id}\"",
            () => Cri.RunPodSandboxAsync(pod, "", Never));
        await Cri.StopPodSandboxAsync(id, Never);
        await Assert.ThrowsAsync<GrpcException>(() => Cri.RunPodSandboxAsync(pod, "", Never));
        pod.Metadata.Attempt = 1;
        await RunAsync(pod);
    }

    [SpecFact]
    public async Task What_cannot_be_a_sandbox_is_refused()
    {
        await FailsAsync(GrpcStatus.Unknown, "sandbox config must include metadata", () => Cri.RunPodSandboxAsync(new(), "", Never));
        await FailsAsync(
            GrpcStatus.Unknown, "failed to get sandbox runtime: no runtime for \"kata\" is configured",
            () => Cri.RunPodSandboxAsync(Pod(), "kata", Never));
    }

    [SpecFact]
    public async Task Stopping_a_sandbox_kills_what_runs_in_it_and_can_be_repeated()
    {
        var (sandbox, container) = await StartAsync(SpecImage.Forever);
        await Cri.StopPodSandboxAsync(sandbox, Never);
        await Cri.StopPodSandboxAsync(sandbox, Never);

        var status = (await Cri.PodSandboxStatusAsync(sandbox, false, Never))!.Status;
        Assert.Equal((PodSandboxState.SandboxNotready, ""), (status.State, status.Network.Ip));
        var dead = await StatusAsync(container);
        Assert.Equal((ContainerState.ContainerExited, 137, "Error"), (dead.State, dead.ExitCode, dead.Reason));
        await FailsAsync(
            GrpcStatus.NotFound, $"failed to get sandbox container task: no running task found: task {sandbox} not found: not found",
            () => Cri.CreateContainerAsync(sandbox, Container(SpecImage.Forever, "late"), Pod(), Never));
        await FailsAsync(
            GrpcStatus.Unknown, "sandbox container is not running",
            () => Cri.PortForwardAsync(new() { PodSandboxId = sandbox, Port = { 80 } }, Never));
        await FailsAsync(
            GrpcStatus.Unknown, $"failed to decode pod sandbox metrics {sandbox}: " +
            $"failed to get pod sandbox stats since sandbox container \"{sandbox}\" is not in ready state",
            () => Cri.PodSandboxStatsAsync(sandbox, Never));
    }

    [SpecFact]
    public async Task Removing_a_running_sandbox_takes_its_containers_along()
    {
        var (sandbox, container) = await StartAsync(SpecImage.Forever);
        await Cri.RemovePodSandboxAsync(sandbox, Never);
        Assert.Null(await Cri.PodSandboxStatusAsync(sandbox, false, Never));
        Assert.Null(await Cri.ContainerStatusAsync(container, false, Never));
        Assert.Empty(await Cri.ListContainersAsync(new() { PodSandboxId = sandbox }, Never));
    }

    [SpecFact]
    public async Task A_sandbox_that_is_gone_is_null_to_questions_and_success_to_ends()
    {
        Assert.Null(await Cri.PodSandboxStatusAsync("nope", false, Never));
        Assert.Null(await Cri.PodSandboxStatsAsync("nope", Never));
        Assert.Empty(await Cri.ListPodSandboxAsync(new() { Id = "nope" }, Never));
        await Cri.StopPodSandboxAsync("nope", Never);
        await Cri.RemovePodSandboxAsync("nope", Never);
        await FailsAsync(GrpcStatus.NotFound, "failed to find sandbox \"nope\": not found", () => Cri.PortForwardAsync(new() { PodSandboxId = "nope" }, Never));
        await FailsAsync(
            GrpcStatus.NotFound, "failed to find sandbox id \"nope\": not found",
            () => Cri.CreateContainerAsync("nope", Container(SpecImage.Done), Pod(), Never));
    }
}
