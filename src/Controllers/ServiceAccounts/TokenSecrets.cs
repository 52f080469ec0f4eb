using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.ServiceAccounts;

/// <summary>Puts a token into each Secret that asks for a service account's, and removes those whose account is gone.</summary>
/// <remarks>Upstream's serviceaccount-token controller; accounts get no such Secrets of themselves any more, people still make them.</remarks>
sealed class TokenSecrets(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    const string Type = "kubernetes.io/service-account-token", Name = "kubernetes.io/service-account.name", Uid = "kubernetes.io/service-account.uid";
    const string ByAccount = "token's account";
    /// <summary>Secrets that went, until their account names them no more.</summary>
    readonly ConcurrentDictionary<Key, (string Account, string Uid)> _gone = new();
    const string Token = "token", Namespace = "namespace", Authority = "ca.crt";

    readonly ICache<Secret> _secrets = cluster.Cache<Secret>();
    readonly ICache<ServiceAccount> _accounts = cluster.Cache<ServiceAccount>();

    public void Watch(Triggers on)
    {
        if (options.ServiceAccountToken is null) return;
        _secrets.AddIndex(ByAccount, s => s.Type == Type && s.Metadata.Annotations[Name] is { } account ? [s.Metadata.Namespace + "/" + account] : []);
        on.Map(_secrets, s => s.Type == Type ? [Key.Of(s)] : [])
            .Map(_accounts, a => _secrets.ByIndex(ByAccount, a.Metadata.Namespace + "/" + a.Metadata.Name).Select(s => Key.Of(s)));
        on.From(add => _secrets.Subscribe(e =>
        {
            if (e is not { New: null, Old: { Type: Type } old } || old.Metadata.Annotations[Name] is not { Length: > 0 } account) return;
            _gone[Key.Of(old)] = (account, old.Metadata.Annotations[Uid] ?? "");
            add(Key.Of(old));
        }));
        if (options.OnRootCaChange is { } subscribe)
            on.From(add => subscribe(() => { foreach (var secret in _secrets.All) if (secret.Type == Type) add(Key.Of(secret)); }));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_gone.TryGetValue(key, out var gone))
        {
            if (_secrets.Find(key) is null) await ForgetAsync(key, gone.Account, gone.Uid, ct);
            _gone.TryRemove(KeyValuePair.Create(key, gone));
        }
        if (options.ServiceAccountToken is not { } sign || _secrets.Find(key) is not { Type: Type, Metadata.DeletionTimestamp: null } secret) return Again.OnChange;
        string account = secret.Metadata.Annotations[Name] ?? "", uid = secret.Metadata.Annotations[Uid] ?? "";
        if (account.Length == 0) return Again.OnChange;
        if (Of(_accounts.Find(new(key.Namespace, account)), uid) is not { } owner)
        {
            // The cache may be behind: only an account that is really gone takes its Secrets with it.
            if (Of(await cluster.Client.FindAsync<ServiceAccount>(new(key.Namespace, account), ct), uid) is null)
                await cluster.Client.TryDeleteAsync<Secret>(key, Preconditions.Uid(secret), ct);
            return Again.OnChange;
        }
        var data = secret.Data;
        if (data[Token].Span.IsEmpty) data = data.Set(Token, Bytes.FromText(sign(owner, secret.Metadata.Name)));
        if (data[Namespace].Span.IsEmpty) data = data.Set(Namespace, Bytes.FromText(key.Namespace));
        string root = options.CurrentRootCa?.Invoke() ?? options.RootCa;
        if (root.Length > 0 && data[Authority].ToText() != root) data = data.Set(Authority, Bytes.FromText(root));
        var annotations = secret.Metadata.Annotations.Set(Uid, owner.Metadata.Uid);
        if (data == secret.Data && annotations == secret.Metadata.Annotations) return Again.OnChange;
        await cluster.Client.UpdateAsync(secret with { Data = data, Metadata = secret.Metadata with { Annotations = annotations } }, ct);
        return Again.OnChange;
    }

    /// <summary>The account of a Secret that is gone does not name it any more.</summary>
    async Task ForgetAsync(Key secret, string account, string uid, CancellationToken ct)
    {
        if (Of(await cluster.Client.FindAsync<ServiceAccount>(new(secret.Namespace, account), ct), uid) is not { } owner || !owner.Secrets.Exists(s => s.Name == secret.Name)) return;
        await cluster.Client.UpdateAsync(owner with { Secrets = owner.Secrets.Where(s => s.Name != secret.Name).ToSeq() }, ct);
    }

    /// <summary>An account that goes by the name of another is not the one that was meant.</summary>
    static ServiceAccount? Of(ServiceAccount? found, string uid) => found is not null && (uid.Length == 0 || found.Metadata.Uid == uid) ? found : null;
}
