using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.BootstrapTokens;

/// <summary>Deletes tokens for joining when their time is over.</summary>
sealed class Clean(IClusterAccess cluster) : IReconciler
{
    readonly ICache<Secret> _secrets = cluster.Cache<Secret>(new() { Namespace = BootstrapToken.Namespace });

    public void Watch(Triggers on) => on.When(_secrets, e => e.New is { Type: BootstrapToken.Type });

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_secrets.Find(key) is not { Type: BootstrapToken.Type } secret || BootstrapToken.EndOf(secret) is not { } end) return Again.OnChange;
        if (end > cluster.Time.GetUtcNow()) return Again.At(end);
        await cluster.Client.TryDeleteAsync<Secret>(key, Hanbae.Api.Meta.V1.Preconditions.Unchanged(secret), ct);
        return Again.OnChange;
    }
}
