namespace Hanbae.Scheduler.Tallies;

/// <summary>How one label parts the nodes into domains (zones, racks, nodes), as columns by node.</summary>
internal sealed class Topology(string key)
{
    readonly Dictionary<string, int> _ids = [];
    readonly List<string> _names = [];
    int[] _domainOf = [];
    int[] _nodes = [];

    public string Key { get; } = key;
    /// <summary>Domains ever seen, those without nodes included.</summary>
    public int Domains => _names.Count;
    /// <summary>Nodes that have no such label.</summary>
    public int Outside { get; private set; }
    /// <summary>Domains that have nodes.</summary>
    public int Inhabited { get; private set; }

    public int this[NodeInfo node] => _domainOf[node.Index];
    public ReadOnlySpan<int> DomainOf => _domainOf;
    /// <summary>How many nodes each domain has.</summary>
    public ReadOnlySpan<int> Nodes => _nodes.AsSpan(0, _names.Count);
    public string Name(int domain) => _names[domain];

    public static int Without => -1;

    /// <summary>Puts a node that is not counted yet into the domain that its label names.</summary>
    public void Add(int node, string? value)
    {
        if (node >= _domainOf.Length) Array.Resize(ref _domainOf, Math.Max(64, (node + 1) * 2));
        if (value is null) { _domainOf[node] = Without; Outside++; return; }
        if (!_ids.TryGetValue(value, out int id))
        {
            _ids[value] = id = _names.Count;
            _names.Add(value);
            if (id >= _nodes.Length) Array.Resize(ref _nodes, Math.Max(16, (id + 1) * 2));
        }
        _domainOf[node] = id;
        if (_nodes[id]++ == 0) Inhabited++;
    }

    public void Remove(int node)
    {
        int id = _domainOf[node];
        _domainOf[node] = Without;
        if (id == Without) { Outside--; return; }
        if (--_nodes[id] == 0) Inhabited--;
    }
}
