using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Statuses;
using Hanbae.Kubelet.Volumes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Pods;

/// <summary>What all Pods of a node share.</summary>
sealed record PodContext
{
    public required KubeletOptions Options { get; init; }
    public required ICri Cri { get; init; }
    public required IVolumes Volumes { get; init; }
    public required IContainerEnvironments Environments { get; init; }
    public required IPodObjects Objects { get; init; }
    public required ImagePuller Images { get; init; }
    public required PodCgroups Cgroups { get; init; }
    public required Allocations Allocations { get; init; }
    public required Prober Prober { get; init; }
    public required IPodReports Reports { get; init; }
    public required IRecorder Events { get; init; }
    public required TimeProvider Time { get; init; }
    /// <summary>Null where the runtime itself mounts images as volumes.</summary>
    public ImageMounts? ImageMounts => ImageMountsOf();
    public Func<ImageMounts?> ImageMountsOf { get; init; } = () => null;
    /// <summary>Null for a node without any.</summary>
    public PodDevices? Devices { get; init; }
    /// <summary>Null where nothing has a place: then Pods get no devices, either.</summary>
    public Placements? Placements { get; init; }
    public Static.StaticStarts StaticStarts { get; } = new();
    public Rejections Rejections { get; init; } = new();
    public Stats.KubeletFigures Figures { get; init; } = new();
    /// <summary>Null where all Pods share the host's users.</summary>
    public UserNamespaces? UserNamespaces { get; init; }
    /// <summary>Whether a runtime handler has read-only mounts that are so with all that is mounted beneath (KEP-3857).</summary>
    public Func<string, bool> MountsReadOnlyRecursively { get; init; } = _ => false;
    public ILogger Log { get; init; } = NullLogger.Instance;
    /// <summary>Why Pods cannot have a network now; null when they can.</summary>
    public Func<string?> NetworkTrouble { get; init; } = () => null;
    /// <summary>Such as <c>containerd://1.6.20</c>; empty until it has answered.</summary>
    public Func<string> RuntimeVersion { get; init; } = () => "";
    public Seq<string> HostIPs { get; init; }
    public long NodeMemory { get; init; }
    /// <summary>What Pods may have of the node; empty until it is registered.</summary>
    public Func<Map<Quantity>> Allocatable { get; init; } = () => default;
    /// <summary>The Pods that have been let in and have not ended, with what they were granted.</summary>
    public Func<IEnumerable<Pod>> Active { get; init; } = () => [];
    /// <summary>Why the node as a whole takes no such Pod now (pressure, shutdown); null when it does.</summary>
    public Func<Pod, Waiting?> Refuse { get; init; } = _ => null;
    /// <summary>Some of the node's cpu or memory may be free again.</summary>
    public Action<string> Released { get; init; } = _ => { };
    /// <summary>The runtime handler of a RuntimeClass.</summary>
    public Func<Pod, CancellationToken, Task<string>> RuntimeHandler { get; init; } = (_, _) => Task.FromResult("");
}

/// <summary>Where the kubelet tells how its Pods are.</summary>
public interface IPodReports
{
    /// <summary>Has the status written in time; of several for one Pod only the last counts. Never blocks.</summary>
    void Report(Pod pod, PodStatus status);

    /// <summary>Writes the last status and lets the API server forget the Pod; only for Pods that are to be deleted, with nothing of them left on the node.</summary>
    Task FinishAsync(Pod pod, PodStatus status, CancellationToken ct);

    /// <summary>Nothing more will be told of the Pod.</summary>
    void Forget(string uid);
}
