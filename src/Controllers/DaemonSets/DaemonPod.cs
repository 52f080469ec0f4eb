using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Nodes;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>Makes the Pod of a DaemonSet for one node, and tells which node a Pod is for.</summary>
/// <remarks>The scheduler binds it (KEP-548): an affinity to the node's name keeps it from any other.</remarks>
static class DaemonPod
{
    public const string HashLabel = "controller-revision-hash";
    /// <summary>What told revisions apart before: upstream still writes it.</summary>
    const string GenerationLabel = "pod-template-generation", Generation = "deprecated.daemonset.template.generation";

    /// <summary>A daemon stays where others have to leave: what is wrong with a node may be what it is there for.</summary>
    static readonly Toleration[] Always =
    [
        Tolerate("node.kubernetes.io/not-ready", "NoExecute"), Tolerate("node.kubernetes.io/unreachable", "NoExecute"),
        Tolerate("node.kubernetes.io/disk-pressure", "NoSchedule"), Tolerate("node.kubernetes.io/memory-pressure", "NoSchedule"),
        Tolerate("node.kubernetes.io/pid-pressure", "NoSchedule"), Tolerate("node.kubernetes.io/unschedulable", "NoSchedule"),
    ];
    static readonly Toleration NoNetwork = Tolerate("node.kubernetes.io/network-unavailable", "NoSchedule");

    public static Pod For(DaemonSet set, string node, string hash)
    {
        var pod = PodStamp.From(set.Spec.Template, set.Metadata.Namespace, set.ControllerRef());
        return pod with
        {
            Metadata = pod.Metadata with { Labels = Labels(set, pod.Metadata.Labels).Set(HashLabel, hash) },
            Spec = pod.Spec with { Tolerations = TolerationsOf(pod.Spec), Affinity = Pinned(pod.Spec.Affinity, node) },
        };
    }

    static Map<string> Labels(DaemonSet set, Map<string> labels) =>
        set.Metadata.Annotations[Generation] is { } text && long.TryParse(text, CultureInfo.InvariantCulture, out _) ? labels.Set(GenerationLabel, text) : labels;

    public static bool HasHash(Pod pod, string hash) => hash.Length > 0 && pod.Metadata.Labels[HashLabel] == hash;

    /// <summary>By its hash, or by its generation: of equal revisions with other hashes both are right.</summary>
    public static bool IsUpdated(DaemonSet set, Pod pod, string hash) =>
        HasHash(pod, hash)
        || set.Metadata.Annotations[Generation] is { } text && long.TryParse(text, CultureInfo.InvariantCulture, out long generation)
            && pod.Metadata.Labels[GenerationLabel] == generation.ToString(CultureInfo.InvariantCulture);

    /// <summary>The node it is on, or meant for; null when it names none.</summary>
    public static string? NodeOf(Pod pod)
    {
        if (pod.Spec.NodeName.Length > 0) return pod.Spec.NodeName;
        foreach (var term in pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms ?? default)
            foreach (var field in term.MatchFields)
                if (field is { Key: "metadata.name", Operator: "In", Values.Count: 1 }) return field.Values[0];
        return null;
    }

    /// <summary>Whether a new Pod belongs on the node, and whether one that is there may stay.</summary>
    public static (bool Runs, bool Stays) Fits(DaemonSet set, Node node)
    {
        var spec = set.Spec.Template.Spec;
        if (spec.NodeName.Length > 0 && spec.NodeName != node.Metadata.Name || !NodeTerms.Allows(spec, node)) return (false, false);
        if (node.Spec.Taints.IsEmpty) return (true, true);
        var tolerations = TolerationsOf(spec);
        bool Bears(string effect)
        {
            foreach (var taint in node.Spec.Taints)
                if (taint.Effect == effect && !tolerations.Exists(t => Taints.Tolerates(t, taint))) return false;
            return true;
        }
        bool stays = Bears("NoExecute");
        return (stays && Bears("NoSchedule"), stays);
    }

    static Seq<Toleration> TolerationsOf(PodSpec spec)
    {
        var all = spec.Tolerations.ToList();
        foreach (var toleration in spec.HostNetwork ? [.. Always, NoNetwork] : Always)
        {
            // One that says the same for another while gives way.
            int at = all.FindIndex(t => t.Key == toleration.Key && t.Effect == toleration.Effect && t.Operator == toleration.Operator && t.Value == toleration.Value);
            if (at < 0) all.Add(toleration);
            else all[at] = toleration;
        }
        return all.ToSeq();
    }

    static Affinity Pinned(Affinity? affinity, string node)
    {
        var required = new NodeSelector
        {
            NodeSelectorTerms = [new NodeSelectorTerm { MatchFields = [new NodeSelectorRequirement { Key = "metadata.name", Operator = "In", Values = [node] }] }],
        };
        var nodes = affinity?.NodeAffinity ?? NodeAffinity.Empty;
        return (affinity ?? Affinity.Empty) with { NodeAffinity = nodes with { RequiredDuringSchedulingIgnoredDuringExecution = required } };
    }

    static Toleration Tolerate(string key, string effect) => new() { Key = key, Operator = "Exists", Effect = effect };
}
