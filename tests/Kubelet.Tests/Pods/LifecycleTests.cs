using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Tests.Pods;

public sealed class LifecycleTests
{
    [Fact]
    public async Task A_pod_is_pulled_created_started_and_told_as_running()
    {
        using var bench = new PodBench(("app:1", FakeProgram.Forever));
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app:1")));

        var status = bench.Status;
        Assert.Equal("Running", status.Phase);
        Assert.Equal("True", status.Condition("Ready"));
        Assert.Equal("10.0.0.1", status.HostIP);
        Assert.StartsWith("10.88.0.", status.PodIP);
        Assert.Equal("BestEffort", status.QosClass);
        var app = Assert.Single(status.ContainerStatuses);
        Assert.True(app.Ready);
        Assert.StartsWith("containerd://", app.ContainerID);
        Assert.Equal(["Pulling", "Pulled", "Created", "Started"], bench.Events.All.Select(e => e.Split(' ')[1]));
    }

    [Fact]
    public async Task A_Pod_that_does_not_want_to_be_on_this_node_is_refused_unless_it_runs_already()
    {
        static Node Labeled(string disk) => new() { Metadata = new() { Name = "node", Labels = Map.Of(("disk", disk)) } };
        using var bench = new PodBench(("app", FakeProgram.Forever));
        bench.Objects.Node = Labeled("hdd");
        var pod = Make.Pod(Make.Container("app", "app"));
        pod = pod with { Spec = pod.Spec with { NodeSelector = Map.Of(("disk", "ssd")) } };
        await bench.SettleAsync(pod);
        Assert.Equal(("Failed", "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"), (bench.Status.Phase, bench.Status.Reason, bench.Status.Message));
        Assert.Single(bench.Events.All, e => e == "Warning NodeAffinity Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector");
        Assert.Empty(bench.Worker.Runtime!.Sandboxes);
        Assert.Empty(bench.Status.ContainerStatuses); // so that clients show the reason, not a container that is being created
        await bench.RestartAsync(pod with { Status = bench.Status });
        Assert.Equal(("NodeAffinity", 0), (bench.Status.Reason, bench.Status.ContainerStatuses.Count));

        bench.Objects.NodeNow = Labeled("ssd"); // the label is new
        var other = pod with { Metadata = pod.Metadata with { Uid = "other" } };
        await bench.SettleAsync(other);
        Assert.Equal("Running", bench.Status.Phase);
        bench.Objects.NodeNow = null;
        await bench.RestartAsync(other with { Status = bench.Status });
        await bench.SettleAsync();
        Assert.Equal("Running", bench.Status.Phase);
    }

    [Fact]
    public async Task A_Pod_whose_volumes_can_never_come_to_this_node_is_refused_and_one_whose_may_waits()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        bench.Volumes.Failure = new("not yet");
        await bench.RunAsync(Make.Pod(Make.Container("app", "app")));
        Assert.Equal("Pending", bench.Status.Phase);
        Assert.Single(bench.Events.All, e => e == "Warning FailedMount not yet");
        bench.Volumes.Failure = new("no room") { Refusal = "VolumeAttachmentLimitExceeded" };
        await bench.SettleAsync();
        Assert.Equal(("Failed", "VolumeAttachmentLimitExceeded", "Pod was rejected: no room"), (bench.Status.Phase, bench.Status.Reason, bench.Status.Message));
        Assert.Single(bench.Events.All, e => e == "Warning VolumeAttachmentLimitExceeded no room");
        Assert.Empty(bench.Worker.Runtime!.Sandboxes);

        bench.Volumes.Failure = null;
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")) is var other ? other with { Metadata = other.Metadata with { Uid = "other" } } : null!);
        bench.Volumes.Failure = new("no room") { Refusal = "VolumeAttachmentLimitExceeded" };
        await bench.SettleAsync();
        Assert.Equal("Running", bench.Status.Phase); // what runs has what it needs
    }

    [Fact]
    public async Task An_init_container_that_was_removed_has_done_what_it_was_for_when_others_run()
    {
        using var bench = new PodBench(("init", FakeProgram.Exits(0, TimeSpan.FromSeconds(1))), ("app", FakeProgram.Forever));
        var pod = Make.Pod(Make.Container("app", "app")).Init(Make.Container("init", "init"));
        await bench.SettleAsync(pod);
        bench.Time.Advance(1);
        await bench.SettleAsync();
        Assert.Equal("Running", bench.Status.Phase);

        await bench.Cri.RemoveContainerAsync(bench.IdOf("init"), default);
        await bench.RestartAsync(pod); // and nobody told its status, as for a static Pod without an API server
        await bench.SettleAsync();
        Assert.Equal(("Running", "True"), (bench.Status.Phase, bench.Status.Condition("Initialized")));
        var init = Assert.Single(bench.Status.InitContainerStatuses);
        Assert.Equal(("Completed", 0, true), (init.State.Terminated!.Reason, init.State.Terminated.ExitCode, init.Ready));
        Assert.DoesNotContain(bench.Worker.Runtime!.Containers, c => c.Name == "init"); // nor is it run again
    }

    [Fact]
    public async Task A_failing_container_waits_longer_each_time_and_at_most_five_minutes()
    {
        using var bench = new PodBench(("app:1", FakeProgram.Exits(1, TimeSpan.FromSeconds(1))));
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app:1")));

        int[] expected = [0, 10, 20, 40, 80, 160, 300, 300];
        foreach (int delay in expected)
        {
            bench.Time.Advance(1);
            var again = await bench.StepAsync();
            if (delay > 0)
            {
                Assert.Equal(TimeSpan.FromSeconds(Math.Min(delay, 60)), again - bench.Time.GetUtcNow());
                var waiting = bench.Status.ContainerStatuses[0].State.Waiting!;
                Assert.Equal("CrashLoopBackOff", waiting.Reason);
                Assert.Equal($"back-off {(delay < 60 ? $"{delay}s" : $"{delay / 60}m{delay % 60}s")} restarting failed container=app pod=web_default(0f6b2a)", waiting.Message);
                Assert.Equal(1, bench.Status.ContainerStatuses[0].LastState.Terminated!.ExitCode);
                bench.Time.Advance(delay);
                await bench.StepAsync();
            }
            Assert.NotNull(bench.Status.ContainerStatuses[0].State.Running);
        }
        Assert.Equal(expected.Length, bench.Status.ContainerStatuses[0].RestartCount);
        Assert.Equal(2, bench.Worker.Runtime!.Containers.Length); // older runs are not kept
    }

    [Fact]
    public async Task Init_containers_run_one_after_the_other_before_the_others()
    {
        using var bench = new PodBench(("one", FakeProgram.Exits(0, TimeSpan.FromSeconds(5))), ("two", FakeProgram.Exits(0, TimeSpan.FromSeconds(5))), ("app", FakeProgram.Forever));
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")).Init(Make.Container("one", "one"), Make.Container("two", "two")));
        Assert.Equal(["one"], bench.Worker.Runtime!.Containers.Select(c => c.Name));
        Assert.Equal("Pending", bench.Status.Phase);
        Assert.Equal("PodInitializing", bench.Status.ContainerStatuses[0].State.Waiting!.Reason);
        Assert.Equal("PodInitializing", bench.Status.InitContainerStatuses[1].State.Waiting!.Reason);
        Assert.Equal("containers with incomplete status: [one two]", bench.Status.Conditions.Find(c => c.Type == "Initialized")!.Message);

        bench.Time.Advance(5);
        await bench.SettleAsync();
        Assert.Equal(["two", "one"], bench.Worker.Runtime!.Containers.Select(c => c.Name));
        bench.Time.Advance(5);
        await bench.SettleAsync();

        Assert.Equal("Running", bench.Status.Phase);
        Assert.Equal("True", bench.Status.Condition("Initialized"));
        Assert.Equal("Completed", bench.Status.InitContainerStatuses[1].State.Terminated!.Reason);
    }

    [Fact]
    public async Task A_failed_init_container_fails_a_pod_that_is_never_restarted()
    {
        using var bench = new PodBench(("one", FakeProgram.Exits(3)), ("app", FakeProgram.Forever));
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")).Init(Make.Container("one", "one")).Restart("Never"));
        Assert.Equal("Failed", bench.Status.Phase);
        Assert.DoesNotContain(bench.Worker.Runtime!.Containers, c => c.Name == "app");
    }

    [Theory]
    [InlineData("Always", "Never", 7, "Failed")] // its own policy, not the Pod's
    [InlineData("Never", "Never", 3, "Pending")] // a rule of its own
    [InlineData("Never", "OnFailure", 7, "Pending")]
    [InlineData("Never", "Never", 7, "Failed")]
    public async Task An_init_containers_own_policy_and_rules_decide_alone(string ofPod, string own, int exitCode, string phase)
    {
        using var bench = new PodBench(("one", FakeProgram.Exits(exitCode)), ("app", FakeProgram.Forever));
        var one = Make.Container("one", "one") with { RestartPolicy = own, RestartPolicyRules = [new() { Action = "Restart", ExitCodes = new() { Operator = "In", Values = [3] } }] };
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")).Init(one).Restart(ofPod));
        await bench.StepAsync();
        Assert.Equal(phase, bench.Status.Phase);
        Assert.Equal(phase == "Failed", bench.Status.InitContainerStatuses[0].State.Terminated is not null);
        if (phase == "Failed") return;
        bench.Time.Advance(10);
        await bench.StepAsync();
        Assert.True(bench.Status.InitContainerStatuses[0].RestartCount > 0);
    }

    [Theory]
    [InlineData("RunPodSandboxAsync")]
    [InlineData("CreateContainerAsync")]
    [InlineData("StartContainerAsync")]
    public async Task A_deletion_does_not_break_off_what_the_runtime_is_making(string call)
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var pod = Make.Pod(Make.Container("app", "app"));
        PodWorker? worker = null;
        bool? brokenOff = null;
        var cri = WatchedCri.Around(bench.Cri, (name, token) =>
        {
            if (name != call) return;
            worker!.Update(pod.Deleted(bench.Time.GetUtcNow()));
            brokenOff = token.IsCancellationRequested;
        });
        worker = new(bench.Context with { Cri = cri }, pod);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker.SyncAsync(default)); // the step itself ends
        Assert.False(brokenOff);
        await worker.SyncAsync(default);
        Assert.True(worker.Done);
        Assert.Empty(await bench.Cri.ListPodSandboxAsync(null, default));
    }

    [Fact]
    public async Task A_job_pod_succeeds_and_its_sidecar_ends_after_it()
    {
        using var bench = new PodBench(("side", FakeProgram.Forever), ("work", FakeProgram.Exits(0, TimeSpan.FromSeconds(10))));
        var side = Make.Container("side", "side") with { RestartPolicy = "Always" };
        await bench.SettleAsync(Make.Pod(Make.Container("work", "work")).Init(side).Restart("Never"));
        Assert.Equal("Running", bench.Status.Phase);
        Assert.True(bench.Status.InitContainerStatuses[0].Ready);

        bench.Time.Advance(10);
        await bench.StepAsync();

        Assert.Equal("Succeeded", bench.Status.Phase);
        Assert.Equal("PodCompleted", bench.Status.Conditions.Find(c => c.Type == "Ready")!.Reason);
        Assert.NotNull(bench.Status.InitContainerStatuses[0].State.Terminated);
    }

    [Fact]
    public async Task A_sidecar_that_ends_is_started_again_without_touching_the_app()
    {
        using var bench = new PodBench(("side", FakeProgram.Forever), ("app", FakeProgram.Forever));
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")).Init(Make.Container("side", "side") with { RestartPolicy = "Always" }).Restart("Never"));
        string app = bench.IdOf("app"), side = bench.IdOf("side");
        bench.Cri.Exit(side, 1);
        await bench.SettleAsync();
        Assert.Equal(app, bench.IdOf("app"));
        Assert.NotEqual(side, bench.IdOf("side"));
        Assert.Equal(1, bench.Status.InitContainerStatuses[0].RestartCount);
    }

    [Fact]
    public async Task A_deleted_pod_gets_its_grace_and_is_forgotten_with_all_its_traces()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever with { ExitCodeOnStop = null }));
        var pod = Make.Pod(Make.Container("app", "app"));
        await bench.SettleAsync(pod);
        bench.Worker.Update(pod.Deleted(bench.Time.GetUtcNow(), grace: 7));
        var step = bench.StepAsync();
        Assert.False(step.IsCompleted);
        bench.Time.Advance(6.9);
        Assert.False(step.IsCompleted);
        bench.Time.Advance(0.2);
        await step;

        Assert.True(bench.Worker.Done);
        Assert.Equal([bench.Worker.Uid], bench.Reports.Finished);
        Assert.Equal(137, bench.Status.ContainerStatuses[0].State.Terminated!.ExitCode);
        Assert.Equal("Failed", bench.Status.Phase);
        Assert.Empty(await bench.Cri.ListPodSandboxAsync(null, default));
        Assert.False(Directory.Exists(bench.Options.Folders.Pod(bench.Worker.Uid)));
    }

    [Fact]
    public async Task Less_grace_breaks_into_a_termination_that_waits()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever with { ExitCodeOnStop = null }));
        var pod = Make.Pod(Make.Container("app", "app"));
        await bench.SettleAsync(pod);
        bench.Worker.Update(pod.Deleted(bench.Time.GetUtcNow(), grace: 600));
        var step = bench.StepAsync();
        bench.Worker.Update(pod.Deleted(bench.Time.GetUtcNow(), grace: 0));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => step);
        step = bench.StepAsync();
        bench.Time.Advance(1);
        await step;
        Assert.True(bench.Worker.Done);
    }

    [Fact]
    public async Task A_kubelet_that_was_killed_takes_over_what_runs()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var pod = Make.Pod(Make.Container("app", "app"));
        await bench.SettleAsync(pod);
        string id = bench.IdOf("app");
        bench.Cri.Exit(id, 1);
        await bench.SettleAsync();
        id = bench.IdOf("app");

        await bench.RestartAsync(pod with { Status = bench.Status });

        Assert.Equal(id, bench.IdOf("app"));
        Assert.Equal(1, bench.Status.ContainerStatuses[0].RestartCount);
        Assert.Equal(1, bench.Status.ContainerStatuses[0].LastState.Terminated!.ExitCode);
    }

    [Fact]
    public async Task A_lost_sandbox_is_made_anew_with_everything_in_it()
    {
        using var bench = new PodBench(("one", FakeProgram.Exits(0)), ("app", FakeProgram.Forever));
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")).Init(Make.Container("one", "one")));
        await bench.Cri.StopPodSandboxAsync(bench.Worker.Runtime!.Sandbox!.Id, default);
        await bench.SettleAsync();

        Assert.Equal("Running", bench.Status.Phase);
        Assert.Equal(1u, bench.Worker.Runtime!.Sandbox!.Attempt);
        Assert.Equal(1, bench.Status.ContainerStatuses[0].RestartCount);
        Assert.Contains(bench.Events.All, e => e == "Normal SandboxChanged Pod sandbox changed, it will be killed and re-created.");
    }

    [Fact]
    public async Task A_pod_whose_sandbox_was_lost_is_pending_until_it_is_initialized_again()
    {
        using var bench = new PodBench(("one", FakeProgram.Exits(0, TimeSpan.FromSeconds(5))), ("side", FakeProgram.Forever), ("app", FakeProgram.Forever));
        var side = Make.Container("side", "side") with { RestartPolicy = "Always" };
        await bench.SettleAsync(Make.Pod(Make.Container("app", "app")).Init(Make.Container("one", "one"), side));
        bench.Time.Advance(5);
        await bench.SettleAsync();
        Assert.Equal("Running", bench.Status.Phase);

        await bench.Cri.StopPodSandboxAsync(bench.Worker.Runtime!.Sandbox!.Id, default);
        await bench.SettleAsync();
        Assert.Equal(1, bench.Status.InitContainerStatuses[0].RestartCount);
        Assert.Equal("Pending", bench.Status.Phase);

        bench.Time.Advance(5);
        await bench.SettleAsync();
        Assert.Equal("Running", bench.Status.Phase);
        bench.Cri.Exit(bench.IdOf("side"), 1); // a sidecar that begins anew beside the app changes nothing
        await bench.StepAsync();
        Assert.Equal("Running", bench.Status.Phase);
    }

    [Fact]
    public async Task What_a_container_was_found_to_be_outlives_the_kubelet_that_found_it()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var always = new Probe { Exec = new() { Command = ["up"] }, PeriodSeconds = 1 };
        var pod = Make.Pod(Make.Container("app", "app") with { StartupProbe = always, ReadinessProbe = always });
        await bench.SettleAsync(pod);
        Assert.Equal((false, false), (bench.Status.ContainerStatuses[0].Started, bench.Status.ContainerStatuses[0].Ready));

        var found = bench.Status with { ContainerStatuses = [bench.Status.ContainerStatuses[0] with { Started = true, Ready = true }] };
        await bench.RestartAsync(pod with { Status = found });
        Assert.Equal((true, true), (bench.Status.ContainerStatuses[0].Started, bench.Status.ContainerStatuses[0].Ready));
        Assert.Equal("True", bench.Status.Condition("Ready"));

        bench.Cri.Exit(bench.IdOf("app"), 1); // of the next one nothing is known
        await bench.SettleAsync();
        Assert.Equal((1, false, false), (bench.Status.ContainerStatuses[0].RestartCount, bench.Status.ContainerStatuses[0].Started, bench.Status.ContainerStatuses[0].Ready));
    }

    [Fact]
    public async Task While_a_pod_takes_its_time_to_end_it_is_told_who_has_ended()
    {
        using var bench = new PodBench(("quick", FakeProgram.Forever), ("slow", FakeProgram.Forever with { ExitCodeOnStop = null }));
        var pod = Make.Pod(Make.Container("quick", "quick"), Make.Container("slow", "slow"));
        await bench.SettleAsync(pod);
        bench.Worker.Update(pod.Deleted(bench.Time.GetUtcNow(), grace: 600));
        var step = bench.StepAsync();
        await bench.Time.WhenSetAsync(); // the slow one has its signal, and so the quick one had
        bench.Worker.Wake.Set(); // as the runtime's events do
        await bench.Reports.UntilAsync(() => !bench.Status.ContainerStatuses[0].Ready, "the end of the quick one is told");
        Assert.False(step.IsCompleted);
        Assert.Equal([false, true], bench.Status.ContainerStatuses.Select(c => c.Ready));
        Assert.NotNull(bench.Status.ContainerStatuses[0].State.Terminated);
        Assert.Equal(("Running", "False"), (bench.Status.Phase, bench.Status.Condition("Ready")));
        bench.Time.Advance(600);
        await step;
        Assert.True(bench.Worker.Done);
    }

    [Fact]
    public async Task Ends_are_counted_by_kind_and_exit_code_once_each()
    {
        using var bench = new PodBench(("one", FakeProgram.Exits(0)), ("app", FakeProgram.Exits(139)));
        var pod = Make.Pod(Make.Container("app", "app")).Init(Make.Container("one", "one")).Restart("Never");
        await bench.SettleAsync(pod);
        await bench.SettleAsync();
        await bench.RestartAsync(pod with { Status = bench.Status });
        var text = new PrometheusText();
        bench.Context.Figures.Render(text);
        Assert.Equal(
            ["kubelet_terminated_containers_total{container_type=\"container\",exit_code=\"139\"} 1", "kubelet_terminated_containers_total{container_type=\"init_container\",exit_code=\"0\"} 1"],
            text.ToString().Split('\n').Where(l => l.StartsWith("kubelet_terminated_containers_total{", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("files", 1, 1, 0)]
    [InlineData("absent", 2, 0, 2)] // each try anew
    [InlineData("", 0, 0, 0)]
    public async Task Images_as_volumes_are_counted_from_nought(string image, int requested, int mounted, int errors)
    {
        using var bench = new PodBench(("app", FakeProgram.Forever), ("files", FakeProgram.Forever));
        var container = Make.Container("app", "app");
        var pod = Make.Pod(image.Length == 0 ? container : container with { VolumeMounts = [new() { Name = "v", MountPath = "/v" }] });
        await bench.SettleAsync(image.Length == 0 ? pod : pod with { Spec = pod.Spec with { Volumes = [new() { Name = "v", Image = new() { Reference = image, PullPolicy = "IfNotPresent" } }] } });
        var text = new PrometheusText();
        bench.Context.Figures.Render(text);
        Assert.Equal(
            [$"kubelet_image_volume_mounted_errors_total {errors}", $"kubelet_image_volume_mounted_succeed_total {mounted}", $"kubelet_image_volume_requested_total {requested}"],
            text.ToString().Split('\n').Where(l => l.StartsWith("kubelet_image_volume_", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Ids_begin_with_the_name_of_the_runtime()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var worker = new PodWorker(bench.Context with { RuntimeVersion = () => "cri-o://1.34.1" }, Make.Pod(Make.Container("app", "app")));
        await worker.SyncAsync(default);
        Assert.StartsWith("cri-o://", worker.Status!.ContainerStatuses[0].ContainerID);
    }

    [Fact]
    public async Task An_image_that_cannot_be_pulled_is_tried_with_growing_pauses()
    {
        using var bench = new PodBench();
        var again = await bench.RunAsync(Make.Pod(Make.Container("app", "nowhere:1")));
        Assert.Equal("ErrImagePull", bench.Status.ContainerStatuses[0].State.Waiting!.Reason);
        Assert.True(again <= bench.Time.GetUtcNow());
        again = await bench.StepAsync();
        var waiting = bench.Status.ContainerStatuses[0].State.Waiting!;
        Assert.Equal("ImagePullBackOff", waiting.Reason);
        Assert.StartsWith("Back-off pulling image \"nowhere:1\": ErrImagePull: rpc error: code = NotFound", waiting.Message);
        Assert.Equal(TimeSpan.FromSeconds(10), again - bench.Time.GetUtcNow());
        Assert.Equal("Pending", bench.Status.Phase);
    }

    [Fact]
    public async Task A_deadline_fails_the_pod()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var pod = Make.Pod(Make.Container("app", "app"));
        var again = await bench.RunAsync(pod with { Spec = pod.Spec with { ActiveDeadlineSeconds = 20 } });
        Assert.Equal(TimeSpan.FromSeconds(20), again - bench.Time.GetUtcNow());
        bench.Time.Advance(20);
        await bench.StepAsync();
        Assert.Equal(("Failed", "DeadlineExceeded"), (bench.Status.Phase, bench.Status.Reason));
        Assert.False(bench.Worker.Runtime!.IsRunning);
    }

    [Fact]
    public async Task A_container_that_may_not_be_root_is_refused_with_its_reason()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        await bench.RunAsync(Make.Pod(Make.Container("app", "app") with { SecurityContext = new() { RunAsNonRoot = true } }));
        var waiting = bench.Status.ContainerStatuses[0].State.Waiting!;
        Assert.Equal("CreateContainerConfigError", waiting.Reason);
        Assert.Equal("container has runAsNonRoot and image will run as root (pod: \"web_default(0f6b2a)\", container: app)", waiting.Message);
    }

    [Fact]
    public async Task A_refused_pod_fails_with_the_reason_and_starts_nothing()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var context = bench.Context with { Allocatable = () => Map.Of(("pods", new Quantity(0))) };
        using var stop = new CancellationTokenSource();
        var workers = new PodWorkers(context, stop.Token);
        var pod = Make.Pod(Make.Container("app", "app"));
        workers.On(new(null, pod));
        await bench.Time.WhenSetAsync(); // the worker has come to rest
        var status = bench.Reports.Last[pod.Metadata.Uid];
        Assert.Equal(("Failed", "OutOfpods"), (status.Phase, status.Reason));
        Assert.Equal("Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 0, capacity: 0", status.Message);
        Assert.Empty(await bench.Cri.ListPodSandboxAsync(null, default));
        await stop.CancelAsync();
        await workers.WhenDoneAsync();
    }

    [Fact]
    public async Task What_the_api_forgot_is_ended_and_removed()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var pod = Make.Pod(Make.Container("app", "app"));
        await bench.SettleAsync(pod);
        using var stop = new CancellationTokenSource();
        var workers = new PodWorkers(bench.Context, stop.Token);
        var pleg = new Pleg(bench.Cri, bench.Options, bench.Time, _ => { }, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await pleg.RelistAsync(default);
        await new Housekeeping(bench.Context, workers, pleg).OnceAsync(default);
        await workers.WhenDoneAsync();
        Assert.Empty(await bench.Cri.ListPodSandboxAsync(null, default));
        Assert.False(Directory.Exists(bench.Options.Folders.Pod(pod.Metadata.Uid)));
        Assert.Empty(bench.Reports.Finished);
    }
}
