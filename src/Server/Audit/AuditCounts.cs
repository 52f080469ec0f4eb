using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;

namespace Hanbae.Server.Audit;

/// <summary>How much was written down and how much was not, under upstream's names.</summary>
sealed class AuditCounts
{
    readonly long[] _levels = new long[4];
    readonly ConcurrentDictionary<string, long> _failed = new(StringComparer.Ordinal);
    long _events, _rejected;

    public void Event() => Interlocked.Increment(ref _events);
    public void Request(AuditLevel level) => Interlocked.Increment(ref _levels[(int)level]);
    public void Rejected() => Interlocked.Increment(ref _rejected);
    public void Failed(string plugin, int events = 1) => _failed.AddOrUpdate(plugin, events, (_, n) => n + events);
    public long FailedBy(string plugin) => _failed.GetValueOrDefault(plugin);

    public void Render(PrometheusText text)
    {
        text.Plain("apiserver_audit_event_total", "counter", "Audit events that were made.", Volatile.Read(ref _events));
        text.Plain("apiserver_audit_requests_rejected_total", "counter", "Requests that were refused because they could not be written down.", Volatile.Read(ref _rejected));
        text.Family("apiserver_audit_level_total", "counter", "Requests by the level of the policy.");
        for (int i = 0; i < _levels.Length; i++)
            text.Sample("apiserver_audit_level_total", PrometheusText.Labels(("level", ((AuditLevel)i).ToString())), Volatile.Read(ref _levels[i]));
        text.Family("apiserver_audit_error_total", "counter", "Audit events that were not kept.");
        foreach (var (plugin, count) in _failed) text.Sample("apiserver_audit_error_total", PrometheusText.Labels(("plugin", plugin)), count);
    }
}
