using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Nodes;

/// <summary>Turns a node's conditions into taints, and tells which Pods bear them.</summary>
static class Taints
{
    const string NotReady = "node.kubernetes.io/not-ready";
    const string Unreachable = "node.kubernetes.io/unreachable";
    const string Unschedulable = "node.kubernetes.io/unschedulable";

    static readonly (string Condition, string Taint)[] Pressures =
    [
        ("MemoryPressure", "node.kubernetes.io/memory-pressure"), ("DiskPressure", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "node.kubernetes.io/pid-pressure"), ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
    ];

    static bool IsManaged(Taint taint) =>
        (taint.Key is NotReady or Unreachable && taint.Effect is "NoSchedule" or "NoExecute")
        || taint.Effect == "NoSchedule" && (taint.Key == Unschedulable || Pressures.Any(p => p.Taint == taint.Key));

    /// <summary>What the node shall have that drives Pods away, by how ready it is; empty when nothing shall.</summary>
    public static string Driving(Node node) => node.Status.Conditions.Find(c => c.Type == "Ready")?.Status switch { "False" => NotReady, "Unknown" => Unreachable, _ => "" };

    /// <summary>Whether it has such a taint already, of either kind: then which one it is may change at once.</summary>
    public static bool Drives(Node node) => node.Spec.Taints.Exists(t => t is { Key: NotReady or Unreachable, Effect: "NoExecute" });

    /// <summary>The taints that the node shall have: foreign ones stay, and those that stay keep their time.</summary>
    /// <param name="drive">Whether Pods may be driven off it now (upstream's zones and rates).</param>
    public static Seq<Taint> For(Node node, DateTimeOffset now, bool drive = true)
    {
        var wanted = new List<Taint>();
        if (Driving(node) is { Length: > 0 } key)
        {
            wanted.Add(new() { Key = key, Effect = "NoSchedule" });
            if (drive) wanted.Add(new() { Key = key, Effect = "NoExecute" });
        }
        foreach (var (condition, taint) in Pressures)
            if (node.Status.Conditions.Exists(c => c.Type == condition && c.Status == "True")) wanted.Add(new() { Key = taint, Effect = "NoSchedule" });
        if (node.Spec.Unschedulable) wanted.Add(new() { Key = Unschedulable, Effect = "NoSchedule" });

        var next = new List<Taint>();
        foreach (var taint in node.Spec.Taints)
            if (!IsManaged(taint) || wanted.RemoveAll(w => w.Key == taint.Key && w.Effect == taint.Effect) > 0) next.Add(taint);
        next.AddRange(wanted.Select(w => w with { TimeAdded = now }));
        return next.ToSeq();
    }

    /// <summary>When a Pod has to leave its node: null when it may stay.</summary>
    /// <param name="since">When the Pod was first seen under the taints: counts for those that do not say when they came.</param>
    public static DateTimeOffset? LeavesAt(Pod pod, Seq<Taint> taints, DateTimeOffset since, DateTimeOffset now)
    {
        DateTimeOffset? earliest = null;
        foreach (var taint in taints)
        {
            if (taint.Effect != "NoExecute") continue;
            // Of several the first counts, as upstream.
            if (pod.Spec.Tolerations.Find(t => Tolerates(t, taint)) is not { } toleration) return now;
            // For ever, as far as it says so by saying nothing.
            if (toleration.TolerationSeconds is not { } seconds) continue;
            var from = taint.TimeAdded ?? since;
            // A Pod that came later bears it from then on: from when it was given the node, not from when it began to wait for one.
            if (CameAt(pod) is { } came && came > from) from = came;
            var at = from.AddSeconds(Math.Max(0, seconds));
            if (earliest is null || at < earliest) earliest = at;
        }
        return earliest;
    }

    static DateTimeOffset? CameAt(Pod pod) =>
        pod.Status.Conditions.Find(c => c is { Type: "PodScheduled", Status: "True" })?.LastTransitionTime ?? pod.Metadata.CreationTimestamp;

    public static bool Tolerates(Toleration toleration, Taint taint) =>
        (toleration.Effect.Length == 0 || toleration.Effect == taint.Effect) && (toleration.Key.Length == 0 || toleration.Key == taint.Key)
        && (toleration.Operator == "Exists" || toleration.Operator is "" or "Equal" && toleration.Key.Length > 0 && toleration.Value == taint.Value);
}
