using System.Net;

namespace Hanbae.Server.Registry.Services;

/// <summary>All ranges that cluster IPs come from: the server's own first, then those of ServiceCIDRs (KEP-1880). An address is taken in every range that has it.</summary>
/// <remarks>Not thread-safe: the allocator's lock guards it.</remarks>
sealed class AddressRanges(IEnumerable<IPNetwork> own)
{
    readonly List<AddressPool> _pools = [.. own.Select(n => new AddressPool(n))];
    readonly int _own = own.Count();

    public IReadOnlyList<string> Families => [.. _pools.Take(_own).Select(p => p.Family)];

    /// <summary>Besides the server's own; what is taken has to be told anew.</summary>
    public void Set(IEnumerable<IPNetwork> more)
    {
        _pools.RemoveRange(_own, _pools.Count - _own);
        foreach (var network in more)
            if (!_pools.Exists(p => p.Network.Equals(network))) _pools.Add(new(network));
    }

    /// <returns>Null when it is taken, else what is wrong with it.</returns>
    public string? Take(IPAddress address, string owner)
    {
        string? wrong = null;
        var having = _pools.FindAll(p => p.Network.Contains(address));
        if (having.Count == 0) return _pools.Find(p => p.IsV6 == (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6))?.Take(address, owner) ?? "no range has it";
        for (int i = 0; i < having.Count && wrong is null; i++)
            if ((wrong = having[i].Take(address, owner)) is not null)
                for (int j = 0; j < i; j++) having[j].Release(address, owner);
        return wrong;
    }

    public IPAddress? TakeAny(string family, string owner)
    {
        foreach (var pool in _pools)
            if (pool.Family == family && pool.TakeAny(owner) is { } address)
            {
                foreach (var other in _pools) if (other != pool && other.Network.Contains(address)) other.Take(address, owner);
                return address;
            }
        return null;
    }

    public void Release(IPAddress address, string owner)
    {
        foreach (var pool in _pools) pool.Release(address, owner);
    }

    public void Clear()
    {
        foreach (var pool in _pools) pool.Clear();
    }
}
