using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>What may come of events.</summary>
/// <param name="Kind">Server, Namespace, User or SourceAndObject.</param>
/// <param name="PerSecond">In the long run.</param>
/// <param name="Burst">At once.</param>
/// <param name="Remembered">How many namespaces, users or objects are told apart.</param>
public sealed record EventLimit(string Kind, double PerSecond, int Burst, int Remembered = 4096);

/// <summary>Keeps a flood of events from filling the store.</summary>
sealed class EventRateLimit(IReadOnlyList<EventLimit> limits, TimeProvider time) : IValidates
{
    readonly Buckets[] _limits = [.. limits.Select(l => new Buckets(l, time))];

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && resource is { Resource: "events", Group: "" or "events.k8s.io" };

    public ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.DryRun || request.Object is not Event e) return default;
        string? refusal = null;
        // Each limit takes its share even when another has refused, as upstream.
        foreach (var buckets in _limits)
        {
            string key = buckets.Limit.Kind switch
            {
                "Namespace" => request.Namespace,
                "User" => request.User.Name,
                "SourceAndObject" => string.Concat(e.Source.Component, e.Source.Host, e.InvolvedObject.Kind, e.InvolvedObject.Namespace, e.InvolvedObject.Name, e.InvolvedObject.Uid, e.InvolvedObject.ApiVersion),
                _ => "",
            };
            if (!buckets.TryTake(key)) refusal ??= $"limit reached on type {buckets.Limit.Kind} for key {key}";
        }
        return refusal is null ? default : throw Statuses.TooManyRequests(refusal, 0);
    }

    /// <summary>A token bucket per key; those that were asked longest ago are forgotten, full as they are by then.</summary>
    sealed class Buckets(EventLimit limit, TimeProvider time)
    {
        readonly Lock _lock = new();
        readonly Dictionary<string, (double Tokens, long At)> _byKey = [];

        public EventLimit Limit => limit;

        public bool TryTake(string key)
        {
            lock (_lock)
            {
                long now = time.GetTimestamp();
                double tokens = _byKey.TryGetValue(key, out var had) ? Math.Min(limit.Burst, had.Tokens + time.GetElapsedTime(had.At, now).TotalSeconds * limit.PerSecond) : limit.Burst;
                if (!_byKey.ContainsKey(key) && _byKey.Count >= limit.Remembered) _byKey.Remove(_byKey.MinBy(b => b.Value.At).Key);
                bool taken = tokens >= 1;
                _byKey[key] = (taken ? tokens - 1 : tokens, now);
                return taken;
            }
        }
    }
}
