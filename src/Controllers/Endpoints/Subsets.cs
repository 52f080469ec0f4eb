using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Endpoints;

/// <summary>The usual form of what Endpoints say: ports that the same addresses answer for, as ready, stand together, and each address once.</summary>
static class Subsets
{
    /// <summary>Of a subset without ports its addresses count all the same.</summary>
    static readonly EndpointPort s_none = new() { Port = -1 };

    /// <remarks>As upstream: an address is one with its uid, is as it is said first, and is not ready where that is said anywhere for the port.</remarks>
    public static Seq<EndpointSubset> Repack(IEnumerable<EndpointSubset> subsets)
    {
        var known = new Dictionary<(string Ip, string Uid), EndpointAddress>();
        var byPort = new OrderedDictionary<EndpointPort, SortedDictionary<(string Ip, string Uid), bool>>();
        foreach (var subset in subsets)
            foreach (var port in subset.Ports.IsEmpty ? [s_none] : subset.Ports.AsEnumerable())
                foreach (var (address, ready) in subset.Addresses.Select(a => (a, true)).Concat(subset.NotReadyAddresses.Select(a => (a, false))))
                {
                    var key = (address.Ip, address.TargetRef?.Uid ?? "");
                    known.TryAdd(key, address);
                    if (!byPort.TryGetValue(port, out var answering)) byPort.Add(port, answering = new(ByIp));
                    answering[key] = ready && (!answering.TryGetValue(key, out bool before) || before);
                }
        return [.. byPort.GroupBy(p => string.Join(' ', p.Value.Select(a => $"{a.Key.Ip}/{a.Key.Uid}/{a.Value}"))).Select(group => new EndpointSubset
        {
            Addresses = [.. group.First().Value.Where(a => a.Value).Select(a => known[a.Key])],
            NotReadyAddresses = [.. group.First().Value.Where(a => !a.Value).Select(a => known[a.Key])],
            Ports = [.. group.Select(p => p.Key).Where(p => p != s_none)],
        })];
    }

    static Comparer<(string Ip, string Uid)> ByIp { get; } =
        Comparer<(string Ip, string Uid)>.Create(static (a, b) => string.CompareOrdinal(a.Ip, b.Ip) is not 0 and var order ? order : string.CompareOrdinal(a.Uid, b.Uid));
}
