using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.ServiceAccounts;

/// <summary>Gives each namespace the account that its Pods run as when they name none.</summary>
sealed class EnsureDefault(IClusterAccess cluster) : IReconciler
{
    const string Name = "default";

    readonly ICache<Namespace> _namespaces = cluster.Cache<Namespace>();
    readonly ICache<ServiceAccount> _accounts = cluster.Cache<ServiceAccount>();

    public void Watch(Triggers on) =>
        on.Each(_namespaces).Map(_accounts, a => a.Metadata.Name == Name ? [new Key("", a.Metadata.Namespace)] : []);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_namespaces.Find(key) is not { Metadata.DeletionTimestamp: null } || _accounts.Find(new(key.Name, Name)) is not null) return Again.OnChange;
        try { await cluster.Client.CreateAsync(new ServiceAccount { Metadata = new() { Name = Name, Namespace = key.Name } }, ct); }
        catch (ApiException e) when (e.IsAlreadyExists || Ownership.Refusal.IsNamespaceTerminating(e)) { }
        return Again.OnChange;
    }
}
