using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Quota;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Devices;

/// <summary>Turns extended resources that device classes stand for into a claim of the Pod's own (KEP-5004), made once a node is found.</summary>
internal static class ExtendedClaim
{
    const string Annotation = DeviceCharges.MadeForPod;

    /// <summary>A resource that the Pod asks for, and the class that stands for it.</summary>
    public readonly record struct Wish(string Resource, string Class);

    /// <summary>By name; a resource that nobody asks for more than nothing of is none.</summary>
    public static ImmutableArray<Wish> Of(PodInfo pod, DeviceState devices)
    {
        if (!devices.HasClasses || pod.Requests.Scalars.IsEmpty) return [];
        var wishes = ImmutableArray.CreateBuilder<Wish>();
        foreach (var (resource, amount) in pod.Requests.Scalars)
            if (resource.Contains('/') && amount > 0 && devices.ClassOf(resource) is { } @class) wishes.Add(new(resource, @class));
        wishes.Sort(static (a, b) => string.CompareOrdinal(a.Resource, b.Resource));
        return wishes.ToImmutable();
    }

    /// <summary>The claim before it is made; its key and uid are nobody else's.</summary>
    public static ResourceClaim Draft(PodInfo pod, Seq<DeviceRequest> requests) => new()
    {
        Metadata = new() { Namespace = pod.Key.Namespace, Name = "<extended-resources>/" + pod.Uid, Uid = pod.Uid + "/extended-resources" },
        Spec = new() { Devices = new() { Requests = requests } },
    };

    /// <summary>What is asked of the claim, and whose each request is.</summary>
    /// <remarks>Init containers that end get what those after them will have, and for what they need beyond that share one request, as large as the largest.</remarks>
    public static (Seq<DeviceRequest> Requests, Seq<ContainerExtendedResourceRequest> Mappings) Plan(Pod pod, IEnumerable<Wish> wishes)
    {
        Container[] containers = [.. pod.Spec.InitContainers, .. pod.Spec.Containers];
        bool Ends(int i) => i < pod.Spec.InitContainers.Count && containers[i].RestartPolicy != "Always";
        List<DeviceRequest> requests = [];
        List<ContainerExtendedResourceRequest> mappings = [];
        foreach (var (resource, @class) in wishes)
        {
            var lasting = new DeviceRequest?[containers.Length];
            for (int i = 0; i < containers.Length; i++)
                if (!Ends(i) && Amount(containers[i], resource) is > 0 and var amount)
                {
                    lasting[i] = Request(i, resource, @class, amount);
                    mappings.Add(Mapping(containers[i], resource, lasting[i]!.Name));
                }
            DeviceRequest? most = null;
            List<(Container Container, string? Request)> passing = [];
            for (int i = 0; i < containers.Length; i++)
            {
                if (!Ends(i) || Amount(containers[i], resource) is not (> 0 and var amount)) continue;
                long left = amount;
                for (int later = i; later < containers.Length && left > 0; later++)
                    if (lasting[later] is { } there)
                    {
                        passing.Add((containers[i], there.Name));
                        left -= there.Exactly!.Count;
                    }
                if (left <= 0) continue;
                if (most is null || most.Exactly!.Count < left) most = Request(i, resource, @class, left);
                passing.Add((containers[i], null));
            }
            foreach (var (container, request) in passing) mappings.Add(Mapping(container, resource, request ?? most!.Name));
            if (most is not null) requests.Add(most);
            requests.AddRange(lasting.OfType<DeviceRequest>());
        }
        return ([.. requests.OrderBy(r => r.Name, StringComparer.Ordinal)], [.. mappings]);

        // A request is named by where the resource stands among all that the container asks for.
        DeviceRequest Request(int container, string resource, string @class, long count) => new()
        {
            Name = $"container-{container}-request-{containers[container].Resources.Requests.Count(r => string.CompareOrdinal(r.Key, resource) < 0)}",
            Exactly = new() { DeviceClassName = @class, AllocationMode = "ExactCount", Count = count },
        };

        static long Amount(Container container, string resource) => container.Resources.Requests.TryGet(resource, out var amount) ? amount.Value() : 0;
        static ContainerExtendedResourceRequest Mapping(Container container, string resource, string request) =>
            new() { ContainerName = container.Name, ResourceName = resource, RequestName = request };
    }

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

    /// <summary>The uid of the Pod for whose extended resources a claim was made; null when it was made for something else.</summary>
    public static string? PodOf(ResourceClaim claim) =>
        claim.Metadata.Annotations[Annotation] == "true" ? claim.Metadata.OwnerReferences.Find(o => o is { Controller: true, Kind: "Pod" })?.Uid : null;

    /// <summary>What the kubelet has to know: which request of the claim is whose.</summary>
    public static byte[] Status(string claim, Seq<ContainerExtendedResourceRequest> mappings) => StatusPatch.Extended(new() { ResourceClaimName = claim, RequestMappings = mappings });
}
