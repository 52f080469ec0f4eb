using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Beta = Hanbae.Api.Resource.V1beta2;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Slices of devices: a taint without a time was put now. A kubelet removes what gone drivers have offered on its node, and may no more.</summary>
sealed class SliceStrategy() : Strategy(ResourceSlice.Info)
{
    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.nodeName", "spec.driver"];

    public override string Field(IObject obj, string name) => name switch
    {
        "spec.nodeName" => ((ResourceSlice)obj).Spec.NodeName ?? "",
        "spec.driver" => ((ResourceSlice)obj).Spec.Driver,
        _ => base.Field(obj, name),
    };

    public override IObject PrepareForCreate(IObject obj, WriteContext context) => base.PrepareForCreate(Timed((ResourceSlice)obj, context.Now), context);

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context) => base.PrepareForUpdate(Timed((ResourceSlice)obj, context.Now), old, context);

    static ResourceSlice Timed(ResourceSlice slice, DateTimeOffset now)
    {
        if (!slice.Spec.Devices.Exists(d => d.Taints.Exists(t => t.TimeAdded is null))) return slice;
        Seq<DeviceTaint> Taints(Seq<DeviceTaint> taints) => [.. taints.Select(t => t with { TimeAdded = t.TimeAdded ?? TaintRuleStrategy.Second(now) })];
        return slice with { Spec = slice.Spec with { Devices = [.. slice.Spec.Devices.Select(d => d.Taints.IsEmpty ? d : d with { Taints = Taints(d.Taints) })] } };
    }
}

/// <summary>Claims to devices: what was told of a device goes when the claim has it no more.</summary>
sealed class DeviceClaimStrategy() : Strategy(ResourceClaim.Info)
{
    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var claim = (ResourceClaim)base.PrepareForUpdate(obj, old, context);
        if (context.Subresource != "status" || claim.Status.Devices.IsEmpty) return claim;
        return claim with { Status = claim.Status with { Devices = GivenDevices.Left(claim.Status.Devices, ((ResourceClaim)old).Status, claim.Status) } };
    }
}

/// <summary>Taints that people put on devices: a changed effect begins anew, unless they say since when.</summary>
sealed class TaintRuleStrategy() : Strategy(Beta.DeviceTaintRule.Info)
{
    public override IObject PrepareForCreate(IObject obj, WriteContext context) => base.PrepareForCreate(Timed((Beta.DeviceTaintRule)obj, null, context.Now), context);

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context) => base.PrepareForUpdate(
        context.Subresource.Length > 0 ? obj : Timed((Beta.DeviceTaintRule)obj, (Beta.DeviceTaintRule)old, context.Now), old, context);

    static Beta.DeviceTaintRule Timed(Beta.DeviceTaintRule rule, Beta.DeviceTaintRule? old, DateTimeOffset now)
    {
        var (taint, was) = (rule.Spec.Taint, old?.Spec.Taint);
        bool stale = taint.TimeAdded is null || was is not null && taint.Effect != was.Effect && taint.TimeAdded == was.TimeAdded;
        return stale ? rule with { Spec = rule.Spec with { Taint = taint with { TimeAdded = Second(now) } } } : rule;
    }

    internal static DateTimeOffset Second(DateTimeOffset now) => DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
}
