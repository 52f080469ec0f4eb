using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Statuses;

namespace Hanbae.Kubelet.Pods;

/// <summary>Refuses Pods that were bound here but cannot be run here: the scheduler may have been wrong, or not asked at all.</summary>
static class PodAdmission
{
    // Namespaced, isolated, and harmless to neighbours; as upstream.
    static readonly string[] s_safeSysctls =
    [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ];

    /// <param name="others">The Pods that have been let in and have not ended.</param>
    /// <param name="allocatable">Empty while it is not known: then only what concerns the Pod alone is checked.</param>
    /// <param name="plugged">Whether a resource is one that device plugins offer: what is to be had of it is found out when it is asked for.</param>
    /// <returns>Null when the Pod may run.</returns>
    public static Waiting? Refuse(Pod pod, IEnumerable<Pod> others, Map<Quantity> allocatable, KubeletOptions options, Func<string, bool>? plugged = null)
    {
        if (pod.Spec.Os is { Name: not "linux" }) return Refused("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS");
        foreach (var sysctl in pod.Spec.SecurityContext?.Sysctls ?? default(Seq<Sysctl>))
        {
            string name = sysctl.Name.Replace('/', '.');
            bool allowed = s_safeSysctls.Contains(name)
                || options.AllowedUnsafeSysctls.Exists(a => a.EndsWith('*') ? name.StartsWith(a[..^1], StringComparison.Ordinal) : a == name);
            if (!allowed) return new("SysctlForbidden", $"forbidden sysctl: \"{sysctl.Name}\" not allowlisted");
            if (pod.Spec.HostNetwork && name.StartsWith("net.", StringComparison.Ordinal)) return new("SysctlForbidden", $"forbidden sysctl: \"{sysctl.Name}\" not allowed with host net enabled");
            if (pod.Spec.HostIPC && (name.StartsWith("kernel.shm", StringComparison.Ordinal) || name.StartsWith("kernel.msg", StringComparison.Ordinal) || name.StartsWith("fs.mqueue.", StringComparison.Ordinal)))
                return new("SysctlForbidden", $"forbidden sysctl: \"{sysctl.Name}\" not allowed with host ipc enabled");
        }
        if (allocatable.IsEmpty) return null;

        var running = others.ToArray();
        long room = allocatable["pods"].Value();
        if (running.Length + 1 > room) return Refused("OutOfpods", $"Node didn't have enough resource: pods, requested: 1, used: {running.Length}, capacity: {room}");
        foreach (string resource in (string[])["cpu", "memory", "ephemeral-storage", .. allocatable.Select(a => a.Key).Where(a => ResourceNames.IsExtended(a) && plugged?.Invoke(a) != true)])
        {
            bool milli = resource == "cpu";
            long asked = Of(pod);
            if (asked == 0) continue;
            long used = running.Sum(Of), capacity = milli ? allocatable[resource].MilliValue() : allocatable[resource].Value();
            if (asked > capacity - used) return Refused("OutOf" + resource, $"Node didn't have enough resource: {resource}, requested: {asked}, used: {used}, capacity: {capacity}");

            long Of(Pod p) => PodQos.Total(p.Spec, resource, r => r.Requests, milli);
        }
        return null;
    }

    /// <summary>A Pod that wants no groups but those it names does not run where the runtime would give it others (KEP-3619).</summary>
    public static Waiting? RefuseGroups(Pod pod, NodeFeatures? features) =>
        pod.Spec.SecurityContext?.SupplementalGroupsPolicy == "Strict" && features?.SupplementalGroupsPolicy != true
            ? new("SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node") : null;

    /// <summary>Whether a node under pressure takes the Pod: one that asks for memory may come to a node that is short of only that.</summary>
    public static Waiting? RefuseUnder(IReadOnlyList<string> pressures, Pod pod)
    {
        if (pressures.Count == 0 || CriticalPods.IsCritical(pod)) return null;
        if (pressures is ["MemoryPressure"] && (PodQos.Of(pod.Spec) != "BestEffort"
            || pod.Spec.Tolerations.Exists(t => t.Effect is "" or "NoSchedule" && (t.Key == "node.kubernetes.io/memory-pressure" || t is { Key: "", Operator: "Exists" })))) return null;
        return new("Evicted", $"The node had condition: [{string.Join(' ', pressures)}]. ");
    }

    static Waiting Refused(string reason, string message) => new(reason, message);
}
