using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Tests.Devices;

/// <summary>Devices and claims to test with; the driver is <c>d</c>, the class <c>any</c> unless said otherwise.</summary>
static class Some
{
    public const string Driver = "d";

    public static DeviceClass Class(string name = "any", params string[] selectors) => new()
    {
        Metadata = new() { Name = name },
        Spec = new() { Selectors = [.. selectors.Select(s => new DeviceSelector { Cel = new() { Expression = s } })] },
    };

    public static ResourceSlice Slice(string node, params Device[] devices) => new()
    {
        Metadata = new() { Name = "slice-" + node, Uid = "uid-slice-" + node },
        Spec = new() { Driver = Driver, NodeName = node, Pool = new() { Name = node, Generation = 1, ResourceSliceCount = 1 }, Devices = devices },
    };

    public static Device Device(string name, params (string Name, object Value)[] attributes) => new()
    {
        Name = name,
        Attributes = Map.Of([.. attributes.Select(a => (a.Name, a.Value switch
        {
            int i => new DeviceAttribute { Int = i },
            bool b => new DeviceAttribute { Bool = b },
            _ => new DeviceAttribute { String = (string)a.Value },
        }))]),
    };

    public static DeviceRequest Request(string name = "r", long count = 1, string @class = "any", string? selector = null) => new()
    {
        Name = name,
        Exactly = new() { DeviceClassName = @class, AllocationMode = "ExactCount", Count = count, Selectors = selector is null ? [] : [new() { Cel = new() { Expression = selector } }] },
    };

    public static DeviceRequest With(this DeviceRequest r, Func<ExactDeviceRequest, ExactDeviceRequest> change) => r with { Exactly = change(r.Exactly!) };

    public static ResourceClaim Claim(string name, params DeviceRequest[] requests) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-" + name },
        Spec = new() { Devices = new() { Requests = requests } },
    };

    public static ResourceClaim With(this ResourceClaim c, params DeviceConstraint[] constraints) => c with { Spec = new() { Devices = c.Spec.Devices with { Constraints = constraints } } };

    public static Pod Uses(this Pod pod, params string[] claims) => pod.With(s => s with { ResourceClaims = [.. claims.Select(c => new PodResourceClaim { Name = c, ResourceClaimName = c })] });

    public static Map<Quantity> Amounts(params (string, string)[] amounts) => Map.Of([.. amounts.Select(a => (a.Item1, Quantity.Parse(a.Item2)))]);
}
