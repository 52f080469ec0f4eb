using System.Collections;

namespace Hanbae.Server.Audit;

/// <summary>What plugins note about a request for the audit log: each key once, as upstream; what comes first stays.</summary>
/// <remarks>Several plugins may note at the same time.</remarks>
public sealed class AuditAnnotations : IEnumerable<KeyValuePair<string, string>>
{
    readonly Lock _gate = new();
    /// <summary>Null while there are none: most requests are noted nothing about.</summary>
    SortedDictionary<string, (string Value, AuditLevel Level)>? _all;

    /// <param name="key">In the form of a qualified name, such as <c>authorization.k8s.io/decision</c>.</param>
    /// <param name="level">From which level on it is written: what tells of an object's content waits for one that shows it.</param>
    public void Add(string key, string value, AuditLevel level = AuditLevel.Metadata)
    {
        lock (_gate) (_all ??= new(StringComparer.Ordinal)).TryAdd(key, (value, level));
    }

    public KeyValuePair<string, string>[] At(AuditLevel level)
    {
        lock (_gate) return _all is null ? [] : [.. _all.Where(a => a.Value.Level <= level).Select(a => KeyValuePair.Create(a.Key, a.Value.Value))];
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => ((IEnumerable<KeyValuePair<string, string>>)At(AuditLevel.RequestResponse)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
