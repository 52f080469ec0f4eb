using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Health;

/// <summary>How who comes in was known, what he was allowed, and how long that took, under upstream's names.</summary>
sealed class AccessCounts
{
    readonly TimeCounts _known = new(TimeCounts.Doors), _unknown = new(TimeCounts.Doors), _wrong = new(TimeCounts.Doors);
    readonly TimeCounts _allowed = new(TimeCounts.Doors), _denied = new(TimeCounts.Doors), _none = new(TimeCounts.Doors), _failed = new(TimeCounts.Doors);
    readonly ConcurrentDictionary<string, long> _users = new(StringComparer.Ordinal);

    /// <param name="user">Null when nobody knew.</param>
    /// <param name="wrong">Somebody said why not.</param>
    public void Authenticated(string? user, bool wrong, TimeSpan took)
    {
        (user is not null ? _known : wrong ? _wrong : _unknown).Add(took);
        if (user is not null) _users.AddOrUpdate(Sort(user), 1, static (_, n) => n + 1);
    }

    public void Authorized(Decision decision, TimeSpan took) =>
        (decision.Verdict == Verdict.Allow ? _allowed : decision.Error is not null ? _failed : decision.Verdict == Verdict.Deny ? _denied : _none).Add(took);

    /// <summary>As upstream: few names, so that there are few series.</summary>
    static string Sort(string user) => user is "admin" or "client" or "kube_proxy" or "kubelet" or "system:serviceaccount:kube-system:default" ? user : user.Contains('@') ? "email_id" : "other";

    public void Render(PrometheusText text)
    {
        ReadOnlySpan<(string Result, TimeCounts Counts)> knowing = [("error", _wrong), ("failure", _unknown), ("success", _known)];
        ReadOnlySpan<(string Result, TimeCounts Counts)> allowing = [("allowed", _allowed), ("denied", _denied), ("error", _failed), ("no-opinion", _none)];
        text.Family("authenticated_user_requests", "counter", "Requests by sorts of users.");
        foreach (var (user, count) in _users) text.Sample("authenticated_user_requests", PrometheusText.Labels(("username", user)), count);
        Render(text, "authentication_attempts", "authentication_duration_seconds", "Who comes in is known or is not.", knowing);
        Render(text, "authorization_attempts_total", "authorization_duration_seconds", "What is asked for is allowed or is not.", allowing);
    }

    static void Render(PrometheusText text, string attempts, string durations, string what, ReadOnlySpan<(string Result, TimeCounts Counts)> all)
    {
        text.Family(attempts, "counter", what);
        foreach (var (result, counts) in all)
            if (counts.Count is > 0 and var count) text.Sample(attempts, $"result=\"{result}\"", count);
        text.Family(durations, "histogram", "How long it took to find out.");
        foreach (var (result, counts) in all) TimeCounts.Render(text, durations, $"result=\"{result}\"", counts);
    }
}
