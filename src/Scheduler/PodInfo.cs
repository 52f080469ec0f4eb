using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>A Pod with what plugins ask of it, worked out once.</summary>
internal sealed class PodInfo(Pod pod)
{
    /// <summary>What a Pod without requests counts as when nodes are compared (not when they are filtered), as upstream's.</summary>
    static readonly Resources Assumed = new(100, 200L << 20, 0);

    public Pod Pod { get; } = pod;
    public Key Key { get; } = Key.Of(pod);
    public string Uid => Pod.Metadata.Uid;
    public int Priority => Pod.Spec.Priority ?? 0;

    public Resources Requests { get; } = Resources.Of(pod.Spec);
    /// <summary>Requests with assumed amounts where there are none, for scoring.</summary>
    public Resources ScoredRequests { get; } = Resources.Of(pod.Spec, Assumed);
    public ImmutableArray<HostPort> HostPorts { get; } = HostPort.Of(pod.Spec);
    public NodeMatcher Wanted { get; } = new(pod.Spec);

    public bool Tolerates(Taint taint) => Tolerations.Any(Pod.Spec.Tolerations, taint);
}

/// <summary>A port of the node that a Pod takes for itself.</summary>
internal readonly record struct HostPort(string Address, string Protocol, int Port)
{
    public static ImmutableArray<HostPort> Of(PodSpec spec)
    {
        ImmutableArray<HostPort>.Builder? ports = null;
        // Sidecars hold their ports as long as containers do.
        foreach (var c in spec.Containers.Concat(spec.InitContainers.Where(i => i.RestartPolicy == "Always")))
            foreach (var p in c.Ports)
                if (p.HostPort > 0)
                    (ports ??= ImmutableArray.CreateBuilder<HostPort>()).Add(new(p.HostIP.Length == 0 ? "0.0.0.0" : p.HostIP, p.Protocol.Length == 0 ? "TCP" : p.Protocol, p.HostPort));
        return ports?.ToImmutable() ?? [];
    }

    /// <summary>The wildcard address clashes with every other.</summary>
    public bool Clashes(HostPort other) =>
        Port == other.Port && Protocol == other.Protocol && (Address == other.Address || Address == "0.0.0.0" || other.Address == "0.0.0.0");
}
