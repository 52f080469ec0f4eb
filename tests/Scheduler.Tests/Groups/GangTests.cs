using Hanbae.Api.Core.V1;
using Hanbae.Api.Scheduling.V1alpha2;
using Hanbae.Kit;

namespace Hanbae.Scheduler.Tests.Groups;

/// <summary>Pods of a PodGroup get nodes together, or none does.</summary>
public sealed class GangTests : IAsyncLifetime
{
    readonly Rig _rig = new();
    FakeApi Api => _rig.Api;

    public Task InitializeAsync() => Task.CompletedTask;
    public Task DisposeAsync() => _rig.DisposeAsync().AsTask();

    static PodGroup Gang(int minCount, string name = "gang") => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-group-" + name }, Spec = new() { SchedulingPolicy = new() { Gang = new() { MinCount = minCount } } },
    };

    static Pod Member(string name, string cpu = "1", int priority = 0, string group = "gang") => Make.Pod(name, cpu, priority: priority).With(s => s with { SchedulingGroup = new() { PodGroupName = group } });

    Task SaysAsync(string status, string reason, string message) => Until(a => a.Find<PodGroup>("gang")!.Status.Conditions.Exists(c => c.Type == "PodGroupScheduled" && c.Status == status && c.Reason == reason && c.Message == message), $"{status} {reason} {message}");
    Task SaysAsync(string pod, string message) => Until(a => a.Find<Pod>(pod)!.Status.Conditions.Exists(c => c.Type == "PodScheduled" && c.Message == message), $"{pod}: {message}");
    Task Until(Func<FakeApi, bool> holds, string what) => Api.UntilAsync(holds, what, TimeSpan.FromSeconds(60));

    [Fact]
    public async Task Nobody_is_looked_at_before_there_are_as_many_as_the_gang_wants()
    {
        Api.Put(Make.Node("n1", cpu: "16"));
        Api.Put(Gang(3));
        Api.Put(Member("a"));
        Api.Put(Member("b"));
        Api.Put(Make.Pod("alone", "1"));
        _rig.Start();
        await _rig.BoundAsync("alone");
        Assert.Equal(["alone"], _rig.Bound.Select(b => b.Pod));
        Api.Put(Member("c"));
        foreach (string pod in new[] { "a", "b", "c" }) await _rig.BoundAsync(pod);
        await SaysAsync("True", "Scheduled", "");
        Assert.DoesNotContain(_rig.Events.Told, e => e.Reason == "FailedScheduling");
    }

    [Fact]
    public async Task A_gang_that_does_not_fit_whole_takes_no_node_until_it_does()
    {
        Api.Put(Make.Node("n1", cpu: "1"));
        Api.Put(Make.Node("n2", cpu: "1"));
        Api.Put(Gang(3));
        foreach (string pod in new[] { "a", "b", "c" }) Api.Put(Member(pod));
        _rig.Start();
        const string Others = "pod group is unschedulable, waiting for minCount pods from a gang to be scheduled";
        await SaysAsync("False", "Unschedulable", "pod group is unschedulable");
        await SaysAsync("a", Others);
        await SaysAsync("b", Others);
        await SaysAsync("c", "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.");
        // The room that it did not take is there for others.
        Api.Put(Make.Pod("alone", "1"));
        await _rig.BoundAsync("alone");
        Api.Put(Make.Node("n3", cpu: "1"));
        Api.Put(Make.Node("n4", cpu: "1"));
        foreach (string pod in new[] { "a", "b", "c" }) await _rig.BoundAsync(pod);
        Assert.Equal(4, _rig.Bound.Select(b => b.Node).Distinct().Count());
        await SaysAsync("True", "Scheduled", "");
    }

    [Fact]
    public async Task Pods_wait_for_a_group_that_is_yet_to_come()
    {
        Api.Put(Make.Node("n1", cpu: "16"));
        Api.Put(Member("a"));
        Api.Put(Make.Pod("alone", "1"));
        _rig.Start();
        await _rig.BoundAsync("alone");
        Assert.Equal("", Api.Find<Pod>("a")!.Spec.NodeName);
        Api.Put(Gang(1));
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task Fewer_wanted_lets_those_in_who_are_there()
    {
        Api.Put(Make.Node("n1", cpu: "16"));
        Api.Put(Gang(3));
        Api.Put(Member("a"));
        Api.Put(Member("b"));
        Api.Put(Make.Pod("alone", "1"));
        _rig.Start();
        await _rig.BoundAsync("alone");
        Api.Change<PodGroup>("gang", g => g with { Spec = g.Spec with { SchedulingPolicy = new() { Gang = new() { MinCount = 2 } } } });
        await _rig.BoundAsync("a");
        await _rig.BoundAsync("b");
    }

    [Fact]
    public async Task Nobody_is_displaced_for_a_gang_that_would_not_have_room_all_the_same()
    {
        foreach (string node in new[] { "n1", "n2" })
        {
            Api.Put(Make.Node(node, cpu: "1"));
            Api.Put(Make.Pod("low-" + node, "1").With(s => s with { NodeName = node }));
        }
        Api.Put(Gang(3));
        foreach (string pod in new[] { "a", "b", "c" }) Api.Put(Member(pod, priority: 10));
        _rig.Start();
        await SaysAsync("False", "Unschedulable", "pod group is unschedulable");
        await SaysAsync("a", "pod group is unschedulable, waiting for minCount pods from a gang to be scheduled");
        Assert.DoesNotContain(Api.Requests, r => r.Method == "DELETE");
        Api.Put(Make.Pod("low-n3", "1").With(s => s with { NodeName = "n3" }));
        Api.Put(Make.Node("n3", cpu: "1"));
        foreach (string pod in new[] { "a", "b", "c" }) await _rig.BoundAsync(pod);
        Assert.DoesNotContain(Api.All<Pod>(), p => p.Metadata.Name.StartsWith("low-", StringComparison.Ordinal));
        Assert.Contains(_rig.Events.Told, e => e.Message.EndsWith("on node n3", StringComparison.Ordinal) && e.Reason == "Preempted");
    }

    [Fact]
    public async Task What_is_more_than_the_gang_wants_may_stay_behind()
    {
        Api.Put(Make.Node("n1", cpu: "1"));
        Api.Put(Make.Node("n2", cpu: "1"));
        Api.Put(Gang(2));
        foreach (string pod in new[] { "a", "b", "c" }) Api.Put(Member(pod));
        _rig.Start();
        await _rig.BoundAsync("a");
        await _rig.BoundAsync("b");
        await SaysAsync("True", "Scheduled", "");
        Api.Put(Make.Node("n3", cpu: "1"));
        await _rig.BoundAsync("c");
        Assert.Contains(Api.Find<PodGroup>("gang")!.Status.Conditions, c => c.Status == "True");
    }

    [Fact]
    public async Task A_group_that_is_no_gang_is_scheduled_as_far_as_it_goes()
    {
        Api.Put(Make.Node("n1", cpu: "1"));
        Api.Put(Gang(0) with { Spec = new() { SchedulingPolicy = new() { Basic = new() } } });
        Api.Put(Member("a"));
        Api.Put(Member("b"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal("", Api.Find<Pod>("b")!.Spec.NodeName);
    }

    // A server that has no such resource may also say that the scheduler may not read it.
    [Theory, InlineData(404, "NotFound"), InlineData(403, "Forbidden")]
    public async Task Where_groups_are_not_served_a_Pod_that_names_one_is_as_any_other(int code, string reason)
    {
        _rig.Meddle = r => r.Path.StartsWith("/apis/scheduling.k8s.io/", StringComparison.Ordinal) ? new() { Code = code, Object = FakeApi.Error(code, reason, "no").Status } : null;
        Api.Put(Make.Node("n1"));
        Api.Put(Member("a"));
        _rig.Start();
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task Members_of_different_schedulers_are_an_error()
    {
        Api.Put(Make.Node("n1"));
        Api.Put(Gang(2));
        Api.Put(Member("a"));
        Api.Put(Member("b").With(s => s with { SchedulerName = "second" }));
        _rig.Start(new() { Profiles = [new(), new() { Name = "second" }] });
        await Until(a => a.Find<PodGroup>("gang")!.Status.Conditions.Exists(c => c.Reason == "SchedulerError" && c.Message.Contains("all pods in a single pod group should have the same .spec.schedulerName set", StringComparison.Ordinal)), "it says so");
        foreach (string pod in new[] { "a", "b" }) await Until(a => a.Find<Pod>(pod)!.Status.Conditions.Exists(c => c.Type == "PodScheduled" && c.Reason == "SchedulerError"), pod + " is told");
        Assert.Empty(_rig.Bound);
    }
}
