using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd.Definition;
using Hanbae.Server.Crd.Served;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Store;

namespace Hanbae.Server.Crd;

/// <summary>Makes definitions work: decides on their names, serves what is accepted, and clears up behind what is deleted.</summary>
/// <remarks>
/// One loop, fed by the server's own cache of definitions, so that a definition is served within milliseconds of its write. Level-triggered:
/// whatever it missed it sees at the next look at the cache. Objects of deleted definitions are deleted beside it, one task per definition.
/// </remarks>
sealed class CustomResources(ResourceCatalog catalog, TimeProvider time)
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    static readonly ResourceInfo s_info = Resources.Of<CustomResourceDefinition>();
    static readonly Identity s_self = new("system:apiserver", ["system:masters"]);

    readonly StoredResource _stored = catalog.Stored(s_info.Gvr.GroupResource)!;
    readonly Dictionary<string, CustomResource> _served = [];
    /// <summary>By definition, the names it has.</summary>
    readonly Dictionary<string, (string Group, CustomResourceDefinitionNames Names, bool Content)> _names = [];
    readonly Dictionary<string, Task> _ending = [];
    /// <summary>How long a request may take, as upstream's --request-timeout by default.</summary>
    static readonly TimeSpan s_underWay = TimeSpan.FromSeconds(60);
    /// <summary>By definition, the storage before this one, and how to end it at once.</summary>
    readonly Dictionary<string, (CancellationTokenSource Now, Task Gone)> _retired = [];
    readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done once all definitions that were stored are served: until then what is not found may yet be.</summary>
    public Task Ready => _ready.Task;

    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
            try
            {
                _ = await _stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
                var watcher = _stored.Cache.Watch(new(_stored.Strategy, "", "", Selector.Everything, FieldSelector.Everything), null, bookmarks: false, initialEventsEnd: false);
                using var stop = ct.Register(() => watcher.End());
                try
                {
                    await BeginAsync([.. watcher.Initial], ct).ConfigureAwait(false);
                    _ready.TrySetResult();
                    var events = new List<ItemEvent>();
                    while (await watcher.TakeAsync(ref events).ConfigureAwait(false))
                        // Of a definition that changed several times only the last state counts.
                        await ApplyAsync([.. events.Where(e => e.Item is not null).GroupBy(e => e.Item!.Key).Select(g => g.Last())], ct).ConfigureAwait(false);
                }
                finally { watcher.Leave(); }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
            catch (Exception e) when (e is StatusException or StoreException)
            {
                // The store will be back; what is served goes on being served.
                await Task.Delay(s_pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        _ready.TrySetResult();
        await Task.WhenAll(_ending.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var (now, gone) in _retired.Values)
        {
            await gone.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            now.Dispose();
        }
    }

    /// <summary>All there is, after a start or a gap: what has names already keeps them.</summary>
    async Task BeginAsync(Item[] items, CancellationToken ct)
    {
        _names.Clear();
        foreach (var item in items) Note(item.Key, (CustomResourceDefinition)item.Object);
        var gone = _served.Keys.Except(items.Select(i => i.Key)).ToArray();
        foreach (string name in gone) _served.Remove(name, out _);
        foreach (var item in items) await DefineAsync(item, ct).ConfigureAwait(false);
        await ServeAsync(ct).ConfigureAwait(false);
    }

    void Note(string name, CustomResourceDefinition crd) => _names[name] = (crd.Spec.Group, crd.Status.AcceptedNames, DefinitionStatus.IsTrue(crd, "NamesAccepted"));

    async Task ApplyAsync(ItemEvent[] events, CancellationToken ct)
    {
        var freed = new HashSet<string>();
        foreach (var e in events)
        {
            if (e.Type == EventType.Deleted)
            {
                _served.Remove(e.Item!.Key);
                if (_names.Remove(e.Item.Key, out var had)) freed.Add(had.Group);
            }
            else await DefineAsync(e.Item!, ct).ConfigureAwait(false);
        }
        if (freed.Count > 0)
        {
            // Names came free: whoever waited for them in the group tries again.
            var all = (await _stored.Cache.CurrentAsync(ct).ConfigureAwait(false)).All;
            foreach (string name in _names.Where(n => !n.Value.Content && freed.Contains(n.Value.Group)).Select(n => n.Key).ToArray())
                if (all.Find(name) is { } item) await DefineAsync(item, ct).ConfigureAwait(false);
        }
        await ServeAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Says what is to be said of a definition, and takes it among those that are served.</summary>
    async Task DefineAsync(Item item, CancellationToken ct)
    {
        var crd = (CustomResourceDefinition)item.Object;
        string name = item.Key;
        if (crd.Metadata.DeletionTimestamp is not null)
        {
            Note(name, crd);
            Use(item, crd);
            await ServeAsync(ct).ConfigureAwait(false);
            if (crd.Metadata.Finalizers.Contains(DefinitionStatus.Finalizer)) End(name, crd, ct);
            return;
        }
        var next = Next(name, crd);
        if (next != crd.Status)
        {
            // Served before it is said to be, so that whoever waits for the condition can use it at once.
            if (next.Conditions.Exists(c => c is { Type: "Established", Status: "True" }) && !_served.ContainsKey(name))
            {
                var early = Item.Unstored(crd with { Status = next }, name);
                Use(early, crd with { Status = next });
                await ServeAsync(ct).ConfigureAwait(false);
            }
            try
            {
                var (written, _) = await _stored.UpdateAsync(Write(name),
                    old => { var was = (CustomResourceDefinition)old!; return was with { Status = Next(name, was) }; }, unconditional: true, ct).ConfigureAwait(false);
                (item, crd) = (written, (CustomResourceDefinition)written.Object);
            }
            catch (StatusException e) when (e.Code == 404) { return; } // its deletion is the next event
        }
        Note(name, crd);
        Use(item, crd);
    }

    CustomResourceDefinitionStatus Next(string name, CustomResourceDefinition crd)
    {
        var (resources, kinds) = (new HashSet<string>(), new HashSet<string>());
        foreach (var (other, (group, names, _)) in _names)
        {
            if (other == name || group != crd.Spec.Group) continue;
            resources.UnionWith([names.Plural, names.Singular, .. names.ShortNames]);
            kinds.UnionWith([names.Kind, names.ListKind]);
        }
        return DefinitionStatus.Next(crd, resources, kinds, time.GetUtcNow());
    }

    void Use(Item item, CustomResourceDefinition crd)
    {
        if (!DefinitionStatus.IsTrue(crd, "Established") || crd.Spec.Versions.Count(v => v.Storage) != 1) return;
        if (_served.TryGetValue(item.Key, out var known) && known.Fits(crd)) known.Source.Renew(item);
        else _served[item.Key] = catalog.Make(item);
    }

    async Task ServeAsync(CancellationToken ct)
    {
        var before = catalog.Custom;
        if (before.Length == _served.Count && before.All(b => _served.GetValueOrDefault(b.Name) == b)) return;
        catalog.Serve([.. _served.Values.OrderBy(c => c.Name, StringComparer.Ordinal)]);
        foreach (var old in before)
            if (_served.GetValueOrDefault(old.Name) != old) await RetireAsync(old, ct).ConfigureAwait(false);
    }

    /// <summary>Requests that are under way end as they began; whoever watches begins anew. Of a definition that changes again and again one old storage is kept.</summary>
    async Task RetireAsync(CustomResource old, CancellationToken ct)
    {
        old.Stored.Cache.EndWatchers();
        if (_retired.Remove(old.Name, out var before))
        {
            await before.Now.CancelAsync().ConfigureAwait(false);
            await before.Gone.ConfigureAwait(false);
            before.Now.Dispose();
        }
        var now = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _retired[old.Name] = (now, GoneAsync(old, now.Token));
    }

    async Task GoneAsync(CustomResource old, CancellationToken ct)
    {
        await Task.Delay(s_underWay, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await old.DisposeAsync().ConfigureAwait(false);
    }

    static WriteRequest Write(string name) =>
        new() { Resource = s_info, Namespace = "", Name = name, Subresource = "status", Admitted = true, User = s_self, Warnings = new List<string>() };

    /// <summary>At most one task per definition clears up.</summary>
    void End(string name, CustomResourceDefinition crd, CancellationToken ct)
    {
        if (_ending.TryGetValue(name, out var running) && !running.IsCompleted) return;
        _ending[name] = Task.Run(() => new InstanceCleanup(_stored, catalog, time).RunAsync(crd, ct), CancellationToken.None);
    }
}
