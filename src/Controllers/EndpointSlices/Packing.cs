using Hanbae.Api;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>Puts endpoints into slices so that as few as may be change.</summary>
/// <remarks>An endpoint stays in the slice it is in; new ones go first to slices that change anyway, then to those with room.</remarks>
/// <param name="most">Endpoints in a slice.</param>
sealed class Packing(int most)
{
    public List<EndpointSlice> Create { get; } = [];
    public List<EndpointSlice> Update { get; } = [];
    public List<EndpointSlice> Delete { get; } = [];
    /// <summary>An endpoint keeps the hints that it has: somebody else decides about them.</summary>
    public bool KeepsHints { get; init; }

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
        bool Changes(int i) => !kept[i].ToSeq().Equals(slices[i].Endpoints);
        // Not into slices that would become empty: those go, unless they are needed.
        foreach (int i in Enumerable.Range(0, kept.Length).OrderBy(i => Changes(i) ? 0 : 1).ThenByDescending(i => kept[i].Count).ToList())
            while (added.Count > 0 && kept[i].Count < most) kept[i].Add(added.Dequeue());
        bool any = false;
        for (int i = 0; i < kept.Length; i++)
        {
            if (kept[i].Count == 0 && (desired.Count > 0 || any)) { Delete.Add(slices[i]); continue; }
            any = true;
            var metadata = slices[i].Metadata with { Labels = form.Metadata.Labels };
            // Where the form has nothing to say, others may.
            if (!form.Metadata.Annotations.IsEmpty) metadata = metadata with { Annotations = form.Metadata.Annotations };
            var next = slices[i] with { Endpoints = kept[i].ToSeq(), Metadata = metadata };
            if (!next.Equals(slices[i])) Update.Add(next);
        }
        while (added.Count > 0 || !any)
        {
            any = true;
            var chunk = new List<Endpoint>();
            while (added.Count > 0 && chunk.Count < most) chunk.Add(added.Dequeue());
            Create.Add(form with { Endpoints = chunk.ToSeq() });
        }
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
            Update.Add(next with { Metadata = old.Metadata with { Labels = next.Metadata.Labels, Annotations = next.Metadata.Annotations.IsEmpty ? old.Metadata.Annotations : next.Metadata.Annotations } });
            Create.RemoveAt(at);
            Delete.RemoveAt(i);
        }
    }

    static string Identity(Endpoint endpoint) => endpoint.TargetRef?.Uid + " " + string.Join(' ', endpoint.Addresses);
}
