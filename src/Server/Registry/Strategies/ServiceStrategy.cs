using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Registry.Services;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Services: they get addresses and ports that no other has.</summary>
public sealed class ServiceStrategy(ServiceNetworks networks) : Strategy(Service.Info), IReserves, IDisposable
{
    readonly ServiceAllocator _allocator = new(networks);

    public async ValueTask<IReservation> ReserveAsync(IObject obj, IObject? old, StoredResource stored, CancellationToken ct) =>
        await _allocator.ReserveAsync((Service)obj, (Service?)old, async ct =>
        {
            var state = await stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
            var services = new List<Service>(state.All.Count);
            foreach (var item in state.All.Between("", "")) services.Add((Service)item.Object);
            return services;
        }, ct).ConfigureAwait(false);

    public override ValueTask AfterDeleteAsync(IObject obj, CancellationToken ct)
    {
        _allocator.Release((Service)obj);
        return default;
    }

    /// <summary>Only a balancer has something to report.</summary>
    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var service = (Service)base.PrepareForUpdate(obj, old, context);
        return context.Subresource.Length == 0 && service.Spec.Type != "LoadBalancer" && ((Service)old).Spec.Type == "LoadBalancer"
            ? service with { Status = service.Status with { LoadBalancer = LoadBalancerStatus.Empty } } : service;
    }

    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.clusterIP", "spec.type"];

    public override string Field(IObject obj, string name) => name switch
    {
        "spec.clusterIP" => ((Service)obj).Spec.ClusterIP,
        "spec.type" => ((Service)obj).Spec.Type,
        _ => base.Field(obj, name),
    };

    public void Dispose() => _allocator.Dispose();
}
