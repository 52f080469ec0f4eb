using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Statuses;

/// <summary>All that a Pod's status is computed from.</summary>
public sealed record StatusInputs
{
    /// <summary>The Pod as the API has it; conditions of others are kept from here.</summary>
    public required Pod Pod { get; init; }
    public required RuntimePod Runtime { get; init; }
    /// <summary>The runtime's name, of which container ids begin: <c>containerd</c>, <c>cri-o</c>.</summary>
    public string RuntimeName { get; init; } = "containerd";
    /// <summary>What was last told, or what the API has after a restart.</summary>
    public required PodStatus Before { get; init; }
    /// <summary>Why containers could not be started, by name.</summary>
    public IReadOnlyDictionary<string, Waiting> Errors { get; init; } = new Dictionary<string, Waiting>();
    public required IProbeResults Probes { get; init; }
    public required DateTimeOffset Now { get; init; }
    public Seq<string> HostIPs { get; init; }
    /// <summary>Conditions that tell of a resize, present while they are true.</summary>
    public IEnumerable<PodCondition> Passing { get; init; } = [];
    /// <summary>Why the node ended a Pod that did nothing wrong; null for other ends.</summary>
    public string? Disruption { get; init; }
    /// <summary>What a container runs with, by name; null when nobody knows.</summary>
    public Func<string, ResourceRequirements?> InForce { get; init; } = _ => null;
    /// <summary>What the Pod as a whole runs with; null when nobody knows.</summary>
    public ResourceRequirements? WholeInForce { get; init; }
    /// <summary>The runtime has read-only mounts that are so with all that is mounted beneath.</summary>
    public bool MountsReadOnlyRecursively { get; init; }
    /// <summary>How the devices of a container are.</summary>
    public Func<Container, Seq<ResourceStatus>> DeviceHealth { get; init; } = _ => default;
    /// <summary>Nothing of the Pod will be started any more.</summary>
    public bool Terminal { get; init; }
    /// <summary>The kubelet itself ends the Pod: phase Failed, with this reason.</summary>
    public Waiting? Failed { get; init; }

    /// <summary>An app container has been started in the sandbox that there is.</summary>
    public bool AppStarted => Pod.Spec.Containers.Exists(c => Runtime.Current(c.Name) is not null);

    /// <summary>It ended before anything of it was made, as one that the node refused: it has no containers to tell of, as upstream.</summary>
    public bool NeverMade => (Failed is not null || Before.IsFinished()) && !Runtime.Sandboxes.Any() && !Runtime.Containers.Any()
        && !Before.ContainerStatuses.Concat(Before.InitContainerStatuses).Any(s => s.ContainerID.Length > 0);

    public string IdOf(RuntimeContainer container) => $"{RuntimeName}://{container.Id}";
}
