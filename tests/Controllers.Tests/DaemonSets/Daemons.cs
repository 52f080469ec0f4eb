using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.DaemonSets;

namespace Hanbae.Controllers.Tests.DaemonSets;

/// <summary>DaemonSets and their Pods to test with.</summary>
static class Daemons
{
    public static DaemonSet Set(string name, IntOrString? unavailable = null, IntOrString? surge = null, string type = "RollingUpdate", string image = "nginx:1") => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-of-" + name, Generation = 1 },
        Spec = new()
        {
            Selector = new() { MatchLabels = Map.Of(("app", name)) }, Template = Make.Template(name, image), RevisionHistoryLimit = 10,
            UpdateStrategy = new() { Type = type, RollingUpdate = type == "OnDelete" ? null : new() { MaxUnavailable = unavailable ?? 1, MaxSurge = surge ?? 0 } },
        },
    };

    /// <param name="node">Where it is; as the scheduler would have bound it.</param>
    public static Pod Pod(DaemonSet set, string name, string node, string hash, bool ready = true, string? phase = null)
    {
        var pod = DaemonPod.For(set, node, hash);
        pod = pod with { Metadata = pod.Metadata with { Name = name, Uid = "uid-of-" + name, CreationTimestamp = Make.Start }, Spec = pod.Spec with { NodeName = node } };
        return ready ? pod.Ready(Make.Start) : pod with { Status = pod.Status with { Phase = phase ?? "Pending" } };
    }
}
