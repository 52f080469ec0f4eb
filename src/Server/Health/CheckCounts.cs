using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;

namespace Hanbae.Server.Health;

/// <summary>How checks of health came out, as <c>/metrics/slis</c> tells it (KEP-3466).</summary>
/// <remarks>Bound: the checks there are.</remarks>
public sealed class CheckCounts
{
    sealed class Outcome
    {
        public long Passed, Failed;
        public bool Last;
    }

    readonly ConcurrentDictionary<(string Name, string Type), Outcome> _all = new();

    /// <param name="type">The path it is a check of: healthz, livez or readyz.</param>
    public void Add(string name, string type, bool passed)
    {
        var outcome = _all.GetOrAdd((name, type), static _ => new());
        Volatile.Write(ref outcome.Last, passed);
        Interlocked.Increment(ref passed ? ref outcome.Passed : ref outcome.Failed);
    }

    public PrometheusText Render()
    {
        var text = new PrometheusText();
        var all = _all.OrderBy(o => o.Key.Name, StringComparer.Ordinal).ThenBy(o => o.Key.Type, StringComparer.Ordinal).ToArray();
        text.Family("kubernetes_healthcheck", "gauge", "[STABLE] Whether a check of health passed when it was last made.");
        foreach (var ((name, type), outcome) in all)
            text.Sample("kubernetes_healthcheck", PrometheusText.Labels(("name", name), ("type", type)), Volatile.Read(ref outcome.Last) ? 1 : 0);
        text.Family("kubernetes_healthchecks_total", "counter", "[STABLE] How often checks of health were made, by how they came out.");
        foreach (var ((name, type), outcome) in all)
            foreach (var (status, count) in (ReadOnlySpan<(string, long)>)[("error", Interlocked.Read(ref outcome.Failed)), ("success", Interlocked.Read(ref outcome.Passed))])
                if (count > 0) text.Sample("kubernetes_healthchecks_total", PrometheusText.Labels(("name", name), ("status", status), ("type", type)), count);
        return text;
    }
}
