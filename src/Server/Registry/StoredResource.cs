using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Server.Admission;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Store;
using Hanbae.Store.History;

namespace Hanbae.Server.Registry;

/// <summary>A resource in the store and its cache, whatever versions it is served in. Its writes are split by verb.</summary>
public sealed partial class StoredResource : IAsyncDisposable
{
    readonly IStore _store;
    readonly AdmissionChain _admission;
    readonly TimeProvider _time;
    readonly IHistory? _history;

    internal StoredResource(GroupResource resource, KindInfo kind, bool namespaced, IStrategy strategy, IStore store,
        AdmissionChain admission, bool soleWriter, TimeProvider time, Microsoft.Extensions.Logging.ILogger? logger = null, IHistory? history = null)
    {
        (Resource, Kind, Namespaced, Strategy, _store, _admission, _time) = (resource, kind, namespaced, strategy, store, admission, time);
        _history = Remembers(resource) ? history : null;
        Prefix = resource.Group.Length == 0 ? $"/registry/{resource.Resource}/" : $"/registry/{resource.Group}/{resource.Resource}/";
        Cache = new(store, Prefix, kind, namespaced, strategy, soleWriter, time, logger);
    }

    public GroupResource Resource { get; }
    /// <summary>The version that is stored.</summary>
    public KindInfo Kind { get; }
    public bool Namespaced { get; }
    public IStrategy Strategy { get; }
    /// <summary>As what it is served, of built-in kinds; those of given up versions among them where they are wanted.</summary>
    internal IReadOnlyList<Api.Rest.ResourceInfo> Served { get; set; } = [];
    /// <summary>Of its keys, with the slash.</summary>
    public string Prefix { get; }
    public ResourceCache Cache { get; }
    internal TimeProvider Time => _time;

    internal Snapshots Snapshots { get; } = new();

    public string KeyOf(string ns, string name) => Namespaced ? ns + "/" + name : name;

    /// <summary>The newest version, or null.</summary>
    public ValueTask<Item?> FindAsync(string ns, string name, CancellationToken ct) => Cache.FindAsync(KeyOf(ns, name), ct);

    /// <exception cref="StatusException">404.</exception>
    public async ValueTask<Item> GetAsync(string ns, string name, CancellationToken ct) =>
        await FindAsync(ns, name, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(Resource, name);

    /// <summary>Lets admission see a write that is not of the object itself: its subresource's body.</summary>
    internal async ValueTask<IKind?> AdmitAsync(WriteRequest write, Admission.Operation operation, IKind body, IObject? old, CancellationToken ct)
    {
        if (_admission.IsEmpty) return body;
        var admitted = await _admission.MutateAsync(write.Admission(operation, body, old), ct).ConfigureAwait(false);
        await _admission.ValidateAsync(write.Admission(operation, admitted, old), ct).ConfigureAwait(false);
        return admitted;
    }

    byte[] ToStored(IObject obj) => Kind.ToJson(obj.Metadata is { ResourceVersion: "", SelfLink: "" } ? obj
        : obj.WithMetadata(obj.Metadata with { ResourceVersion = "", SelfLink = "" }));

    /// <summary>Kept under a key or in a way that is no longer today's: writing the same again makes it today's.</summary>
    ValueTask<bool> IsStaleAsync(string key, CancellationToken ct) => _store is Hanbae.Store.Encryption.IStaleStore aging ? aging.IsStaleAsync(StoreKey(key), ct) : new(false);

    Store.Key StoreKey(string key) => new(Prefix + key);

    /// <summary>Writes, and makes the item that the answer and the cache share.</summary>
    /// <returns>Null with the entry in the way when the revision was not the expected one.</returns>
    async ValueTask<(Item? Item, Entry? InTheWay)> PutAsync(WriteRequest write, string key, IObject obj, byte[] value, Item? replaced, CancellationToken ct)
    {
        var announced = Cache.Announce(value, obj);
        long revision = 0;
        PutResult result = default;
        try
        {
            result = await _store.PutIfAsync(StoreKey(key), value, new(replaced?.Revision ?? 0), ct).ConfigureAwait(false);
            if (result.Succeeded) revision = result.Entry!.ModRevision.Value;
        }
        finally
        {
            if (revision == 0) Cache.Wrote(value, announced, obj, key, 0);
        }
        if (revision != 0) Remember(write, key, revision, replaced);
        return result.Succeeded ? (Cache.Wrote(value, announced, obj, key, revision), null) : (null, result.Entry);
    }

    /// <summary>What is renewed all the time, or is itself a note of what happened, has no history.</summary>
    static bool Remembers(GroupResource resource) => resource is not ({ Group: "coordination.k8s.io", Resource: "leases" } or { Resource: "events" });

    void Remember(WriteRequest write, string key, long revision, Item? replaced) =>
        _history?.Note(new(StoreKey(key), new(revision), _time.GetUtcNow(), write.User.Name, write.Verb, write.Fields?.Manager ?? write.Manager, write.Subresource,
            new(replaced?.Revision ?? 0), replaced));

    /// <summary>The items of a range as they were.</summary>
    internal async IAsyncEnumerable<IEnumerable<Item>> ReadAsync(KeyRange range, long revision, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var page in _store.ReadAsync(range, new(revision), ct).ConfigureAwait(false)) yield return page.Entries.Select(Of);
    }

    Item Of(Entry entry) => Item.FromStored(Kind, entry.Key.Path[Prefix.Length..], entry.ModRevision.Value, entry.Value.Span);

    public ValueTask DisposeAsync() => Cache.DisposeAsync();
}
