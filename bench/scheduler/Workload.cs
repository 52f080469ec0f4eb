using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Bench.Scheduler;

/// <summary>One of scheduler_perf's workloads: nodes, Pods that are there before, Pods that are measured.</summary>
/// <param name="Published">What upstream's scheduler is published to do, in Pods a second; 0 where not known here.</param>
sealed record Workload(string Name, int Nodes, Func<int, Node> Node, Func<int, Pod?>[] Before, int[] BeforeCount, Func<int, Pod> Pod, int Pods, string Published = "")
{
    /// <summary>The Pods of before are not bound: they fit nowhere, or are held back.</summary>
    public bool Waits { get; init; }
    /// <summary>Each Pod has a claim of its own, with the volume that it is bound to.</summary>
    public bool Volumes { get; init; }
    /// <summary>The volumes are of a source that is in the API itself.</summary>
    public bool InTree { get; init; }
    /// <summary>Once a second a node, a Service and a Pod that fits nowhere come, and go.</summary>
    public bool Churns { get; init; }

    static Node Plain(int i) => new()
    {
        Metadata = new() { Name = $"node-{i}", Labels = Map.Of(("kubernetes.io/hostname", $"node-{i}")) },
        Status = new() { Allocatable = Map.Of(("cpu", Quantity.Parse("4")), ("memory", Quantity.Parse("32Gi")), ("pods", Quantity.Parse("110"))) },
    };

    static Func<int, Node> Zoned(params string[] zones) => i => Plain(i) is var n
        ? n with { Metadata = n.Metadata with { Labels = n.Metadata.Labels.Set("topology.kubernetes.io/zone", zones[i % zones.Length]) } } : throw new InvalidOperationException();

    static Pod Base(string name, string ns = "sched", string cpu = "100m", int priority = 0, string? color = null, Affinity? affinity = null, Seq<TopologySpreadConstraint> spread = default) => new()
    {
        Metadata = new() { Name = name, Namespace = ns, Labels = color is null ? default : Map.Of(("color", color)) },
        Spec = new()
        {
            Priority = priority, SchedulerName = "default-scheduler", Affinity = affinity, TopologySpreadConstraints = spread,
            Containers = [new() { Name = "pause", Image = "registry.k8s.io/pause:3.10", Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse(cpu)), ("memory", Quantity.Parse("500Mi"))) } }],
        },
    };

    /// <summary>Goes as soon as it is told to: there is nobody on the nodes to end it.</summary>
    static Pod AtOnce(Pod pod) => pod with { Spec = pod.Spec with { TerminationGracePeriodSeconds = 0 } };

    static LabelSelector Color(string color) => new() { MatchLabels = Map.Of(("color", color)) };
    static PodAffinityTerm Term(string color, string key) => new() { LabelSelector = Color(color), TopologyKey = key, Namespaces = ["sched", "sched-setup"] };
    static Affinity Near(string color, string key) => new() { PodAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [Term(color, key)] } };
    static Affinity Away(string color, string key) => new() { PodAntiAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [Term(color, key)] } };
    static Affinity PreferNear(string color, string key) => new() { PodAffinity = new() { PreferredDuringSchedulingIgnoredDuringExecution = [new() { Weight = 1, PodAffinityTerm = Term(color, key) }] } };
    static Affinity PreferAway(string color, string key) => new() { PodAntiAffinity = new() { PreferredDuringSchedulingIgnoredDuringExecution = [new() { Weight = 1, PodAffinityTerm = Term(color, key) }] } };
    static TopologySpreadConstraint Spread(string when) => new() { MaxSkew = 5, TopologyKey = Zone, WhenUnsatisfiable = when, LabelSelector = Color("blue") };

    static Affinity NodeTerm(NodeSelectorTerm term) => new() { NodeAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = new() { NodeSelectorTerms = [term] } } };

    static Pod Claiming(Pod pod, string claim) => pod with { Spec = pod.Spec with { Volumes = [new() { Name = "vol", PersistentVolumeClaim = new() { ClaimName = claim } }] } };

    static Pod WithSecret(Pod pod) => pod with { Spec = pod.Spec with { Volumes = [new() { Name = "secret", Secret = new() { SecretName = "secret" } }] } };

    /// <summary>A volume that its claim has already.</summary>
    public (PersistentVolume Volume, PersistentVolumeClaim Claim) Bound(int i) => (
        new()
        {
            Metadata = new() { Name = $"pv-{i}" },
            Spec = new()
            {
                Capacity = Map.Of(("storage", Quantity.Parse("1Gi"))), AccessModes = ["ReadOnlyMany"], PersistentVolumeReclaimPolicy = "Retain",
                Csi = InTree ? null : new() { Driver = "csi.example.com", VolumeHandle = $"pv-{i}" }, AwsElasticBlockStore = InTree ? new() { VolumeID = $"pv-{i}" } : null,
                ClaimRef = new() { Kind = "PersistentVolumeClaim", ApiVersion = "v1", Namespace = "sched", Name = $"v-{i}" },
            },
        },
        new()
        {
            Metadata = new() { Name = $"v-{i}", Namespace = "sched", Annotations = Map.Of(("pv.kubernetes.io/bind-completed", "true")) },
            Spec = new() { AccessModes = ["ReadOnlyMany"], VolumeName = $"pv-{i}", StorageClassName = "", Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } },
        });

    public static Pod TooLarge(int i) => Base($"churn-{i}", cpu: "100");
    public static Node Passing(int i) => Plain(i) is var n ? n with { Metadata = n.Metadata with { Name = $"churn-{i}" } } : throw new InvalidOperationException();
    public static Service PassingService(int i) => new() { Metadata = new() { Name = $"churn-{i}", Namespace = "sched" }, Spec = new() { Selector = Map.Of(("app", "foo")), Ports = [new() { Port = 8080, Protocol = "TCP" }] } };

    const string Zone = "topology.kubernetes.io/zone", Host = "kubernetes.io/hostname";

    static readonly string[] One = ["zone1"], Moons = ["moon-1", "moon-2", "moon-3"];

    public static Workload[] All { get; } =
    [
        new("SchedulingBasic/5000Nodes_10000Pods", 5000, Plain, [i => Base($"init-{i}")], [1000], i => Base($"p-{i}"), 10_000, "680–810"),
        new("SchedulingBasic/5000Nodes_50000Pods", 5000, Plain, [i => Base($"init-{i}")], [1000], i => Base($"p-{i}"), 50_000, "680–810"),
        new("SchedulingPodAntiAffinity/5000Nodes_2000Pods", 5000, Plain, [i => Base($"init-{i}", "sched-setup", color: "green", affinity: Away("green", Host))], [1000],
            i => Base($"p-{i}", color: "green", affinity: Away("green", Host)), 2000, "35–90"),
        new("SchedulingPodAffinity/5000Nodes_5000Pods", 5000, Zoned(One), [i => Base($"init-{i}", "sched-setup", color: "blue", affinity: Near("blue", Zone))], [5000],
            i => Base($"p-{i}", color: "blue", affinity: Near("blue", Zone)), 5000, "35–90"),
        new("SchedulingPreferredPodAffinity/5000Nodes_5000Pods", 5000, Plain, [i => Base($"init-{i}", "sched-setup", color: "red", affinity: PreferNear("red", Host))], [5000],
            i => Base($"p-{i}", color: "red", affinity: PreferNear("red", Host)), 5000),
        new("SchedulingPreferredPodAntiAffinity/5000Nodes_5000Pods", 5000, Plain, [i => Base($"init-{i}", "sched-setup", color: "yellow", affinity: PreferAway("yellow", Host))], [5000],
            i => Base($"p-{i}", color: "yellow", affinity: PreferAway("yellow", Host)), 5000),
        new("SchedulingSecrets/5000Nodes_10000Pods", 5000, Plain, [i => Base($"init-{i}")], [5000], i => WithSecret(Base($"p-{i}")), 10_000),
        new("TopologySpreading/5000Nodes_5000Pods", 5000, Zoned(Moons), [i => Base($"init-{i}", "sched-setup")], [5000],
            i => Base($"p-{i}", color: "blue", spread: [Spread("DoNotSchedule")]), 5000, "460"),
        new("PreferredTopologySpreading/5000Nodes_5000Pods", 5000, Zoned(Moons), [i => Base($"init-{i}", "sched-setup")], [5000],
            i => Base($"p-{i}", color: "blue", spread: [Spread("ScheduleAnyway")]), 5000, "460"),
        new("SchedulingNodeAffinity/5000Nodes_10000Pods", 5000, Zoned(One), [i => Base($"init-{i}")], [5000],
            i => Base($"p-{i}", affinity: NodeTerm(new() { MatchExpressions = [new() { Key = Zone, Operator = "In", Values = ["zone1", "zone2"] }] })), 10_000),
        new("Unschedulable/5kNodes/100Init/10kPods", 5000, Plain, [i => Base($"large-{i}", "sched-setup", cpu: "9000m")], [100], i => Base($"p-{i}"), 10_000) { Waits = true },
        new("SchedulingCSIPVs/5000Nodes_5000Pods", 5000, Plain, [i => Base($"init-{i}")], [1000], i => Claiming(Base($"p-{i}"), $"v-{i}"), 5000) { Volumes = true },
        new("SchedulingInTreePVs/5000Nodes_2000Pods", 5000, Plain, [i => Base($"init-{i}")], [1000], i => Claiming(Base($"p-{i}"), $"v-{i}"), 2000) { Volumes = true, InTree = true },
        new("PreemptionBasic/500Nodes", 500, Plain, [i => AtOnce(Base($"low-{i}", "sched-setup", cpu: "900m"))], [2000], i => Base($"p-{i}", cpu: "3000m", priority: 10), 500),
        new("PreemptionBasic/5000Nodes", 5000, Plain, [i => AtOnce(Base($"low-{i}", "sched-setup", cpu: "900m"))], [20_000], i => Base($"p-{i}", cpu: "3000m", priority: 10), 5000, "570"),
        new("SchedulingWithMixedChurn/5000Nodes_10000Pods", 5000, Plain, [], [], i => Base($"p-{i}"), 10_000) { Churns = true },
        new("MixedSchedulingBasePod/5000Nodes_5000Pods", 5000, Zoned(One),
            [i => Base($"base-{i}", "sched-setup"), i => Base($"near-{i}", "sched-setup", color: "blue", affinity: Near("blue", Zone)), i => Base($"away-{i}", "sched-setup", color: "green", affinity: Away("green", Host)),
                i => Base($"pnear-{i}", "sched-setup", color: "red", affinity: PreferNear("red", Host)), i => Base($"paway-{i}", "sched-setup", color: "yellow", affinity: PreferAway("yellow", Host))],
            [2000, 2000, 2000, 2000, 2000], i => Base($"p-{i}"), 5000),
        new("SchedulingWhileGated/5000Nodes_10000Gated_5000Pods", 5000, Plain,
            [i => Base($"gated-{i}", "sched-setup") is var p ? p with { Spec = p.Spec with { SchedulingGates = [new() { Name = "wait" }] } } : null], [10_000], i => Base($"p-{i}"), 5000) { Waits = true },
        new("SchedulingDaemonset/15000Nodes", 15_000, Plain, [], [],
            i => Base($"p-{i}", affinity: NodeTerm(new() { MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = [$"node-{i % 15_000}"] }] })), 30_000),
    ];
}
