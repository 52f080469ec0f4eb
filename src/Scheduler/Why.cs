using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Nodes;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>Explains where a Pod can run, where not, and what would have to change.</summary>
public static class Why
{
    /// <param name="Summary">In the words of the Pod's own condition; empty when there is a node for it.</param>
    /// <param name="HeldBack">Why nobody looks for a node at all: gates, or no scheduler of the name; empty otherwise.</param>
    /// <param name="MakesRoom">The node on which others would be made to go, and who; empty when nobody would.</param>
    public sealed record Report(string Summary, string HeldBack, ImmutableArray<Answer> Nodes, string MakesRoom);

    /// <param name="Score">What the node is worth among those that fit.</param>
    public sealed record Answer(string Node, bool Fits, long Score, ImmutableArray<Obstacle> Obstacles);

    /// <summary>One thing that is in the way on a node.</summary>
    /// <param name="Change">What would take it away.</param>
    public sealed record Obstacle(string Plugin, string Reason, string Change);

    public static Report Of(Pod pod, ClusterView cluster) => Of(pod, cluster.Snapshot(), cluster.Configuration);

    internal static Report Of(Pod pod, Snapshot snapshot, Configuration.SchedulerConfiguration configuration)
    {
        string name = pod.Spec.SchedulerName.Length == 0 ? "default-scheduler" : pod.Spec.SchedulerName;
        var settings = configuration.Profiles.FirstOrDefault(p => p.Name == name);
        if (settings is null) return new("", $"no profile \"{name}\" in this scheduler", [], "");
        var asked = new PodInfo(pod.Spec.NodeName.Length == 0 ? pod : pod with { Spec = pod.Spec with { NodeName = "" } });
        // One that has a node is asked about as if it had none.
        snapshot.Forget(asked.Uid);
        snapshot.Groups.Join(asked);
        var profile = new Profile(settings);
        string held = string.Join("; ", profile.PreEnqueues.Select(p => p.PreEnqueue(asked, snapshot)).OfType<string>());
        var decision = new Cycle(profile, new Random(0), percentage: 100).Decide(asked, snapshot);
        var opening = profile.Open(asked, snapshot);

        List<NodeInfo> fits = [];
        List<Answer> answers = [];
        foreach (var node in snapshot.Nodes)
        {
            var obstacles = Obstacles(profile, opening, asked, node);
            if (obstacles.IsEmpty) fits.Add(node); else answers.Add(new(node.Name, false, 0, obstacles));
        }
        var scores = new Cycle(profile, new Random(0)).Score(asked, snapshot, fits.ToArray());
        for (int i = 0; i < fits.Count; i++) answers.Add(new(fits[i].Name, true, scores[i], []));
        string room = decision.Nominated.Length == 0 ? "" : $"{decision.Nominated}: {string.Join(", ", decision.Victims.Select(v => v.Key))}";
        return new(decision.Message, held, [.. answers.OrderBy(a => !a.Fits).ThenByDescending(a => a.Score).ThenBy(a => a.Node, StringComparer.Ordinal)], room);
    }

    static ImmutableArray<Obstacle> Obstacles(Profile profile, Profile.Opening opening, PodInfo pod, NodeInfo node)
    {
        if (!opening.Refusal.Ok) return [Of(profile.Plugins[opening.Refusal.Plugin].Name, opening.Refusal.Reason!, pod, node)];
        if (opening.Only is { } only && !only.Contains(node.Name)) return [Of("NodeAffinity", "node(s) didn't match Pod's node affinity/selector", pod, node)];
        return [.. profile.Refusals(pod, node).SelectMany(r => r.Verdict.Reason!.Split('\n').Select(reason => Of(r.Plugin, reason, pod, node)))];
    }

    static Obstacle Of(string plugin, string reason, PodInfo pod, NodeInfo node) => new(plugin, reason, Cure(plugin, reason, pod, node));

    static string Cure(string plugin, string reason, PodInfo pod, NodeInfo node) => plugin switch
    {
        "NodeUnschedulable" => $"kubectl uncordon {node.Name}",
        "TaintToleration" => "tolerate " + string.Join(", ", node.Node!.Spec.Taints.Where(t => t.Effect is "NoSchedule" or "NoExecute" && !pod.Tolerates(t))
            .Select(t => $"{t.Key}{(t.Value.Length > 0 ? "=" + t.Value : "")}:{t.Effect}")) + ", or take the taint away",
        "NodeAffinity" => "label the node as the Pod's nodeSelector or nodeAffinity asks" + Missing(pod, node),
        "NodePorts" => "a Pod there has to give up the host port, or this one has to ask for another",
        "NodeResourcesFit" => Room(reason, pod, node),
        "NodeDeclaredFeatures" => "a newer kubelet, or one on which these features are on: " + string.Join(", ", DeclaredFeatures.Missing(DeclaredFeatures.NeededBy(pod.Pod.Spec), node.Node!)),
        "VolumeBinding" when reason.Contains("unbound immediate", StringComparison.Ordinal) => "the claim has to be bound: look at `kubectl describe pvc`",
        "VolumeBinding" => "a volume that this node reaches",
        "VolumeZone" => "a node in the zone of the volume",
        "NodeVolumeLimits" => "a Pod with a volume of the same driver has to leave",
        "VolumeRestrictions" => "the Pod that uses the volume has to end",
        "DynamicResources" when reason == "cannot allocate all claims" => "devices that the claims ask for have to be there and free: look at `kubectl get resourceslices` and `kubectl get resourceclaims -A`",
        "DynamicResources" when reason == "resourceclaim not available on the node" => "the claim's devices are elsewhere: they are given up when nobody uses them",
        "DynamicResources" => "look at `kubectl describe resourceclaim`",
        "PodTopologySpread" when reason.EndsWith("(missing required label)", StringComparison.Ordinal) =>
            "label the node with " + string.Join(", ", pod.Pod.Spec.TopologySpreadConstraints.Select(c => c.TopologyKey).Where(k => !node.Node!.Metadata.Labels.ContainsKey(k)).Distinct()),
        "PodTopologySpread" => "more Pods of the kind in the other domains first, or a greater maxSkew",
        "InterPodAffinity" when reason.Contains("existing pods", StringComparison.Ordinal) => "the Pods there that keep this one away have to leave",
        "InterPodAffinity" when reason.Contains("anti-affinity", StringComparison.Ordinal) => "the Pods there that this one shuns have to leave",
        "InterPodAffinity" => "a Pod that this one wants near has to run there",
        _ => "",
    };

    static string Missing(PodInfo pod, NodeInfo node)
    {
        var missing = pod.Pod.Spec.NodeSelector.Where(s => !node.Node!.Metadata.Labels.TryGet(s.Key, out string? has) || has != s.Value).Select(s => $"{s.Key}={s.Value}").ToList();
        return missing.Count == 0 ? "" : ": " + string.Join(", ", missing);
    }

    static string Room(string reason, PodInfo pod, NodeInfo node)
    {
        if (reason == "Too many pods") return $"one of its {node.PodCount} Pods has to leave: it takes {node.AllowedPods}";
        string resource = reason["Insufficient ".Length..];
        var (asked, taken, has, unit) = resource switch
        {
            "cpu" => (pod.Requests.MilliCpu, node.Requested.MilliCpu, node.Allocatable.MilliCpu, "m"),
            "memory" => (pod.Requests.Memory >> 20, node.Requested.Memory >> 20, node.Allocatable.Memory >> 20, "Mi"),
            "ephemeral-storage" => (pod.Requests.EphemeralStorage >> 20, node.Requested.EphemeralStorage >> 20, node.Allocatable.EphemeralStorage >> 20, "Mi"),
            _ => (pod.Requests.Scalars[resource], node.Requested.Scalars[resource], node.Allocatable.Scalars[resource], ""),
        };
        return asked > has ? $"a larger node: it has {has}{unit}, {asked}{unit} are asked for" : $"{asked - (has - taken)}{unit} more free: {has - taken}{unit} of {has}{unit} are, {asked}{unit} are asked for";
    }
}
