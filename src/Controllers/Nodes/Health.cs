using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Nodes;

/// <summary>The last sign of life of a node, and when it came, by this process's clock.</summary>
/// <param name="Sign">What the node wrote: whatever changes is a sign.</param>
readonly record struct Pulse((DateTimeOffset? Lease, DateTimeOffset? Heartbeat) Sign, DateTimeOffset Since)
{
    /// <summary>Clocks of nodes are not compared with ours: only that something changed counts.</summary>
    public static Pulse Next(Pulse? last, DateTimeOffset? lease, Node node, DateTimeOffset now)
    {
        var ready = node.Status.Conditions.Find(c => c.Type == "Ready");
        var sign = (lease, ready?.LastHeartbeatTime);
        if (last is { } known && known.Sign == sign) return known;
        // One that was never heard of has been silent since it was made, however late that is looked at.
        return new(sign, last is null && lease is null && ready is null ? node.Metadata.CreationTimestamp ?? now : now);
    }
}

/// <summary>Says of a silent node that nothing is known of it.</summary>
static class Health
{
    /// <summary>The conditions that a node reports itself.</summary>
    static readonly string[] Reported = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

    public static Node Silent(Node node, DateTimeOffset now)
    {
        var conditions = node.Status.Conditions;
        foreach (string type in Reported)
        {
            int at = conditions.IndexOf(c => c.Type == type);
            if (at < 0)
                conditions = conditions.Add(new()
                {
                    Type = type, Status = "Unknown", Reason = "NodeStatusNeverUpdated", Message = "Kubelet never posted node status.",
                    LastHeartbeatTime = node.Metadata.CreationTimestamp, LastTransitionTime = now,
                });
            else if (conditions[at].Status != "Unknown")
                conditions = conditions.SetAt(at, conditions[at] with
                {
                    Status = "Unknown", Reason = "NodeStatusUnknown", Message = "Kubelet stopped posting node status.", LastTransitionTime = now,
                });
        }
        return node with { Status = node.Status with { Conditions = conditions } };
    }

    /// <summary>A Pod that nobody vouches for.</summary>
    public static Pod NotReady(Pod pod, DateTimeOffset now)
    {
        int at = pod.Status.Conditions.IndexOf(c => c.Type == "Ready" && c.Status == "True");
        return at < 0 ? pod : pod with
        {
            Status = pod.Status with { Conditions = pod.Status.Conditions.SetAt(at, pod.Status.Conditions[at] with { Status = "False", LastTransitionTime = now }) },
        };
    }
}
