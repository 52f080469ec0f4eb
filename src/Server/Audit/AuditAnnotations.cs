using System.Collections;

namespace Hanbae.Server.Audit;

/// <summary>What plugins note about a request for the audit log: each key once, as upstream; what comes first stays.</summary>
/// <remarks>Several plugins may note at the same time.</remarks>
public sealed class AuditAnnotations : IEnumerable<KeyValuePair<string, string>>
{
    readonly Lock _gate = new();
    readonly SortedDictionary<string, string> _all = new(StringComparer.Ordinal);

    /// <param name="key">In the form of a qualified name, such as <c>authorization.k8s.io/decision</c>.</param>
    public void Add(string key, string value)
    {
        lock (_gate) _all.TryAdd(key, value);
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator()
    {
        lock (_gate) return _all.ToList().GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
