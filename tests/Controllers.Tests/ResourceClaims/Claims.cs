using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Controllers.ResourceClaims;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.Tests.ResourceClaims;

/// <summary>Claims, templates and Pods that use them.</summary>
static class Claims
{
    public const string Driver = "gpu.example.com";

    public static ResourceClaimTemplate Template(string name) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Spec = new()
        {
            Metadata = new() { Labels = Map.Of(("team", "a")), Annotations = Map.Of(("note", "kept")) },
            Spec = new() { Devices = new() { Requests = [new DeviceRequest { Name = "one", Exactly = new() { DeviceClassName = "gpu" } }] } },
        },
    };

    /// <summary>A Pod with an entry "gpu" of a template.</summary>
    public static Pod Templated(string name, string template, string node = "") =>
        User(name, node, new PodResourceClaim { Name = "gpu", ResourceClaimTemplateName = template });

    /// <summary>A Pod that names its claims.</summary>
    public static Pod Naming(string name, string node, params string[] claims) =>
        User(name, node, [.. claims.Select((c, i) => new PodResourceClaim { Name = "entry" + i, ResourceClaimName = c })]);

    static Pod User(string name, string node, params PodResourceClaim[] entries) => Make.Pod(name, node: node) is var pod ? pod with { Spec = pod.Spec with { ResourceClaims = [.. entries] } } : pod;

    public static ResourceClaim Claim(string name, params Pod[] reservedFor) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-of-" + name },
        Status = new() { ReservedFor = [.. reservedFor.Select(p => new ResourceClaimConsumerReference { Resource = "pods", Name = p.Metadata.Name, Uid = p.Metadata.Uid })] },
    };

    /// <summary>The claim with a device, as the scheduler would leave it.</summary>
    public static ResourceClaim Allocated(this ResourceClaim claim, string pool = "n1", string device = "gpu-0", params DeviceToleration[] tolerations) => claim with
    {
        Metadata = claim.Metadata with { Finalizers = [PodClaims.Finalizer] },
        Status = claim.Status with
        {
            Allocation = new() { Devices = new() { Results = [new DeviceRequestAllocationResult { Request = "one", Driver = Driver, Pool = pool, Device = device, Tolerations = [.. tolerations] }] } },
        },
    };
}
