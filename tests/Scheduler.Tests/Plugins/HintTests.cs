using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Scheduler.Plugins;
using NodeAffinity = Hanbae.Scheduler.Plugins.NodeAffinity;

namespace Hanbae.Scheduler.Tests.Plugins;

/// <summary>Which changes are worth another look for a Pod that a plugin refused, by upstream's cases.</summary>
/// <remarks>A node is its labels, taints (<c>!</c>) and amounts (<c>:</c>); <c>-</c> is none: the node has come, or gone.</remarks>
public sealed class HintTests
{
    [Theory]
    [InlineData("group=a", "group=b", true)]
    [InlineData("group=a", "group=c", false)]
    [InlineData("group=b", "group=b other=x", false)]
    [InlineData("group=b", "group=a", false)]
    [InlineData("-", "group=b", true)]
    [InlineData("-", "group=a", false)]
    public void Of_a_node_that_is_wanted_from_now_on(string before, string now, bool helps) =>
        Assert.Equal(helps, Asks(new NodeAffinity(), Make.Pod("p").With(s => s with { NodeSelector = Map.Of(("group", "b")) }), before, now));

    [Theory]
    [InlineData("!other", "!borne", true)]
    [InlineData("!other", "", true)]
    [InlineData("!other", "!another", false)]
    [InlineData("!borne", "!borne label=x", false)]
    [InlineData("-", "!borne", true)]
    [InlineData("-", "!other", false)]
    public void Of_a_node_whose_taints_are_borne_from_now_on(string before, string now, bool helps) =>
        Assert.Equal(helps, Asks(new TaintToleration(), Make.Pod("p").With(s => s with { Tolerations = [new() { Key = "borne", Operator = "Exists" }] }), before, now));

    [Theory]
    [InlineData("4", "cpu:2", "cpu:4", true)]
    [InlineData("4", "cpu:2", "cpu:3", false)]
    [InlineData("4", "cpu:5", "cpu:4", false)]
    [InlineData("4", "cpu:4 memory:1", "cpu:4 memory:2", false)]
    [InlineData("4", "cpu:4 pods:1", "cpu:4 pods:3", true)]
    [InlineData("4", "cpu:4 pods:3", "cpu:4 pods:1", false)]
    [InlineData("", "cpu:2 pods:1", "cpu:4 pods:1", false)]
    [InlineData("", "pods:1", "pods:3", true)]
    [InlineData("4", "-", "cpu:4", true)]
    [InlineData("4", "-", "cpu:2", false)]
    public void Of_a_node_that_has_more_of_what_is_asked_for(string cpu, string before, string now, bool helps) => Assert.Equal(helps, Asks(new NodeResourcesFit(new()), Make.Pod("p", cpu), before, now));

    [Theory]
    [InlineData("near zone", "-", "zone=1", true)]
    [InlineData("near region", "-", "zone=1", false)]
    [InlineData("near node", "region=1", "region=1 node=n", true)]
    [InlineData("near other", "region=1", "region=1 node=n", false)]
    [InlineData("near region", "region=1", "region=2", true)]
    [InlineData("near region", "region=1", "region=1 node=n", false)]
    [InlineData("near region", "region=1", "", false)]
    [InlineData("away node", "node=n service=a", "service=b", true)]
    [InlineData("away service", "node=n service=a", "service=b", true)]
    [InlineData("away other", "other=o service=a", "other=o service=b", false)]
    [InlineData("away other", "service=a", "service=a other=o", false)]
    [InlineData("away node", "-", "zone=1", true)]
    // Somebody who is there does not want it near; so does nobody of another kind.
    [InlineData("kept zone", "zone=1", "zone=2", true)]
    [InlineData("kept zone", "zone=1", "zone=1 node=n", false)]
    [InlineData("other zone", "zone=1", "zone=2", false)]
    [InlineData("kept zone", "-", "zone=2", true)]
    public void Of_a_node_that_moves_Pods_apart_or_together(string pod, string before, string now, bool helps)
    {
        var (how, key) = (pod.Split(' ')[0], pod.Split(' ')[1]);
        PodAffinityTerm Term() => new() { TopologyKey = key, LabelSelector = new() { MatchLabels = Map.Of(("app", "x")) } };
        Affinity Away() => new() { PodAntiAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [Term()] } };
        var snapshot = Make.Snapshot(Make.Node("there").Labels((key, "1")));
        snapshot.Place(Make.Pod("keeper").With(s => s with { Affinity = how is "kept" or "other" ? Away() : null }).Info(), "there");
        var it = Make.Pod("p").With(s => s with { Affinity = how switch { "near" => new() { PodAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [Term()] } }, "away" => Away(), _ => null } });
        it = it with { Metadata = it.Metadata with { Labels = Map.Of(("app", how == "other" ? "y" : "x")) } };
        var plugin = new InterPodAffinity(new());
        plugin.PreFilter(it.Info(), snapshot);
        Assert.Equal(helps, Asks(plugin, it, before, now));
    }

    [Theory]
    [InlineData("node", "-", "node=n", true)]
    [InlineData("zone", "-", "node=n", false)]
    [InlineData("zone", "zone=z", "-", true)]
    [InlineData("node", "zone=z", "-", false)]
    [InlineData("node", "node=n region=r service=a", "zone=z region=r service=b", true)]
    [InlineData("zone", "node=n region=r service=a", "zone=z region=r service=b", true)]
    [InlineData("region", "node=n region=r service=a", "zone=z region=r service=b", false)]
    [InlineData("other", "node=n region=r service=a", "zone=z region=r service=b", false)]
    [InlineData("service", "node=n region=r service=a", "zone=z region=r service=b", true)]
    [InlineData("zone", "zone=z !a", "zone=z !b", true)]
    [InlineData("node", "zone=z !a", "zone=z !b", false)]
    [InlineData("zone selects", "zone=z", "zone=z group=b", true)]
    public void Of_a_node_that_makes_domains_others(string pod, string before, string now, bool helps)
    {
        var it = Make.Pod("p").With(s => s with
        {
            TopologySpreadConstraints = [new() { MaxSkew = 1, TopologyKey = pod.Split(' ')[0], WhenUnsatisfiable = "DoNotSchedule", LabelSelector = new() }],
            NodeSelector = pod.EndsWith("selects", StringComparison.Ordinal) ? Map.Of(("group", "b")) : default,
        });
        Assert.Equal(helps, Asks(new PodTopologySpread(new()), it, before, now));
    }

    /// <param name="before">What there was for volumes of the class, and the largest of them that could be had.</param>
    [Theory]
    [InlineData("-", "10", true)]
    [InlineData("10", "20", true)]
    [InlineData("10", "5", false)]
    [InlineData("10", "10", false)]
    [InlineData("10 5", "20 5", false)]
    [InlineData("10 5", "10 6", true)]
    public void Of_room_for_volumes_that_has_grown(string before, string now, bool helps)
    {
        static CSIStorageCapacity? Room(string said) => said == "-" ? null : new()
        {
            Capacity = Quantity.Parse(said.Split(' ')[0]), MaximumVolumeSize = said.Split(' ') is [_, var largest] ? Quantity.Parse(largest) : null,
        };
        Assert.Equal(helps, new VolumeBinding(new()).MayCure(Make.Pod("p").Info(), new(Change.StorageCapacity, Room(before), Room(now))));
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(false, true, false)]
    [InlineData(true, true, false)]
    public void Of_a_driver_whose_room_is_not_asked_about_any_more(bool before, bool now, bool helps)
    {
        static CSIDriver Driver(bool asks) => new() { Spec = new() { StorageCapacity = asks } };
        Assert.Equal(helps, new VolumeBinding(new()).MayCure(Make.Pod("p").Info(), new(Change.CsiDriver, Driver(before), Driver(now))));
    }

    /// <param name="before">Drivers and how many volumes they take; no number is no limit.</param>
    [Theory]
    [InlineData("-", "a:1", true)]
    [InlineData("a:1", "a:2", true)]
    [InlineData("a:2", "a:1", false)]
    [InlineData("a:1", "a:1", false)]
    [InlineData("a:1", "a:1 b:1", true)]
    [InlineData("a:1", "a", true)]
    [InlineData("a", "a:5", false)]
    public void Of_a_node_that_takes_more_volumes(string before, string now, bool helps)
    {
        static CSINode? Node(string said) => said == "-" ? null : new()
        {
            Spec = new() { Drivers = [.. said.Split(' ').Select(d => new CSINodeDriver { Name = d[..1], Allocatable = d.Length > 1 ? new() { Count = int.Parse(d[2..]) } : null })] },
        };
        Assert.Equal(helps, new NodeVolumeLimits().MayCure(Make.Pod("p").Info(), new(Change.CsiNode, Node(before), Node(now))));
    }

    [Theory]
    [InlineData("none", false)]
    [InlineData("claim", true)]
    [InlineData("disk", true)]
    public void Of_a_Pod_that_takes_volumes_with_it(string what, bool helps)
    {
        var gone = Make.Pod("gone").With(s => s with
        {
            Volumes = [what switch { "claim" => new() { Name = "v", PersistentVolumeClaim = new() { ClaimName = "c" } }, "disk" => new() { Name = "v", AwsElasticBlockStore = new() { VolumeID = "x" } }, _ => new() { Name = "v", EmptyDir = new() } }],
        });
        Assert.Equal(helps, new NodeVolumeLimits().MayCure(Make.Pod("p").Info(), new(Change.PodRemoved, gone)));
    }

    [Theory]
    [InlineData("-", "RestartAllContainersOnContainerExits", true)]
    [InlineData("-", "", false)]
    [InlineData("", "Other RestartAllContainersOnContainerExits", true)]
    [InlineData("", "InPlacePodLevelResourcesVerticalScaling", false)]
    public void Of_a_node_that_can_do_more(string before, string now, bool helps)
    {
        static Node? Node(string said) => said == "-" ? null : Make.Node("n") with { Status = new() { DeclaredFeatures = said.Split(' ', StringSplitOptions.RemoveEmptyEntries) } };
        var (plugin, pod) = (new NodeDeclaredFeatures(), Make.Pod("p").With(s => s with { Containers = [new() { Name = "c", RestartPolicyRules = [new() { Action = "RestartAllContainers" }] }] }));
        var change = Node(before) is { } was ? NodeChange.Of(was, Node(now)!) : Change.NodeAdded;
        Assert.NotEqual(Change.None, plugin.Cures & change);
        Assert.Equal(helps, plugin.MayCure(pod.Info(), new(change, Node(before), Node(now))));
    }

    /// <param name="before">The class, and the resource that it stands for; <c>-</c> is none.</param>
    [Theory]
    [InlineData("-", "any example.com/gpu", true)]
    [InlineData("-", "any example.com/other", false)]
    [InlineData("-", "mine", true)]
    [InlineData("-", "any", false)]
    [InlineData("any", "any example.com/gpu", true)]
    [InlineData("any example.com/gpu", "any example.com/gpu", false)]
    [InlineData("any example.com/gpu", "any", false)]
    [InlineData("any example.com/gpu", "-", false)]
    public void Of_a_class_that_stands_for_what_is_asked_for(string before, string now, bool helps)
    {
        static DeviceClass? Class(string said) => said == "-" ? null : new() { Metadata = new() { Name = said.Split(' ')[0] }, Spec = new() { ExtendedResourceName = said.Split(' ') is [_, var name] ? name : null } };
        var pod = Make.Pod("p").With(s => s with { Containers = [new() { Name = "c", Resources = new() { Requests = Map.Of(("example.com/gpu", Quantity.Parse("1")), ("deviceclass.resource.kubernetes.io/mine", Quantity.Parse("1"))) } }] });
        var plugin = new NodeResourcesFit(new());
        Assert.NotEqual(Change.None, plugin.Cures & Change.DeviceClass);
        Assert.Equal(helps, plugin.MayCure(pod.Info(), new(Change.DeviceClass, Class(before), Class(now))));
    }

    static bool Asks(IPlugin plugin, Pod pod, string before, string now) =>
        plugin.MayCure(pod.Info(), new(before == "-" ? Change.NodeAdded : now == "-" ? Change.NodeRemoved : Change.NodeLabels | Change.NodeTaints | Change.NodeAllocatable, Of(before), Of(now)));

    static Node? Of(string said)
    {
        if (said == "-") return null;
        var node = Make.Node("n") with { Metadata = new() { Name = "n" } };
        foreach (string word in said.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            node = word[0] == '!' ? node.Taint(word[1..]) : word.Contains('=') ? node.Labels((word.Split('=')[0], word.Split('=')[1]))
                : node with { Status = node.Status with { Allocatable = node.Status.Allocatable.Set(word.Split(':')[0], Quantity.Parse(word.Split(':')[1])) } };
        return node;
    }
}
