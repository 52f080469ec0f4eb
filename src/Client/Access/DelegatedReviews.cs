using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Authorization.V1;

namespace Hanbae.Client;

/// <summary>How long the cluster's word on who somebody is, and what they may do, is kept.</summary>
public sealed record ReviewTimes(TimeSpan Tokens, TimeSpan Allowed, TimeSpan Denied)
{
    /// <summary>As upstream's API server library: ten seconds each.</summary>
    public static ReviewTimes Default { get; } = new(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10));
}

/// <summary>Leaves it to the cluster who the users of a program's own endpoints are and what they may do there: TokenReview and SubjectAccessReview.</summary>
/// <remarks>Answers are kept for a while; bound: a table is emptied when it is full. What could not be asked is not kept.</remarks>
public sealed class DelegatedReviews(IClient client, TimeProvider time, ReviewTimes? times = null)
{
    const int MaxKept = 4096, LongestKept = 1024;

    readonly ReviewTimes _times = times ?? ReviewTimes.Default;
    readonly ConcurrentDictionary<string, (UserInfo? User, long Until)> _tokens = new();
    readonly ConcurrentDictionary<SubjectAccessReviewSpec, (bool Allowed, long Until)> _verdicts = new();

    /// <summary>Whose the token is.</summary>
    /// <returns>Null when it is nobody's.</returns>
    /// <exception cref="Api.Rest.ApiException">The cluster would not say.</exception>
    public async Task<UserInfo?> WhoAsync(string token, CancellationToken ct)
    {
        string key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        if (_tokens.TryGetValue(key, out var kept) && time.GetTimestamp() < kept.Until) return kept.User;
        var status = (await client.CreateAsync(new TokenReview { Spec = new() { Token = token } }, ct).ConfigureAwait(false)).Status;
        var user = status.Authenticated ? status.User : null;
        if (_tokens.Count >= MaxKept) _tokens.Clear();
        _tokens[key] = (user, In(_times.Tokens));
        return user;
    }

    /// <summary>Whether somebody may do something.</summary>
    /// <param name="asked">The whole question: who decides may go by any part of it.</param>
    /// <exception cref="Api.Rest.ApiException">The cluster would not say.</exception>
    public async Task<bool> MayAsync(SubjectAccessReviewSpec asked, CancellationToken ct)
    {
        if (_verdicts.TryGetValue(asked, out var kept) && time.GetTimestamp() < kept.Until) return kept.Allowed;
        var status = (await client.CreateAsync(new SubjectAccessReview { Spec = asked }, ct).ConfigureAwait(false)).Status;
        // Whoever may ask at all chooses the path: long ones are asked about each time, as upstream, rather than fill the memory.
        if (asked.NonResourceAttributes is { Path.Length: > LongestKept }) return status.Allowed;
        if (_verdicts.Count >= MaxKept) _verdicts.Clear();
        _verdicts[asked] = (status.Allowed, In(status.Allowed ? _times.Allowed : _times.Denied));
        return status.Allowed;
    }

    long In(TimeSpan span) => time.GetTimestamp() + (long)(span.TotalSeconds * time.TimestampFrequency);
}
