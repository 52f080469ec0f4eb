using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Tallies;

namespace Hanbae.Scheduler;

/// <summary>A Pod with what plugins ask of it, worked out once.</summary>
internal sealed class PodInfo(Pod pod)
{
    /// <summary>What a Pod without requests counts as when nodes are compared (not when they are filtered), as upstream's.</summary>
    static readonly Resources Assumed = new(100, 200L << 20, 0);
    static readonly PodTerms NoTerms = new(new Pod());

    /// <summary>Its newest version that changes nothing below.</summary>
    public Pod Pod { get; set; } = pod;
    public Key Key { get; } = Key.Of(pod);
    public string Uid => Pod.Metadata.Uid;
    public int Priority => Pod.Spec.Priority ?? 0;
    public Map<string> Labels => Pod.Metadata.Labels;
    public bool Terminating => Pod.Metadata.DeletionTimestamp is not null;

    public Resources Requests { get; } = Resources.Of(pod);
    /// <summary>Requests with assumed amounts where there are none, for scoring.</summary>
    public Resources ScoredRequests { get; } = Resources.Of(pod, Assumed);
    public ImmutableArray<HostPort> HostPorts { get; } = HostPort.Of(pod.Spec);
    public NodeMatcher Wanted { get; } = new(pod.Spec);
    /// <summary>Its affinity to, and aversion against, other Pods.</summary>
    public PodTerms Terms { get; } = pod.Spec.Affinity is null ? NoTerms : new(pod);
    /// <summary>Whether any of its volumes matters to where it can run.</summary>
    public bool HasVolumes { get; } = pod.Spec.Volumes.Exists(v =>
        v.PersistentVolumeClaim is not null || v.Ephemeral is not null || v.Csi is not null
        || v.Rbd is not null || v.Iscsi is not null || Machinery.Volumes.Clouds.CloudDisks.IsInline(v));

    /// <summary>Claims by the names of its volumes, those that are made for the Pod alone included.</summary>
    public ImmutableArray<ClaimUse> Claims { get; } = ClaimUse.Of(pod);

    /// <summary>The PodGroup that it belongs to.</summary>
    public Key? Group { get; } = GroupOf(pod);

    public static Key? GroupOf(Pod pod) => pod.Spec.SchedulingGroup?.PodGroupName is { Length: > 0 } name ? new(pod.Metadata.Namespace, name) : null;

    /// <summary>What nodes are asked about it, when that is all; null when it is not.</summary>
    public PodShape? Shape
    {
        get
        {
            if (_shaped) return field;
            _shaped = true;
            return field = PodShape.Of(this);
        }
        // Those that are alike share one.
        set;
    }

    bool _shaped;

    public bool Tolerates(Taint taint) => Tolerations.Any(Pod.Spec.Tolerations, taint);

    /// <summary>Whether all that is counted of a Pod stands as it did, so that its newer version changes nothing for others.</summary>
    public bool CountsAs(Pod newer) =>
        Pod.Spec.Containers == newer.Spec.Containers && Pod.Spec.InitContainers == newer.Spec.InitContainers && Pod.Spec.Resources == newer.Spec.Resources
        && (ReferenceEquals(Pod.Status, newer.Status) || Requests == Resources.Of(newer)) && Labels == newer.Metadata.Labels && Terminating == newer.Metadata.DeletionTimestamp is not null;
}

/// <summary>A claim that a Pod mounts.</summary>
/// <param name="Ephemeral">Made for the Pod from a template in it.</param>
internal readonly record struct ClaimUse(Key Claim, bool Ephemeral)
{
    public static ImmutableArray<ClaimUse> Of(Pod pod)
    {
        ImmutableArray<ClaimUse>.Builder? claims = null;
        foreach (var v in pod.Spec.Volumes)
        {
            if (v.PersistentVolumeClaim is { } named) (claims ??= ImmutableArray.CreateBuilder<ClaimUse>()).Add(new(new(pod.Metadata.Namespace, named.ClaimName), false));
            else if (v.Ephemeral is not null) (claims ??= ImmutableArray.CreateBuilder<ClaimUse>()).Add(new(new(pod.Metadata.Namespace, pod.Metadata.Name + "-" + v.Name), true));
        }
        return claims?.ToImmutable() ?? [];
    }
}

/// <summary>A port of the node that a Pod takes for itself.</summary>
internal readonly record struct HostPort(string Address, string Protocol, int Port)
{
    public static ImmutableArray<HostPort> Of(PodSpec spec)
    {
        ImmutableArray<HostPort>.Builder? ports = null;
        foreach (var container in spec.Containers) Add(container);
        // Sidecars hold their ports as long as containers do.
        foreach (var init in spec.InitContainers) if (init.RestartPolicy == "Always") Add(init);
        return ports?.ToImmutable() ?? [];

        void Add(Container container)
        {
            foreach (var p in container.Ports)
                if (p.HostPort > 0)
                    (ports ??= ImmutableArray.CreateBuilder<HostPort>()).Add(new(p.HostIP.Length == 0 ? "0.0.0.0" : p.HostIP, p.Protocol.Length == 0 ? "TCP" : p.Protocol, p.HostPort));
        }
    }

    /// <summary>The wildcard address clashes with every other.</summary>
    public bool Clashes(HostPort other) =>
        Port == other.Port && Protocol == other.Protocol && (Address == other.Address || Address == "0.0.0.0" || other.Address == "0.0.0.0");
}
