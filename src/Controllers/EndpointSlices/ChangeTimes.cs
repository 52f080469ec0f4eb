using System.Collections.Concurrent;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>Knows since when what shows of a Service ought to be otherwise: by that, on what is written, proxies measure how long a change takes to reach them.</summary>
/// <remarks>Upstream's trigger times: the earliest change of those since the last look. Bound: one time for each Pod that a Service selects.</remarks>
sealed class ChangeTimes
{
    const string Annotation = "endpoints.kubernetes.io/last-change-trigger-time";

    readonly ConcurrentDictionary<Key, (DateTimeOffset? Service, Dictionary<string, DateTimeOffset> Pods)> _seen = new();

    /// <returns>Null when nothing has changed.</returns>
    public DateTimeOffset? Next(Service service, IEnumerable<Pod> pods)
    {
        var key = Key.Of(service);
        bool known = _seen.TryGetValue(key, out var before);
        var made = service.Metadata.CreationTimestamp;
        DateTimeOffset? earliest = known && made > (before.Service ?? DateTimeOffset.MinValue) ? made : null;
        var times = new Dictionary<string, DateTimeOffset>();
        foreach (var pod in pods)
        {
            if (pod.ReadyCondition?.LastTransitionTime is not { } at) continue;
            times[pod.Metadata.Name] = at;
            if (known && !(before.Pods.TryGetValue(pod.Metadata.Name, out var last) && at <= last) && !(earliest <= at)) earliest = at;
        }
        _seen[key] = (made, times);
        // Before there was a Service nobody could be late.
        return known ? earliest : made;
    }

    public void Forget(Key service) => _seen.TryRemove(service, out _);

    /// <summary>Says since when; without a time nothing is said.</summary>
    public static ObjectMeta Mark(ObjectMeta metadata, DateTimeOffset? since) => metadata with
    {
        Annotations = since is { } at
            ? metadata.Annotations.Set(Annotation, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture)) : metadata.Annotations.Remove(Annotation),
    };
}
