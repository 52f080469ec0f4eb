using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

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

    public void Print(StringBuilder text)
    {
        text.Append("# HELP apiserver_audit_event_total Audit events that were made.\n# TYPE apiserver_audit_event_total counter\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_audit_event_total {Volatile.Read(ref _events)}\n");
        text.Append("# HELP apiserver_audit_requests_rejected_total Requests that were refused because they could not be written down.\n# TYPE apiserver_audit_requests_rejected_total counter\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_audit_requests_rejected_total {Volatile.Read(ref _rejected)}\n");
        text.Append("# HELP apiserver_audit_level_total Requests by the level of the policy.\n# TYPE apiserver_audit_level_total counter\n");
        for (int i = 0; i < _levels.Length; i++) text.Append(CultureInfo.InvariantCulture, $"apiserver_audit_level_total{{level=\"{(AuditLevel)i}\"}} {Volatile.Read(ref _levels[i])}\n");
        text.Append("# HELP apiserver_audit_error_total Audit events that were not kept.\n# TYPE apiserver_audit_error_total counter\n");
        foreach (var (plugin, count) in _failed) text.Append(CultureInfo.InvariantCulture, $"apiserver_audit_error_total{{plugin=\"{plugin}\"}} {count}\n");
    }
}
