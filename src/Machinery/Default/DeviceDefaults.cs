using Hanbae.Api;
using Hanbae.Api.Resource.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of claims to devices, and of devices.</summary>
static class DeviceDefaults
{
    const string Exact = "ExactCount";

    public static ResourceClaim Claim(ResourceClaim o) => o with
    {
        Spec = Claim(o.Spec),
        Status = o.Status.Allocation is { } allocation ? o.Status with
        {
            Allocation = allocation with { Devices = allocation.Devices with { Results = allocation.Devices.Results.Each(r => r with { Tolerations = Tolerations(r.Tolerations) }) } },
        } : o.Status,
    };

    public static ResourceClaimTemplate Template(ResourceClaimTemplate o) => o with { Spec = o.Spec with { Spec = Claim(o.Spec.Spec) } };

    static ResourceClaimSpec Claim(ResourceClaimSpec s) => s with { Devices = s.Devices with { Requests = s.Devices.Requests.Each(Request) } };

    static DeviceRequest Request(DeviceRequest r) => r with
    {
        Exactly = r.Exactly is { } e ? e with
        {
            AllocationMode = e.AllocationMode.Or(Exact), Count = e.Count == 0 && e.AllocationMode.Or(Exact) == Exact ? 1 : e.Count, Tolerations = Tolerations(e.Tolerations),
        } : null,
        FirstAvailable = r.FirstAvailable.Each(f => f with
        {
            AllocationMode = f.AllocationMode.Or(Exact), Count = f.Count == 0 && f.AllocationMode.Or(Exact) == Exact ? 1 : f.Count, Tolerations = Tolerations(f.Tolerations),
        }),
    };

    static Seq<DeviceToleration> Tolerations(Seq<DeviceToleration> tolerations) => tolerations.Each(t => t.Operator.Length > 0 ? t : t with { Operator = "Equal" });
}
