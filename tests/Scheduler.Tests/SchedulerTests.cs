using System.Collections.Concurrent;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kit;

namespace Hanbae.Scheduler.Tests;

/// <summary>The loop against an API server in memory whose bindings work as upstream's: once.</summary>
public sealed class SchedulerTests : IAsyncLifetime
{
    readonly Rig _rig = new();


    public Task InitializeAsync() => Task.CompletedTask;
    public Task DisposeAsync() => _rig.DisposeAsync().AsTask();

    void Start(Configuration.SchedulerConfiguration? configuration = null) => _rig.Start(configuration);
    Task BoundAsync(string pod) => _rig.BoundAsync(pod);

    [Fact]
    public async Task A_Pod_gets_a_node_once_and_an_Event_says_so()
    {
        _rig.Api.Put(Make.Node("n1"));
        _rig.Api.Put(Make.Pod("a", "1"));
        Start();
        await _rig.Api.UntilAsync(a => a.Find<Pod>("a")?.Spec.NodeName == "n1");
        await _rig.Events.UntilAsync(("Normal", "Scheduled", "Successfully assigned default/a to n1"));
        Assert.Single(_rig.Bound);
    }

    [Fact]
    [Trait("Conformance", "[sig-scheduling] SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run [Conformance]")]
    public async Task A_decision_counts_before_it_is_written_so_no_node_is_filled_twice()
    {
        for (int i = 0; i < 5; i++) _rig.Api.Put(Make.Node("n" + i, cpu: "1"));
        for (int i = 0; i < 12; i++) _rig.Api.Put(Make.Pod("p" + i, "500m"));
        Start();
        await _rig.Api.UntilAsync(a => a.All<Pod>().Count(p => p.Spec.NodeName.Length > 0) == 10 && Refused(a) == 2);
        Assert.All(_rig.Bound.GroupBy(b => b.Node), n => Assert.Equal(2, n.Count()));
        Assert.Equal(10, _rig.Bound.Select(b => b.Pod).Distinct().Count());
        Assert.Equal(10, _rig.Bound.Count);
    }

    [Fact]
    public async Task A_Pod_without_a_node_says_why_in_its_status_and_is_tried_again_when_that_may_have_changed()
    {
        _rig.Api.Put(Make.Node("n1").Cordoned());
        _rig.Api.Put(Make.Pod("a"));
        Start();
        await _rig.Api.UntilAsync(a => Refused(a) == 1);
        var condition = _rig.Api.Find<Pod>("a")!.Status.Conditions.Find(c => c.Type == "PodScheduled")!;
        const string Why = "0/1 nodes are available: 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        Assert.Equal(("False", "Unschedulable", Why), (condition.Status, condition.Reason, condition.Message));
        await _rig.Events.UntilAsync(("Warning", "FailedScheduling", Why));

        _rig.Api.Change<Node>("n1", n => n with { Spec = n.Spec with { Unschedulable = false } }, ns: "");
        await BoundAsync("a");
    }

    [Fact]
    public async Task A_binding_that_failed_is_tried_again_and_its_room_given_back()
    {
        _rig.Failures = 1;
        _rig.Api.Put(Make.Node("n1", cpu: "1"));
        _rig.Api.Put(Make.Pod("a", "1"));
        Start();
        await BoundAsync("a");
        Assert.Contains(_rig.Events.Told, e => e is { Reason: "FailedScheduling", Message: "running Bind plugin \"DefaultBinder\": no luck" });
        Assert.Contains(_rig.Api.Requests, r => r.Method == "PATCH" && r.Path.EndsWith("/pods/a/status", StringComparison.Ordinal) && Encoding.UTF8.GetString(r.Body.Span).Contains("SchedulerError", StringComparison.Ordinal));
        Assert.Single(_rig.Bound);
    }

    [Fact]
    public async Task Room_that_a_Pod_leaves_is_taken_by_who_waits_for_it()
    {
        _rig.Api.Put(Make.Node("n1", cpu: "1"));
        _rig.Api.Put(Make.Pod("old", "1").With(s => s with { NodeName = "n1" }));
        _rig.Api.Put(Make.Pod("new", "1"));
        Start();
        await _rig.Api.UntilAsync(a => Refused(a) == 1);
        _rig.Api.Remove<Pod>("old");
        await BoundAsync("new");
    }

    [Fact]
    [Trait("Conformance", "[sig-scheduling] SchedulerPreemption [Serial] validates basic preemption works [Conformance]")]
    [Trait("Conformance", "[sig-scheduling] SchedulerPreemption [Serial] validates pod disruption condition is added to the preempted pod [Conformance]")]
    public async Task A_more_important_Pod_takes_the_place_of_a_lesser_one()
    {
        _rig.Api.Put(Make.Node("n1", cpu: "1"));
        _rig.Api.Put(Make.Pod("low", "1", priority: 1).With(s => s with { NodeName = "n1" }));
        _rig.Api.Put(Make.Pod("high", "1", priority: 100));
        // Ending takes its time: until then the room is promised.
        _rig.Api.Graceful = o => o is Pod;
        Start();
        await _rig.Api.UntilAsync(a => a.Find<Pod>("low")?.Metadata.DeletionTimestamp is not null, "the victim is asked to go");
        await _rig.Api.UntilAsync(a => a.Find<Pod>("high")!.Status.NominatedNodeName == "n1", "the node is nominated");
        var target = _rig.Api.Find<Pod>("low")!.Status.Conditions.Find(c => c.Type == "DisruptionTarget")!;
        Assert.Equal(("True", "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"), (target.Status, target.Reason, target.Message));
        await _rig.Events.UntilAsync(("Normal", "Preempted", "Preempted by pod uid-high on node n1"));
        await _rig.Events.UntilAsync(("Warning", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu."));
        _rig.Api.Remove<Pod>("low");
        await BoundAsync("high");
    }

    [Fact]
    public async Task A_Pod_that_is_decided_for_by_another_profile_is_scheduled_by_its_rules()
    {
        _rig.Api.Put(Make.Node("full", cpu: "4"));
        _rig.Api.Put(Make.Node("empty", cpu: "4"));
        _rig.Api.Put(Make.Pod("there", "2", "1Gi").With(s => s with { NodeName = "full" }));
        _rig.Api.Put(Make.Pod("packed", "1", "1Gi").With(s => s with { SchedulerName = "packer" }));
        _rig.Api.Put(Make.Pod("spread", "500m", "512Mi"));
        Start(Configuration.SchedulerConfiguration.Parse("""
            apiVersion: kubescheduler.config.k8s.io/v1
            kind: KubeSchedulerConfiguration
            profiles:
            - schedulerName: default-scheduler
            - schedulerName: packer
              plugins: {score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit}]}}
              pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}]
            """));
        await _rig.Api.UntilAsync(a => a.All<Pod>().All(p => p.Spec.NodeName.Length > 0));
        Assert.Equal(("full", "empty"), (_rig.Api.Find<Pod>("packed")!.Spec.NodeName, _rig.Api.Find<Pod>("spread")!.Spec.NodeName));
    }

    [Fact]
    public async Task A_claim_that_waits_for_its_Pod_is_told_of_the_node_and_the_Pod_waits_for_the_volume()
    {
        _rig.Api.Put(Make.Node("n1"));
        _rig.Api.Put(new Api.Storage.V1.StorageClass { Metadata = new() { Name = "fast" }, Provisioner = "csi.example.com", VolumeBindingMode = "WaitForFirstConsumer" });
        _rig.Api.Put(new PersistentVolumeClaim { Metadata = new() { Name = "data", Namespace = "default" }, Spec = new() { StorageClassName = "fast" } });
        _rig.Api.Put(Make.Pod("db").With(s => s with { Volumes = [new() { Name = "d", PersistentVolumeClaim = new() { ClaimName = "data" } }] }));
        Start();
        await _rig.Api.UntilAsync(a => a.Find<PersistentVolumeClaim>("data")!.Metadata.Annotations["volume.kubernetes.io/selected-node"] == "n1");
        Assert.Equal(("", "n1"), (_rig.Api.Find<Pod>("db")!.Spec.NodeName, _rig.Api.Find<Pod>("db")!.Status.NominatedNodeName));
        _rig.Api.Change<PersistentVolumeClaim>("data", c => c with
        {
            Metadata = c.Metadata with { Annotations = c.Metadata.Annotations.Set("pv.kubernetes.io/bind-completed", "yes") },
            Spec = c.Spec with { VolumeName = "pv1" },
        });
        await _rig.Api.UntilAsync(a => a.Find<Pod>("db")!.Spec.NodeName == "n1");
    }

    [Fact]
    [Trait("Conformance", "[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if matching [Conformance]")]
    [Trait("Conformance", "[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching [Conformance]")]
    public async Task A_node_selector_is_respected_whether_a_node_matches_or_none()
    {
        _rig.Api.Put(Make.Node("other"));
        _rig.Api.Put(Make.Node("labelled").Labels(("kubernetes.io/e2e", "42")));
        _rig.Api.Put(Make.Pod("matching").With(s => s with { NodeSelector = Map.Of(("kubernetes.io/e2e", "42")) }));
        _rig.Api.Put(Make.Pod("restricted").With(s => s with { NodeSelector = Map.Of(("label", "nonempty")) }));
        Start();
        await _rig.Api.UntilAsync(a => a.Find<Pod>("matching")!.Spec.NodeName == "labelled" && Refused(a) == 1);
        Assert.Equal("", _rig.Api.Find<Pod>("restricted")!.Spec.NodeName);
        Assert.StartsWith("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", _rig.Api.Find<Pod>("restricted")!.Status.Conditions.Find(c => c.Type == "PodScheduled")!.Message);
    }

    [Fact]
    [Trait("Conformance", "[sig-scheduling] SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP [Conformance]")]
    public async Task A_host_port_on_all_addresses_conflicts_with_the_same_on_one()
    {
        Pod Holding(string name, string ip) => Make.Pod(name).With(s => s with
        {
            NodeSelector = Map.Of(("kubernetes.io/hostname", "n1")),
            Containers = [Make.Container() with { Ports = [new() { ContainerPortValue = 8080, HostPort = 54322, Protocol = "TCP", HostIP = ip }] }],
        });
        _rig.Api.Put(Make.Node("n1"));
        _rig.Api.Put(Make.Node("n2"));
        _rig.Api.Put(Holding("pod4", "0.0.0.0"));
        Start();
        await BoundAsync("pod4");
        _rig.Api.Put(Holding("pod5", "127.0.0.1"));
        await _rig.Api.UntilAsync(a => Refused(a) == 1);
        Assert.Equal("", _rig.Api.Find<Pod>("pod5")!.Spec.NodeName);
    }

    [Fact]
    [Trait("Conformance", "[sig-scheduling] SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod [Conformance]")]
    public async Task A_critical_Pod_displaces_the_least_important_one_and_no_other()
    {
        _rig.Api.Put(Make.Node("n1", cpu: "1"));
        _rig.Api.Put(Make.Node("n2", cpu: "1"));
        _rig.Api.Put(Make.Pod("least", "1", priority: 1).With(s => s with { NodeName = "n1" }));
        _rig.Api.Put(Make.Pod("medium", "1", priority: 100).With(s => s with { NodeName = "n2" }));
        _rig.Api.Put(Make.Pod("critical", "1", priority: 2_000_000_000).With(s => s with { PriorityClassName = "system-cluster-critical" }));
        Start();
        await BoundAsync("critical");
        Assert.Equal("n1", _rig.Api.Find<Pod>("critical")!.Spec.NodeName);
        Assert.Null(_rig.Api.Find<Pod>("least"));
        Assert.Equal("n2", _rig.Api.Find<Pod>("medium")!.Spec.NodeName);
    }

    [Fact]
    public async Task Gated_Pods_and_those_of_other_schedulers_are_left_alone()
    {
        _rig.Api.Put(Make.Node("n1"));
        _rig.Api.Put(Make.Pod("gated").With(s => s with { SchedulingGates = [new() { Name = "wait" }] }));
        _rig.Api.Put(Make.Pod("other").With(s => s with { SchedulerName = "somebody" }));
        _rig.Api.Put(Make.Pod("mine").With(s => s with { SchedulerName = "default-scheduler", Priority = -10 }));
        Start();
        await _rig.Api.UntilAsync(a => a.Find<Pod>("mine")!.Spec.NodeName.Length > 0);
        Assert.Equal([("mine", "n1")], _rig.Bound);
        _rig.Api.Change<Pod>("gated", p => p with { Spec = p.Spec with { SchedulingGates = default } });
        await _rig.Api.UntilAsync(a => a.Find<Pod>("gated")!.Spec.NodeName.Length > 0);
        Assert.DoesNotContain(_rig.Bound, b => b.Pod == "other");
    }

    /// <remarks>Without being woken it would be tried after five minutes: <see cref="BoundAsync"/> waits less.</remarks>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Who_stood_back_for_a_promised_Pod_is_tried_again_when_that_one_goes_or_is_promised_nothing_any_more(bool goes)
    {
        _rig.Api.Put(Make.Node("n1", cpu: "1"));
        _rig.Api.Put(Make.Pod("promised", "1", priority: 100).With(s => s with { SchedulingGates = [new() { Name = "wait" }] }) with { Status = new() { NominatedNodeName = "n1" } });
        _rig.Api.Put(Make.Pod("lesser", "1", priority: 1));
        Start();
        await _rig.Api.UntilAsync(a => Refused(a) == 1, "the lesser one waits");
        if (goes) _rig.Api.Remove<Pod>("promised");
        else _rig.Api.Change<Pod>("promised", p => p with { Status = p.Status with { NominatedNodeName = "" } });
        await BoundAsync("lesser");
    }

    [Fact]
    public async Task Where_all_was_prepared_for_a_Pod_it_goes_though_its_binding_fails_and_others_would_go_there()
    {
        foreach (string n in new[] { "n1", "n2" }) _rig.Api.Put(Make.Node(n, cpu: "1").Labels(("name", n)));
        _rig.Api.Put(new Api.Storage.V1.StorageClass { Metadata = new() { Name = "late" }, Provisioner = "csi.example.com", VolumeBindingMode = "WaitForFirstConsumer" });
        _rig.Api.Put(new PersistentVolumeClaim { Metadata = new() { Name = "data", Namespace = "default" }, Spec = new() { StorageClassName = "late" } });
        Pod Liking(string name) => Make.Pod(name, "1").With(s => s with
        {
            Affinity = new() { NodeAffinity = new() { PreferredDuringSchedulingIgnoredDuringExecution = [new() { Weight = 100, Preference = new() { MatchExpressions = [new() { Key = "name", Operator = "In", Values = ["n1"] }] } }] } },
        });
        _rig.Api.Put(Liking("db").With(s => s with { Volumes = [new() { Name = "d", PersistentVolumeClaim = new() { ClaimName = "data" } }] }));
        _rig.Failures = 1;
        Start();
        await _rig.Api.UntilAsync(a => a.Find<PersistentVolumeClaim>("data")!.Metadata.Annotations["volume.kubernetes.io/selected-node"] == "n1");
        _rig.Api.Put(new PersistentVolume { Metadata = new() { Name = "v" }, Spec = new() { StorageClassName = "late", ClaimRef = new() { Namespace = "default", Name = "data" } }, Status = new() { Phase = "Bound" } });
        _rig.Api.Change<PersistentVolumeClaim>("data", c => c with
        {
            Metadata = c.Metadata with { Annotations = c.Metadata.Annotations.Set("pv.kubernetes.io/bind-completed", "yes") }, Spec = c.Spec with { VolumeName = "v" }, Status = new() { Phase = "Bound" },
        });
        await _rig.Events.UntilAsync(("Warning", "FailedScheduling", "running Bind plugin \"DefaultBinder\": no luck"));
        _rig.Api.Put(Liking("other"));
        await BoundAsync("other");
        await BoundAsync("db");
        Assert.Equal(("n1", "n2"), (_rig.Api.Find<Pod>("db")!.Spec.NodeName, _rig.Api.Find<Pod>("other")!.Spec.NodeName));
    }

    [Fact]
    public async Task A_Pod_that_could_not_be_spread_is_tried_again_when_the_emptiest_domain_is_gone()
    {
        _rig.Api.Put(Make.Node("n1", cpu: "4").Labels(("zone", "a")));
        _rig.Api.Put(Make.Node("n2", cpu: "1").Labels(("zone", "b")).Cordoned());
        Pod Spread(string name) => Make.Pod(name, "1") with
        {
            Metadata = new() { Name = name, Namespace = "default", Uid = "uid-" + name, Labels = Map.Of(("app", "web")) },
            Spec = Make.Pod(name, "1").Spec with { TopologySpreadConstraints = [new() { MaxSkew = 1, TopologyKey = "zone", WhenUnsatisfiable = "DoNotSchedule", LabelSelector = new() { MatchLabels = Map.Of(("app", "web")) } }] },
        };
        _rig.Api.Put(Spread("first").With(s => s with { NodeName = "n1" }));
        _rig.Api.Put(Spread("second"));
        Start();
        await _rig.Api.UntilAsync(a => Refused(a) == 1, "the second one waits");
        _rig.Api.Remove<Node>("n2", ns: "");
        await BoundAsync("second");
    }

    static int Refused(FakeApi api) => api.All<Pod>().Count(p => p.Status.Conditions.Exists(c => c is { Type: "PodScheduled", Status: "False" }));
}
