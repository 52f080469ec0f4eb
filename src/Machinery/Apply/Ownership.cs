using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Apply;

/// <summary>All owners of an object's fields: <c>metadata.managedFields</c>, decoded.</summary>
/// <remarks>Not thread-safe: made for one write.</remarks>
public sealed class Ownership
{
    /// <summary>Upstream's bound on entries of updates; the oldest beyond it become one.</summary>
    const int MostUpdaters = 10;
    const string AncientChanges = "ancient-changes";

    readonly Dictionary<Owner, Owned> _owners = [];

    public bool IsEmpty => _owners.Count == 0;
    internal Dictionary<Owner, Owned> Owners => _owners;

    /// <exception cref="ApplyException">An entry is malformed.</exception>
    public static Ownership Read(Seq<ManagedFieldsEntry> entries)
    {
        var all = new Ownership();
        for (int i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (entry.Operation is not ("Apply" or "Update")) throw new ApplyException("operation must be `Apply` or `Update`");
            if (entry.ApiVersion.Length == 0) throw new ApplyException("apiVersion must not be empty");
            if (entry.FieldsType != "FieldsV1")
                throw new ApplyException(entry.FieldsType.Length == 0 ? $"missing fieldsType in managed fields entry {i}" : $"invalid fieldsType \"{entry.FieldsType}\" in managed fields entry {i}");
            var set = entry.FieldsV1 is { IsNil: false } raw ? FieldsV1.Read(raw.Span) : FieldSet.Empty;
            all._owners[Owner.Of(entry)] = new(entry.ApiVersion, set, entry.Time, Shared(entry, set));
        }
        return all;
    }

    /// <summary>The entry with the bytes that all such sets share; null when it was not written canonically.</summary>
    static ManagedFieldsEntry? Shared(ManagedFieldsEntry entry, FieldSet set)
    {
        byte[] bytes = FieldsV1.Write(set);
        var raw = entry.FieldsV1;
        if (!raw.Span.SequenceEqual(bytes)) return null;
        return raw.Memory.Length == bytes.Length && System.Runtime.InteropServices.MemoryMarshal.TryGetArray(raw.Memory, out var array) && ReferenceEquals(array.Array, bytes)
            ? entry : entry with { FieldsV1 = new(bytes) };
    }

    /// <summary>In upstream's order: appliers first, then by time and name.</summary>
    public Seq<ManagedFieldsEntry> Write()
    {
        if (_owners.Count == 0) return default;
        var entries = new List<ManagedFieldsEntry>(_owners.Count);
        foreach (var (owner, owned) in _owners) entries.Add(owned.Write(owner));
        entries.Sort(static (a, b) =>
        {
            if (string.CompareOrdinal(a.Operation, b.Operation) is not 0 and var operation) return operation;
            if (Seconds(a.Time).CompareTo(Seconds(b.Time)) is not 0 and var time) return time;
            if (string.CompareOrdinal(a.Manager, b.Manager) is not 0 and var manager) return manager;
            if (string.CompareOrdinal(a.ApiVersion, b.ApiVersion) is not 0 and var version) return version;
            return string.CompareOrdinal(a.Subresource, b.Subresource);
        });
        return [.. entries];
    }

    static long Seconds(DateTimeOffset? time) => time?.ToUnixTimeSeconds() ?? 0;

    internal void Set(Owner owner, Owned owned)
    {
        if (owned.Set.IsEmpty) _owners.Remove(owner);
        else _owners[owner] = owned;
    }

    internal void Cap()
    {
        if (_owners.Count <= MostUpdaters) return;
        var updaters = _owners.Where(o => !o.Key.Applies).ToList();
        if (updaters.Count <= MostUpdaters) return;
        updaters.Sort(static (a, b) => Seconds(a.Value.Time).CompareTo(Seconds(b.Value.Time)) is not 0 and var time ? time : a.Key.CompareTo(b.Key));
        int count = updaters.Count;
        var first = new Dictionary<string, Owner>();
        foreach (var (owner, owned) in updaters)
        {
            if (count <= MostUpdaters) break;
            var bucket = new Owner(AncientChanges, false, owned.ApiVersion, "");
            // The first one of a version stays as it is until a second one joins it.
            if (!first.TryGetValue(owned.ApiVersion, out var oldest))
            {
                first[owned.ApiVersion] = owner;
                continue;
            }
            if (!_owners.TryGetValue(bucket, out var ancient))
            {
                ancient = _owners[oldest];
                _owners.Remove(oldest);
            }
            _owners.Remove(owner);
            _owners[bucket] = new(owned.ApiVersion, owned.Set.Union(ancient.Set), owned.Time);
            count--;
        }
    }
}
