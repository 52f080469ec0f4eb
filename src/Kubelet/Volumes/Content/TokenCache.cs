using System.Collections.Concurrent;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Keeps service account tokens until 80 % of their life is over, or a day: then there is a new one in time, also if the server is away for a while.</summary>
/// <remarks>Bound: one token per Pod, audience and lifetime; a Pod's go when its volumes do.</remarks>
sealed class TokenCache(IPodObjects objects, TimeProvider time)
{
    static readonly TimeSpan Oldest = TimeSpan.FromDays(1);

    readonly record struct Of(string PodUid, string Audience, TimeSpan Lifetime);
    readonly record struct Kept(TokenRequestStatus Token, DateTimeOffset Since);
    readonly ConcurrentDictionary<Of, Kept> _tokens = new();

    /// <exception cref="ApiException">There is none, neither new nor old and still good.</exception>
    public async Task<string> GetAsync(Pod pod, string audience, TimeSpan lifetime, CancellationToken ct) => (await FreshAsync(pod, audience, lifetime, ct)).Token;

    /// <summary>The token, and until when it is good.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<TokenRequestStatus> FreshAsync(Pod pod, string audience, TimeSpan lifetime, CancellationToken ct)
    {
        var key = new Of(pod.Metadata.Uid, audience, lifetime);
        bool have = _tokens.TryGetValue(key, out var kept);
        if (have && !IsDue(kept.Token.ExpirationTimestamp, kept.Since, time.GetUtcNow())) return kept.Token;
        try
        {
            var fresh = await objects.TokenAsync(pod, audience, lifetime, ct);
            _tokens[key] = new(fresh, time.GetUtcNow());
            return fresh;
        }
        catch (ApiException) when (have && kept.Token.ExpirationTimestamp > time.GetUtcNow())
        {
            return kept.Token; // good for a while; the next refresh asks again
        }
    }

    /// <summary>Whether a token is to be replaced.</summary>
    public static bool IsDue(DateTimeOffset? expires, DateTimeOffset since, DateTimeOffset now) =>
        now - since > Oldest || (expires is { } end && now >= since + (end - since) * 0.8);

    public void Forget(string podUid)
    {
        foreach (var key in _tokens.Keys) if (key.PodUid == podUid) _tokens.TryRemove(key, out _);
    }
}
