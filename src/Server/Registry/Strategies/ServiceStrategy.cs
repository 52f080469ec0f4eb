using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Registry.Services;
using Hanbae.Server.Registry.Warnings;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Services: they get addresses and ports that no other has.</summary>
public sealed class ServiceStrategy(ServiceNetworks networks) : Strategy(Service.Info), IReserves, IAttached, IDisposable
{
    AddressObjects? _objects;

    internal ServiceAllocator Allocator { get; } = new(networks);
    internal AddressObjects? Objects => _objects;

    public void Attach(Func<GroupResource, StoredResource?> stored)
    {
        if (stored(new("networking.k8s.io", "ipaddresses")) is { } addresses && stored(new("networking.k8s.io", "servicecidrs")) is { } ranges && stored(new("", "services")) is { } services)
            _objects = new(addresses, ranges, services);
    }

    public async ValueTask<IReservation> ReserveAsync(IObject obj, IObject? old, StoredResource stored, CancellationToken ct) =>
        await Allocator.ReserveAsync((Service)obj, (Service?)old, async ct =>
        {
            if (_objects is not null) return await _objects.LearnAsync(ct).ConfigureAwait(false);
            return new(AddressObjects.Objects<Service>(await stored.Cache.CurrentAsync(ct).ConfigureAwait(false)), [], []);
        }, ct).ConfigureAwait(false);

    public override ValueTask AfterCreateAsync(IObject obj, CancellationToken ct) => _objects?.FollowAsync((Service)obj, null, ct) ?? default;
    public override ValueTask AfterUpdateAsync(IObject obj, IObject old, CancellationToken ct) => _objects?.FollowAsync((Service)obj, (Service)old, ct) ?? default;

    public override async ValueTask AfterDeleteAsync(IObject obj, CancellationToken ct)
    {
        Allocator.Release((Service)obj);
        if (_objects is not null) await _objects.FollowAsync(null, (Service)obj, ct).ConfigureAwait(false);
    }

    /// <summary>Only a balancer has something to report.</summary>
    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var service = (Service)base.PrepareForUpdate(obj, old, context);
        return context.Subresource.Length == 0 && service.Spec.Type != "LoadBalancer" && ((Service)old).Spec.Type == "LoadBalancer"
            ? service with { Status = service.Status with { LoadBalancer = LoadBalancerStatus.Empty } } : service;
    }

    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) => ServiceWarnings.Of((Service)obj);

    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.clusterIP", "spec.type"];

    public override string Field(IObject obj, string name) => name switch
    {
        "spec.clusterIP" => ((Service)obj).Spec.ClusterIP,
        "spec.type" => ((Service)obj).Spec.Type,
        _ => base.Field(obj, name),
    };

    public void Dispose() => Allocator.Dispose();
}
