using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Grpc;

namespace Hanbae.Kubelet.Tests.Pods;

/// <summary>Containers whose end has all containers of their Pod begin anew (KEP-5532).</summary>
public sealed class WholeRestartTests
{
    static Container Trigger(string image) => Make.Container("trigger", image) with
    {
        RestartPolicy = "Never", RestartPolicyRules = [new() { Action = "RestartAllContainers", ExitCodes = new() { Operator = "In", Values = [42] } }],
    };

    static Pod Whole(string trigger) => Make.Pod(Trigger(trigger), Make.Container("app", "app")).Init(Make.Container("init", "init")).Restart("Never");

    [Fact]
    public async Task All_containers_begin_anew_in_the_same_sandbox_init_containers_first()
    {
        using var bench = new PodBench(("init", FakeProgram.Exits(0, TimeSpan.FromSeconds(1))), ("trigger", FakeProgram.Exits(42, TimeSpan.FromSeconds(5))), ("app", FakeProgram.Forever));
        await bench.SettleAsync(Whole("trigger"));
        bench.Time.Advance(1);
        await bench.SettleAsync();
        Assert.Equal("Running", bench.Status.Phase);
        Assert.Equal("False", bench.Status.Condition("AllContainersRestarting"));
        string sandbox = bench.Worker.Runtime!.Sandbox!.Id;

        bench.Time.Advance(5);
        await bench.StepAsync();
        Assert.Equal("Pending", bench.Status.Phase); // as at its first start
        Assert.Equal("init", Assert.Single(bench.Worker.Runtime!.Containers, c => c is { Past: false }).Name);
        Assert.Equal(42, bench.Status.ContainerStatuses[0].LastState.Terminated!.ExitCode);
        Assert.Equal("PodInitializing", bench.Status.ContainerStatuses[1].State.Waiting!.Reason);

        bench.Time.Advance(1);
        await bench.SettleAsync();
        Assert.Equal(sandbox, bench.Worker.Runtime!.Sandbox!.Id);
        Assert.Equal("Running", bench.Status.Phase);
        Assert.All(bench.Status.ContainerStatuses, c => Assert.NotNull(c.State.Running));
        Assert.All(bench.Status.ContainerStatuses.Concat(bench.Status.InitContainerStatuses), c => Assert.Equal(1, c.RestartCount));
        Assert.Equal("False", bench.Status.Condition("AllContainersRestarting"));
    }

    [Fact]
    public async Task While_they_end_the_condition_says_so_and_a_new_kubelet_goes_on()
    {
        using var bench = new PodBench(("init", FakeProgram.Exits(0, TimeSpan.FromSeconds(1))), ("trigger", FakeProgram.Exits(42, TimeSpan.FromSeconds(5))), ("app", FakeProgram.Forever));
        var pod = Whole("trigger");
        await bench.SettleAsync(pod);
        bench.Time.Advance(1);
        await bench.SettleAsync();
        bench.Time.Advance(5);

        bench.Cri.Fault = call => call == "StopContainer" ? new(GrpcStatus.Unavailable, "away") : null;
        await Assert.ThrowsAsync<GrpcException>(bench.StepAsync);
        bench.Cri.Fault = null;
        var condition = bench.Status.Conditions.Find(c => c.Type == "AllContainersRestarting")!;
        Assert.Equal(("True", "RestartAllContainersStarted", "container exited with restart policy rule"), (condition.Status, condition.Reason, condition.Message));
        Assert.Equal("Running", bench.Status.Phase);

        await bench.RestartAsync(pod with { Status = bench.Status });
        bench.Time.Advance(1);
        await bench.SettleAsync();
        Assert.All(bench.Status.ContainerStatuses, c => Assert.NotNull(c.State.Running));
    }

    [Fact]
    public async Task Another_exit_code_ends_the_pod_as_its_policy_says()
    {
        using var bench = new PodBench(("init", FakeProgram.Exits(0, TimeSpan.FromSeconds(1))), ("trigger", FakeProgram.Exits(1, TimeSpan.FromSeconds(5))), ("app", FakeProgram.Exits(0, TimeSpan.FromSeconds(6))));
        await bench.SettleAsync(Whole("trigger"));
        foreach (int seconds in (int[])[1, 5, 1])
        {
            bench.Time.Advance(seconds);
            await bench.SettleAsync();
        }
        Assert.Equal("Failed", bench.Status.Phase);
        var condition = bench.Status.Conditions.Find(c => c.Type == "AllContainersRestarting")!;
        Assert.Equal(("False", "PodFailed"), (condition.Status, condition.Reason));
    }
}
