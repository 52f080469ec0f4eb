using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Machinery.Pods;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.ServiceAccounts;

/// <summary>Does away with tokens in Secrets that were made of themselves for an account and that nobody has used for a year (KEP-2799).</summary>
/// <remarks>
/// As upstream: first such a token is marked, and lets nobody in from then on; a year later its Secret goes. Only those that the account
/// names and that no Pod mounts; and only once the server has noted uses for that long.
/// </remarks>
sealed class CleanLegacyTokens(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    const string Type = "kubernetes.io/service-account-token", Account = "kubernetes.io/service-account.name", AccountUid = "kubernetes.io/service-account.uid";
    const string LastUsed = "kubernetes.io/legacy-token-last-used", InvalidSince = "kubernetes.io/legacy-token-invalid-since", Date = "yyyy-MM-dd";
    static readonly Key s_tracking = new("kube-system", "kube-apiserver-legacy-service-account-token-tracking");
    static readonly TimeSpan s_period = TimeSpan.FromDays(1);

    readonly ICache<Secret> _secrets = cluster.Cache<Secret>();
    readonly ICache<ServiceAccount> _accounts = cluster.Cache<ServiceAccount>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();

    /// <summary>A key for the whole: once a day everything is gone through.</summary>
    public void Watch(Triggers on) => on.Needs(_secrets).Needs(_accounts).Needs(_pods).From(add => { add(s_tracking); return new Nothing(); });

    sealed class Nothing : IDisposable { public void Dispose() { } }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        var now = cluster.Time.GetUtcNow();
        var tracking = await cluster.Client.FindAsync<ConfigMap>(s_tracking, ct);
        // A day later than it says: it says no more than the day.
        if (Day(tracking?.Data["since"]) is not { } since || now < since.AddDays(1) + options.LegacyTokenCleanUpPeriod) return Again.In(s_period);
        foreach (var secret in _secrets.All)
            if (secret.Type == Type && secret.Metadata.DeletionTimestamp is null) await LookAsync(secret, now, ct);
        return Again.In(s_period);
    }

    async Task LookAsync(Secret secret, DateTimeOffset now, CancellationToken ct)
    {
        var oldest = now - options.LegacyTokenCleanUpPeriod;
        string before = Text(oldest);
        if (secret.Metadata.CreationTimestamp >= oldest) return;
        // Of a date that is none nothing can be said.
        if (secret.Metadata.Labels[LastUsed] is { } used && (Day(used) is null || string.CompareOrdinal(used, before) >= 0)) return;
        if (!MadeOfItself(secret) || IsMounted(secret)) return;
        string? since = secret.Metadata.Labels[InvalidSince];
        if (Day(since) is null)
        {
            var patch = MetadataPatch.Merge(("uid", secret.Metadata.Uid), ("labels", JsonObject.Of((InvalidSince, Text(now)))));
            await cluster.Client.PatchAsync<Secret>(Key.Of(secret), patch, ct);
        }
        // Only as it was seen: a use in between keeps it.
        else if (string.CompareOrdinal(since, before) < 0) await cluster.Client.TryDeleteAsync<Secret>(Key.Of(secret), Preconditions.Unchanged(secret), ct);
    }

    bool MadeOfItself(Secret secret) =>
        secret.Metadata.Annotations[Account] is { Length: > 0 } name && _accounts.Find(new(secret.Metadata.Namespace, name)) is { } account
        && (secret.Metadata.Annotations[AccountUid] is not { Length: > 0 } uid || uid == account.Metadata.Uid) && account.Secrets.Exists(s => s.Name == secret.Metadata.Name);

    bool IsMounted(Secret secret) => _pods.In(secret.Metadata.Namespace).Any(p => PodReferences.Secrets(p).Contains(secret.Metadata.Name));

    static string Text(DateTimeOffset time) => time.UtcDateTime.ToString(Date, CultureInfo.InvariantCulture);

    static DateTimeOffset? Day(string? text) =>
        DateTimeOffset.TryParseExact(text, Date, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day) ? day : null;
}
