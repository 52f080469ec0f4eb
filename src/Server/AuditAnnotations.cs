using System.Collections;

namespace Hanbae.Server;

/// <summary>What admission notes about a request for the audit log. The first to use a key has it, as upstream.</summary>
public sealed class AuditAnnotations : IEnumerable<KeyValuePair<string, string>>
{
    readonly Lock _lock = new();
    readonly Dictionary<string, string> _byKey = new(StringComparer.Ordinal);

    public void Add(string key, string value)
    {
        lock (_lock) _byKey.TryAdd(key, value);
    }

    /// <summary>As they were at the call.</summary>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator()
    {
        lock (_lock) return _byKey.ToList().GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
