namespace Hanbae.Server.Registry.Services;

/// <summary>The ports that nodes open for Services. As upstream, a port is one Service's whatever the protocol.</summary>
sealed class NodePortPool(int first, int last)
{
    readonly Pool _pool = new((uint)(last - first + 1), AddressPool.Preferred((uint)(last - first + 1), 32, 128));

    /// <returns>Null when it is taken, else what is wrong with it.</returns>
    public string? Take(int port, string owner)
    {
        if (port < first || port > last) return $"provided port is not in the valid range. The range of valid ports is {first}-{last}";
        return _pool.Take((uint)(port - first), owner) ? null : "provided port is already allocated";
    }

    public int? TakeAny(string owner) => _pool.TakeAny(owner) is { } offset ? first + (int)offset : null;

    public void Release(int port, string owner)
    {
        if (port >= first && port <= last) _pool.Release((uint)(port - first), owner);
    }

    public void Clear() => _pool.Clear();
}
