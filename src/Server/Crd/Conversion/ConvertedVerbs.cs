using Hanbae.Api;
using Hanbae.Server.Apply;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd.Served;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.Crd.Conversion;

/// <summary>Answers for a version that a webhook makes from the stored one: everything is converted before it is stored and before it is answered.</summary>
/// <remarks>The cache is of the stored version; what was converted is kept beside it, so that an object is converted once per version of it, not per reader.</remarks>
/// <param name="stored">The same resource in the version that is stored.</param>
sealed class ConvertedVerbs(Resource resource, Resource stored, ConversionWebhook webhook)
{
    CustomKind Kind => (CustomKind)resource.Info.Kind;

    public async ValueTask<Reply> HandleAsync(RequestContext request, ServerOptions options, CancellationToken ct) => request.Info.Verb switch
    {
        "get" => new ItemReply(200, resource, await ViewAsync(await Reads.GetAsync(request, stored, ct).ConfigureAwait(false), ct).ConfigureAwait(false)),
        "list" => new ListReply(resource, await ListAsync(ListTerms.Of(request, resource, watch: false), ct).ConfigureAwait(false)),
        "watch" => await WatchAsync(ListTerms.Of(request, resource, watch: true), options, ct).ConfigureAwait(false),
        "create" => await CreateAsync(request, ct).ConfigureAwait(false),
        "update" => await UpdateAsync(request, ct).ConfigureAwait(false),
        "patch" => await PatchAsync(request, ct).ConfigureAwait(false),
        "delete" => await ViewAsync(await Writes.DeleteAsync(request, stored, ct).ConfigureAwait(false), ct).ConfigureAwait(false),
        _ => await DeleteCollectionAsync(request, ct).ConfigureAwait(false),
    };

    /// <summary>What the version's own fields are asked of can only be told of what was converted; the rest of a selection is the cache's.</summary>
    static (ListTerms Stored, FieldSelector Own) Split(ListTerms terms)
    {
        static bool IsOwn(FieldTerm term) => !term.Field.StartsWith("metadata.", StringComparison.Ordinal);
        var filter = terms.Filter;
        var own = FieldSelector.Of([.. filter.Fields.Terms.Where(IsOwn)]);
        return own.IsEmpty ? (terms, own) : (terms with { Filter = filter.With(FieldSelector.Of([.. filter.Fields.Terms.Where(t => !IsOwn(t))])) }, own);
    }

    bool Matches(Item item, FieldSelector own) => own.Terms.All(t => stored.Stored.Strategy.Field(item.Object, t.Field) == t.Value == t.Equal);

    async ValueTask<Listing> ListAsync(ListTerms terms, CancellationToken ct)
    {
        var (rest, own) = Split(terms);
        var listing = await Reads.ListAsync(stored, rest, ct).ConfigureAwait(false);
        var items = await ViewAsync(listing.Items, ct).ConfigureAwait(false);
        if (own.IsEmpty) return listing with { Items = items };
        var found = items.FindAll(i => Matches(i, own));
        // A page is full or the last; what the next one asks for is never more than it still lacks, so that none is left over.
        while (terms.Limit > 0 && found.Count < terms.Limit && listing.Continue.Length > 0)
        {
            listing = await Reads.ListAsync(stored, rest with { Limit = terms.Limit - found.Count, Continue = listing.Continue, ResourceVersion = "", Match = "" }, ct).ConfigureAwait(false);
            found.AddRange((await ViewAsync(listing.Items, ct).ConfigureAwait(false)).Where(i => Matches(i, own)));
        }
        return listing with { Items = found, Remaining = null };
    }

    async ValueTask<Reply> DeleteCollectionAsync(RequestContext request, CancellationToken ct)
    {
        // The version that was asked through decides what goes; it goes as what it is stored as.
        var reply = (ListReply)await Writes.DeleteCollectionAsync(request, stored, token => ListAsync(ListTerms.Of(request, resource, watch: false), token), ct).ConfigureAwait(false);
        return new ListReply(resource, reply.Listing);
    }

    async ValueTask<Reply> WatchAsync(ListTerms terms, ServerOptions options, CancellationToken ct)
    {
        var (rest, own) = Split(terms);
        return Relay((WatchReply)await Watches.WatchAsync(stored, rest, options, ct).ConfigureAwait(false), own);
    }

    async ValueTask<Reply> ViewAsync(Reply reply, CancellationToken ct) => reply switch
    {
        ItemReply item => item with { Resource = resource, Item = await ViewAsync(item.Item, ct).ConfigureAwait(false) },
        _ => reply,
    };

    async ValueTask<Item> ViewAsync(Item item, CancellationToken ct) => (await ViewAsync([item], ct).ConfigureAwait(false))[0];

    async ValueTask<List<Item>> ViewAsync(IReadOnlyList<Item> items, CancellationToken ct)
    {
        var missing = items.Where(i => !i.IsKnownAs(Kind)).ToArray();
        var converted = await webhook.ConvertAsync([.. missing.Select(i => (Unstructured)i.Object)], Kind, ct).ConfigureAwait(false);
        for (int i = 0; i < missing.Length; i++)
        {
            var obj = converted[i];
            missing[i].As(Kind, (_, _) => obj);
        }
        return [.. items.Select(i => i.As(Kind, static (_, _) => throw new InvalidOperationException("converted above")))];
    }

    async ValueTask<Unstructured> StoredAsync(Unstructured obj, CancellationToken ct) =>
        (Unstructured)stored.Stored.Strategy.Default((await webhook.ConvertAsync([obj], (CustomKind)stored.Info.Kind, ct).ConfigureAwait(false))[0]);

    /// <summary>As the client's version demands it; as the stored one does, the strategy asks.</summary>
    void Check(Unstructured obj, Unstructured? old)
    {
        if (CustomRules.Check(obj, old, Kind) is { Count: > 0 } wrong) throw Statuses.Invalid(Kind.Gvk, obj.Metadata.Name, wrong);
    }

    async ValueTask<Unstructured> BodyAsync(RequestContext request, CancellationToken ct) =>
        await request.ReadObjectAsync(Kind, ct).ConfigureAwait(false) as Unstructured
        ?? throw Statuses.BadRequest($"the object provided is unrecognized (must be of type {Kind.Kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)");

    async ValueTask<Reply> CreateAsync(RequestContext request, CancellationToken ct)
    {
        var body = await BodyAsync(request, ct).ConfigureAwait(false);
        if (body.Metadata.Namespace.Length > 0 && body.Metadata.Namespace != request.Info.Namespace) throw Statuses.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        body = OwnerReferences.Once(body, request.Warnings, admitted: false);
        return new ItemReply(201, resource, await CreateAsync(request, (Unstructured)Tracked(request, null, body), ct).ConfigureAwait(false));
    }

    /// <param name="body">In the client's version, with the account of who owns what.</param>
    async ValueTask<Item> CreateAsync(RequestContext request, Unstructured body, CancellationToken ct)
    {
        Check(body, null);
        var item = await stored.Stored.CreateAsync(Writes.RequestOf(request, resource), await StoredAsync(body, ct).ConfigureAwait(false), ct).ConfigureAwait(false);
        return await ViewAsync(item, ct).ConfigureAwait(false);
    }

    async ValueTask<Reply> UpdateAsync(RequestContext request, CancellationToken ct)
    {
        var body = await BodyAsync(request, ct).ConfigureAwait(false);
        Writes.CheckName(body, request, resource);
        body = OwnerReferences.Once(body, request.Warnings, admitted: false);
        return new ItemReply(200, resource, await ChangeAsync(request, _ => body, ct, whole: true).ConfigureAwait(false));
    }

    async ValueTask<Reply> PatchAsync(RequestContext request, CancellationToken ct)
    {
        if (ApplyPatch.Is(request)) return await ApplyAsync(request, ct).ConfigureAwait(false);
        var patch = await Patches.ReadAsync(request, Kind.Schema, ct).ConfigureAwait(false);
        return new ItemReply(200, resource, await ChangeAsync(request, old => (Unstructured)Patches.Apply(request, Kind, old, patch), ct).ConfigureAwait(false));
    }

    async ValueTask<Reply> ApplyAsync(RequestContext request, CancellationToken ct)
    {
        var patch = await ApplyPatch.ReadAsync(request, stored.Stored.Time, ct).ConfigureAwait(false);
        patch.Check(Kind);
        Unstructured Applied(Unstructured? live) => (Unstructured)patch.Apply(live, patch.Applied, Kind, request.Info.Subresource, o => o);
        while (true)
            try
            {
                return new ItemReply(200, resource, await ChangeAsync(request, Applied, ct, applies: true).ConfigureAwait(false));
            }
            catch (StatusException e) when (e.Code == 404 && request.Info.Subresource.Length == 0)
            {
                // Nobody has it yet: what is applied is what is made, unless somebody else is faster.
                var fresh = Applied(null);
                Writes.CheckName(fresh, request, resource);
                if (request.MayAlso is { } may) await may("create").ConfigureAwait(false);
                try { return new ItemReply(201, resource, await CreateAsync(request, fresh, ct).ConfigureAwait(false)); }
                catch (StatusException taken) when (taken.Reason == "AlreadyExists") { }
            }
    }

    /// <summary>The account of who owns what is kept in the version that the client wrote in.</summary>
    /// <param name="live">In that version; null when there is none yet.</param>
    IObject Tracked(RequestContext request, Item? live, Unstructured obj) =>
        new FieldTracking(WriterNames.Of(request), Kind, request.Info.Subresource).Update(live, obj, stored.Stored.Time.GetUtcNow());

    /// <summary>The object in the client's version.</summary>
    public async ValueTask<Unstructured> GetAsync(RequestContext request, CancellationToken ct) =>
        (Unstructured)(await ViewAsync(await stored.Stored.GetAsync(request.Info.Namespace, request.Info.Name, ct).ConfigureAwait(false), ct).ConfigureAwait(false)).Object;

    /// <summary>Changes the object in the client's version, as often as somebody else comes first.</summary>
    /// <param name="whole">A PUT, which may have to say of which version it is.</param>
    /// <param name="applies">The change keeps the account of who owns what itself.</param>
    public async ValueTask<Item> ChangeAsync(RequestContext request, Func<Unstructured, Unstructured> change, CancellationToken ct, bool applies = false, bool whole = false)
    {
        var write = Writes.RequestOf(request, resource);
        while (true)
        {
            // The webhook is asked outside of the update, which is then for exactly the version that was converted.
            var current = await stored.Stored.GetAsync(write.Namespace, write.Name, ct).ConfigureAwait(false);
            var view = await ViewAsync(current, ct).ConfigureAwait(false);
            var old = (Unstructured)view.Object;
            var patched = change(old);
            Writes.CheckName(patched, request, resource);
            bool pinned = patched.Metadata.ResourceVersion != old.Metadata.ResourceVersion || whole;
            if (!applies) patched = (Unstructured)Tracked(request, view, patched);
            Check(patched, old);
            var obj = await StoredAsync(patched, ct).ConfigureAwait(false);
            try
            {
                var (item, _) = await stored.Stored.UpdateAsync(write, _ => obj, unconditional: !whole, ct).ConfigureAwait(false);
                return await ViewAsync(item, ct).ConfigureAwait(false);
            }
            catch (StatusException e) when (e.Reason == "Conflict" && !pinned) { }
        }
    }

    /// <summary>The watch of the stored version, converted on its way. Ends with an error when the webhook fails; clients then list again and see why.</summary>
    WatchReply Relay(WatchReply inner, FieldSelector own)
    {
        var from = inner.Watcher;
        var to = new Watcher(from.Filter, bookmarks: false, _ => from.Leave());
        _ = Task.Run(async () =>
        {
            try
            {
                var initial = await ViewAsync([.. from.Initial], CancellationToken.None).ConfigureAwait(false);
                foreach (var item in initial)
                    if (Matches(item, own)) to.Enqueue(new(EventType.Added, item, item.Revision));
                var events = new List<ItemEvent>();
                while (await from.TakeAsync(ref events).ConfigureAwait(false))
                {
                    var items = new Queue<Item>(await ViewAsync([.. events.SelectMany(e => Concerned(e, own))], CancellationToken.None).ConfigureAwait(false));
                    foreach (var e in events)
                        if (e.Item is null) to.Enqueue(e);
                        else if (Told(e, items.Dequeue(), !own.IsEmpty && e.Previous is not null ? items.Dequeue() : null, own) is { } told) to.Enqueue(told);
                }
                to.End(from.Error);
            }
            catch (StatusException e) { to.End(e.Status); }
            // A watch that no longer tells anything must end, whatever the reason.
            catch (Exception e) { to.End(Statuses.Internal(e.Message).Status); }
            finally { from.Leave(); }
        });
        return new(resource, to, inner.Terms);
    }

    /// <summary>What has to be converted to tell of an event: what was before counts only for a selection.</summary>
    static IEnumerable<Item> Concerned(ItemEvent e, FieldSelector own)
    {
        if (e.Item is not null) yield return e.Item;
        if (e is { Item: not null, Previous: not null } && !own.IsEmpty) yield return e.Previous;
    }

    /// <param name="previous">What a change replaced, where a selection is asked for.</param>
    /// <returns>Null when the selection is not concerned.</returns>
    ItemEvent? Told(ItemEvent e, Item item, Item? previous, FieldSelector own)
    {
        if (own.IsEmpty) return e with { Item = item };
        bool now = e.Type != EventType.Deleted && Matches(item, own);
        bool before = e.Type != EventType.Added && Matches(previous ?? item, own);
        if (now) return new(before ? EventType.Modified : EventType.Added, item, e.Revision);
        return before ? new(EventType.Deleted, e.Type == EventType.Deleted ? item : previous!.At(e.Revision), e.Revision) : null;
    }
}
