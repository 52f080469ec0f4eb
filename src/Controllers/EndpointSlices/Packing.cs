using Hanbae.Api;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>Puts endpoints into slices so that as few as may be change.</summary>
/// <remarks>
/// As upstream: an endpoint stays in the slice it is in; new ones go first to slices that change anyway, what is left into one that has room
/// for all of it, or else into new ones: to fill up many would make each watcher read many.
/// </remarks>
/// <param name="most">Endpoints in a slice.</param>
sealed class Packing(int most)
{
    public List<EndpointSlice> Create { get; } = [];
    public List<EndpointSlice> Update { get; } = [];
    public List<EndpointSlice> Delete { get; } = [];
    /// <summary>An endpoint keeps the hints that it has: somebody else decides about them.</summary>
    public bool KeepsHints { get; init; }
    /// <summary>Annotations are those of the form and no others; otherwise others may write some.</summary>
    public bool SetsAnnotations { get; init; }

    /// <param name="form">What every slice has: metadata, type of address, ports.</param>
    /// <param name="slices">Those of the same form that there are.</param>
    public void Add(EndpointSlice form, List<Endpoint> desired, List<EndpointSlice> slices)
    {
        var wanted = desired.ToDictionary(Identity);
        var kept = new List<Endpoint>[slices.Count];
        for (int i = 0; i < kept.Length; i++)
        {
            kept[i] = [];
            foreach (var endpoint in slices[i].Endpoints)
                if (wanted.Remove(Identity(endpoint), out var now)) kept[i].Add(KeepsHints && now.Hints is null && endpoint.Hints is { } hints ? now with { Hints = hints } : now);
        }
        var added = new Queue<Endpoint>(desired.Where(e => wanted.ContainsKey(Identity(e))));
        var changes = Enumerable.Range(0, kept.Length).ToLookup(i => slices[i].Metadata.Labels != form.Metadata.Labels || !kept[i].ToSeq().Equals(slices[i].Endpoints));
        // Not into those that would become empty: they go, unless they are needed.
        foreach (int i in changes[true].Where(i => kept[i].Count > 0).OrderByDescending(i => kept[i].Count))
            while (added.Count > 0 && kept[i].Count < most) kept[i].Add(added.Dequeue());
        var chunks = new List<List<Endpoint>>();
        var unchanged = changes[false].ToHashSet();
        while (added.Count > 0)
        {
            int fit = added.Count < most ? unchanged.Where(i => kept[i].Count + added.Count <= most).OrderByDescending(i => kept[i].Count).FirstOrDefault(-1) : -1;
            if (fit < 0) chunks.Add([]);
            else unchanged.Remove(fit);
            var fill = fit < 0 ? chunks[^1] : kept[fit];
            while (added.Count > 0 && fill.Count < most) fill.Add(added.Dequeue());
        }
        bool any = chunks.Count > 0;
        for (int i = 0; i < kept.Length; i++)
        {
            if (kept[i].Count == 0 && (desired.Count > 0 || any)) { Delete.Add(slices[i]); continue; }
            any = true;
            var metadata = slices[i].Metadata with { Labels = form.Metadata.Labels };
            if (SetsAnnotations) metadata = metadata with { Annotations = form.Metadata.Annotations };
            var next = slices[i] with { Endpoints = kept[i].ToSeq(), Metadata = metadata };
            if (!next.Equals(slices[i])) Update.Add(next);
        }
        if (!any) chunks.Add([]);
        Create.AddRange(chunks.Select(c => form with { Endpoints = c.ToSeq() }));
    }

    /// <summary>The same, with the time since which it ought to be so on all that is written.</summary>
    public Packing Marked(DateTimeOffset? since)
    {
        var marked = new Packing(most) { KeepsHints = KeepsHints, SetsAnnotations = SetsAnnotations };
        marked.Create.AddRange(Create.Select(s => s with { Metadata = ChangeTimes.Mark(s.Metadata, since) }));
        marked.Update.AddRange(Update.Select(s => s with { Metadata = ChangeTimes.Mark(s.Metadata, since) }));
        marked.Delete.AddRange(Delete);
        return marked;
    }

    /// <summary>Slices that would go take the place of such as would come: less happens, and nobody sees neither.</summary>
    /// <param name="owner">Slices of another, of an older one with the same name, are the garbage collector's already.</param>
    public void Recycle(string owner)
    {
        for (int i = Delete.Count - 1; i >= 0; i--)
        {
            var old = Delete[i];
            int at = Create.FindLastIndex(c => c.AddressType == old.AddressType);
            if (at < 0 || !old.Metadata.OwnerReferences.Exists(o => o.Uid == owner)) continue;
            var next = Create[at];
            Update.Add(next with { Metadata = old.Metadata with { Labels = next.Metadata.Labels, Annotations = SetsAnnotations ? next.Metadata.Annotations : old.Metadata.Annotations } });
            Create.RemoveAt(at);
            Delete.RemoveAt(i);
        }
    }

    static string Identity(Endpoint endpoint) => endpoint.TargetRef?.Uid + " " + string.Join(' ', endpoint.Addresses);
}
