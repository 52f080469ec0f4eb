using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

/// <summary>Sandboxes or containers by id, found by any unique beginning of it, and the names that keep a second one of the same attempt out.</summary>
/// <param name="kind">"sandbox" or "container", for the errors.</param>
internal sealed class IdTable<T>(string kind) where T : class
{
    readonly Dictionary<string, T> _items = [];
    readonly Dictionary<string, string> _names = [];

    public IEnumerable<T> All => _items.Values;

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public void Reserve(string name, string id)
    {
        if (!_names.TryAdd(name, id))
            throw new GrpcException(GrpcStatus.Unknown, $"failed to reserve {kind} name \"{name}\": name \"{name}\" is reserved for \"{_names[name]}\"");
    }

    public void Release(string name) => _names.Remove(name);

    public void Add(string id, T item) => _items.Add(id, item);

    public void Remove(string id) => _items.Remove(id);

    public bool TryFind(string id, [NotNullWhen(true)] out T? item)
    {
        if (_items.TryGetValue(id, out item)) return true;
        if (id.Length is 0 or >= 64) return false;
        string? only = null;
        foreach (string key in _items.Keys)
        {
            if (!key.StartsWith(id, StringComparison.Ordinal)) continue;
            if (only is not null) return false;
            only = key;
        }
        return only is not null && _items.TryGetValue(only, out item);
    }
}
