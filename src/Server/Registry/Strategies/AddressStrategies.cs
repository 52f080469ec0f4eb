using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Addresses: one that somebody makes by hand no Service gets.</summary>
public sealed class AddressStrategy() : Strategy(IPAddress.Info), IAttached
{
    ServiceStrategy? _services;

    public void Attach(Func<GroupResource, StoredResource?> stored) => _services = stored(new("", "services"))?.Strategy as ServiceStrategy;

    public override ValueTask AfterCreateAsync(IObject obj, CancellationToken ct)
    {
        if (!Services.AddressObjects.IsOurs(obj) && IpSyntax.TryParse(obj.Metadata.Name, out var address)) _services?.Allocator.Hold(address);
        return default;
    }

    public override ValueTask AfterDeleteAsync(IObject obj, CancellationToken ct)
    {
        if (IpSyntax.TryParse(obj.Metadata.Name, out var address)) _services?.Allocator.LetGo(address);
        return default;
    }
}

/// <summary>Ranges of addresses for Services: ready as soon as they are there, and there until the last Service has left them.</summary>
public sealed class RangeStrategy() : Strategy(ServiceCIDR.Info), IAttached
{
    ServiceStrategy? _services;

    public void Attach(Func<GroupResource, StoredResource?> stored) => _services = stored(new("", "services"))?.Strategy as ServiceStrategy;

    public override IObject PrepareForCreate(IObject obj, WriteContext context) => (ServiceCIDR)base.PrepareForCreate(obj, context) with
    {
        Status = new() { Conditions = [new Condition { Type = "Ready", Status = "True", Message = "Kubernetes Service CIDR is ready", LastTransitionTime = context.Now }] },
    };

    public override bool IsHeld(IObject obj) => base.IsHeld(obj) || _services?.Objects?.InUse((ServiceCIDR)obj) == true;

    public override IObject OnDeleting(IObject obj)
    {
        var range = (ServiceCIDR)obj;
        if (!IsHeld(obj)) return obj;
        return range with
        {
            Status = new()
            {
                Conditions = [new Condition
                {
                    Type = "Ready", Status = "False", Reason = "Terminating", LastTransitionTime = range.Metadata.DeletionTimestamp,
                    Message = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
                }],
            },
        };
    }

    public override ValueTask AfterCreateAsync(IObject obj, CancellationToken ct) => ChangedAsync(ct);
    public override ValueTask AfterUpdateAsync(IObject obj, IObject old, CancellationToken ct) => ChangedAsync(ct);
    public override ValueTask AfterDeleteAsync(IObject obj, CancellationToken ct) => ChangedAsync(ct);

    async ValueTask ChangedAsync(CancellationToken ct)
    {
        if (_services is not { } services) return;
        services.Allocator.Forget();
        if (services.Objects is { } objects) await objects.LookAsync(ct).ConfigureAwait(false);
    }
}
