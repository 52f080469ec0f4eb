namespace Hanbae.Client;

/// <summary>Spaces attempts that keep failing: doubling up to a bound, with jitter, and forgetting after a quiet while.</summary>
/// <remarks>client-go's reflector: 800 ms doubling to 30 s, up to twice as long by jitter, from the start again after two minutes.</remarks>
public sealed class Backoff(TimeProvider time, Random? random = null)
{
    /// <summary>The first wait.</summary>
    public TimeSpan Initial { get; init; } = TimeSpan.FromMilliseconds(800);
    /// <summary>No wait is longer, jitter apart.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>After so long without a failure the first wait is the shortest again.</summary>
    public TimeSpan ForgottenAfter { get; init; } = TimeSpan.FromMinutes(2);

    readonly Random _random = random ?? Random.Shared;
    TimeSpan _next;
    long? _last;

    /// <summary>How long to wait this time.</summary>
    public TimeSpan Next()
    {
        if (_last is not { } last || time.GetElapsedTime(last) > ForgottenAfter) _next = Initial;
        _last = time.GetTimestamp();
        var delay = _next;
        _next = delay * 2 < Longest ? delay * 2 : Longest;
        return delay * (1 + _random.NextDouble());
    }
}
