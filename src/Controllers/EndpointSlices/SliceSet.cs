using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>The slices of a Service for one family of addresses as they are to be, while hints are put in: those that change anyway first.</summary>
sealed class SliceSet(List<EndpointSlice> create, List<EndpointSlice> update, List<EndpointSlice> unchanged)
{
    public List<EndpointSlice> Create => create;
    public List<EndpointSlice> Update => update;
    /// <summary>Stay as they are, unless their hints do not.</summary>
    public List<EndpointSlice> Unchanged => unchanged;

    public static bool IsReady(Endpoint endpoint) => endpoint.Conditions.Ready == true;

    public int Ready => create.Concat(update).Concat(unchanged).Sum(s => s.Endpoints.Count(IsReady));

    /// <summary>Gives every endpoint the hints that it should have.</summary>
    public void Set(Func<Endpoint, EndpointHints?> hints)
    {
        for (int i = 0; i < create.Count; i++) create[i] = With(create[i], hints);
        for (int i = 0; i < update.Count; i++) update[i] = With(update[i], hints);
        for (int i = unchanged.Count - 1; i >= 0; i--)
            if (With(unchanged[i], hints) is var next && next != unchanged[i])
            {
                update.Add(next);
                unchanged.RemoveAt(i);
            }
    }

    static EndpointSlice With(EndpointSlice slice, Func<Endpoint, EndpointHints?> hints)
    {
        bool same = true;
        foreach (var endpoint in slice.Endpoints) same &= Equals(endpoint.Hints, hints(endpoint));
        return same ? slice : slice with { Endpoints = [.. slice.Endpoints.Select(e => e with { Hints = hints(e) })] };
    }

    public void Clear() => Set(static _ => null);
}
