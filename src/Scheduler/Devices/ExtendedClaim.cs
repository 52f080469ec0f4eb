using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Devices;

/// <summary>Turns extended resources that device classes stand for into a claim of the Pod's own (KEP-5004), made once a node is found.</summary>
internal static class ExtendedClaim
{
    const string Annotation = "resource.kubernetes.io/extended-resource-claim";

    /// <summary>What one container asks for of one resource.</summary>
    public readonly record struct Ask(string Container, string Resource, string Request, string Class, long Count);

    public static ImmutableArray<Ask> Of(PodInfo pod, DeviceState devices)
    {
        if (!devices.HasClasses || pod.Requests.Scalars.IsEmpty) return [];
        var asks = ImmutableArray.CreateBuilder<Ask>();
        int at = 0;
        foreach (var container in pod.Pod.Spec.InitContainers) Add(container, at++);
        foreach (var container in pod.Pod.Spec.Containers) Add(container, at++);
        return asks.ToImmutable();

        void Add(Container container, int index)
        {
            int request = 0;
            foreach (var (resource, amount) in container.Resources.Requests)
                if (resource.Contains('/') && amount.Value() > 0 && devices.ClassOf(resource) is { } @class)
                    asks.Add(new(container.Name, resource, $"container-{index}-request-{request++}", @class, amount.Value()));
        }
    }

    /// <summary>The claim before it is made; its key and uid are nobody else's.</summary>
    public static ResourceClaim Draft(PodInfo pod, IEnumerable<Ask> asks) => new()
    {
        Metadata = new() { Namespace = pod.Key.Namespace, Name = "<extended-resources>/" + pod.Uid, Uid = pod.Uid + "/extended-resources" },
        Spec = new() { Devices = new() { Requests = [.. asks.Select(a => new DeviceRequest { Name = a.Request, Exactly = new() { DeviceClassName = a.Class, AllocationMode = "ExactCount", Count = a.Count } })] } },
    };

    /// <summary>The claim to be made. It must not hold its Pod's deletion up: it goes only after the Pod.</summary>
    public static ResourceClaim ToCreate(PodInfo pod, ResourceClaim draft) => new()
    {
        Metadata = new()
        {
            Namespace = pod.Key.Namespace, GenerateName = pod.Key.Name + "-extended-resources-", Annotations = Map.Of((Annotation, "true")),
            OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = pod.Key.Name, Uid = pod.Uid, Controller = true }],
        },
        Spec = draft.Spec,
    };

    /// <summary>The claim that a scheduler made for the Pod and did not finish with; null when there is none.</summary>
    public static ResourceClaim? Left(PodInfo pod, DeviceState devices) =>
        pod.Pod.Status.ExtendedResourceClaimStatus is { ResourceClaimName: { Length: > 0 } name } && devices.Claim(new(pod.Key.Namespace, name)) is { Metadata.DeletionTimestamp: null } claim ? claim : null;

    /// <summary>What the kubelet has to know: which request of the claim is whose.</summary>
    public static byte[] Status(string claim, IEnumerable<Ask> asks) => StatusPatch.Extended(new()
    {
        ResourceClaimName = claim,
        RequestMappings = [.. asks.Select(a => new ContainerExtendedResourceRequest { ContainerName = a.Container, ResourceName = a.Resource, RequestName = a.Request })],
    });
}
