namespace Hanbae.Kubelet.Placement.Cpus;

/// <summary>Takes CPUs off a machine so that they lie as near to each other, and leave as much whole, as can be.</summary>
/// <remarks>
/// In upstream's order, so that the same machine gives the same CPUs: whole NUMA nodes and sockets (the greater of both first), whole cores, single
/// threads; of each the one with the least left before others, then the lowest number.
/// </remarks>
sealed class CpuTake
{
    readonly Topology _machine;
    readonly bool _nodesAboveSockets;
    List<Cpu> _free;

    public CpuTake(Topology machine, CpuSet available, int count)
    {
        _machine = machine;
        _free = [.. machine.Cpus.Where(c => available.Contains(c.Id))];
        _nodesAboveSockets = machine.Sockets >= machine.CpuNodes.Length;
        Needed = count;
    }

    public CpuSet Taken { get; private set; } = CpuSet.Empty;
    public int Needed { get; private set; }
    public int Free => _free.Count;

    /// <summary>As near to each other as can be.</summary>
    /// <exception cref="NotEnoughCpusException"/>
    public static CpuSet Packed(Topology machine, CpuSet available, int count, bool acrossCores = false, bool byUncore = false)
    {
        var take = new CpuTake(machine, available, count);
        if (take.Needed < 1) return take.Taken;
        if (take.Needed > take.Free) throw new NotEnoughCpusException(count, available.Count);
        Action[] steps =
        [
            take._nodesAboveSockets ? take.WholeNodes : take.WholeSockets, take._nodesAboveSockets ? take.WholeSockets : take.WholeNodes,
            byUncore ? take.Uncores : () => { }, acrossCores ? () => { } : take.WholeCores, () => take.Threads(acrossCores),
        ];
        foreach (var step in steps)
        {
            step();
            if (take.Needed < 1) return take.Taken;
        }
        throw new InvalidOperationException("failed to allocate cpus");
    }

    public void Take(CpuSet cpus)
    {
        Taken = Taken.Union(cpus);
        _free = [.. _free.Where(c => !cpus.Contains(c.Id))];
        Needed -= cpus.Count;
    }

    public CpuSet FreeIn(int node) => Ids(_free.Where(c => c.Node == node));

    /// <summary>The nodes with free CPUs, in the order in which they are taken from.</summary>
    public IEnumerable<int> NodeOrder => _nodesAboveSockets ? Fewest(_free, c => c.Node) : SocketOrder.SelectMany(s => Fewest(_free.Where(c => c.Socket == s), c => c.Node)).Distinct();

    IEnumerable<int> SocketOrder => _nodesAboveSockets ? NodeOrder.SelectMany(n => Fewest(_free.Where(c => c.Node == n), c => c.Socket)).Distinct() : Fewest(_free, c => c.Socket);

    IEnumerable<int> CoreOrder => _nodesAboveSockets
        ? SocketOrder.SelectMany(s => Fewest(_free.Where(c => c.Socket == s), c => c.Core))
        : NodeOrder.SelectMany(n => Fewest(_free.Where(c => c.Node == n), c => c.Core));

    IEnumerable<int> UncoreOrder => NodeOrder.SelectMany(n => Fewest(_free.Where(c => c.Node == n), c => c.Uncore)).Distinct();

    /// <summary>What these CPUs belong to: that with the fewest free CPUs first.</summary>
    IEnumerable<int> Fewest(IEnumerable<Cpu> among, Func<Cpu, int> of) => among.Select(of).Distinct().OrderBy(id => _free.Count(c => of(c) == id)).ThenBy(id => id).ToArray();

    void WholeNodes() => Whole(NodeOrder, c => c.Node, null);

    void WholeSockets() => Whole(SocketOrder, c => c.Socket, _machine.CpusPerSocket);

    void WholeCores() => Whole(CoreOrder, c => c.Core, _machine.CpusPerCore);

    /// <param name="size">What counts as whole; null for as many as it has. Upstream takes the mean of the machine for sockets and cores.</param>
    void Whole(IEnumerable<int> order, Func<Cpu, int> of, int? size)
    {
        int[] whole = [.. order.Where(id => _free.Count(c => of(c) == id) == (size ?? _machine.Cpus.Count(c => of(c) == id)))];
        foreach (int id in whole)
        {
            var cpus = Ids(_machine.Cpus.Where(c => of(c) == id));
            if (Needed >= cpus.Count) Take(cpus);
        }
    }

    void Threads(bool acrossCores)
    {
        int[] order = acrossCores
            ? [.. SocketOrder.SelectMany(s => _free.Where(c => c.Socket == s).Select(c => c.Id).Order())]
            : [.. CoreOrder.SelectMany(core => _free.Where(c => c.Core == core).Select(c => c.Id).Order())];
        foreach (int id in order)
        {
            if (Needed < 1) return;
            Take(CpuSet.Of(id));
        }
    }

    void Uncores()
    {
        foreach (int uncore in UncoreOrder.ToArray())
        {
            if (Needed >= _machine.CpusPerUncore) Whole(UncoreOrder, c => c.Uncore, null);
            if (Needed < 1) return;
            PartOf(uncore);
            if (Needed < 1) return;
        }
    }

    /// <summary>All that is needed from the lowest free cores of one cache, if it has that much.</summary>
    void PartOf(int uncore)
    {
        int perCore = _machine.CpusPerCore, cores = (Needed + perCore - 1) / perCore;
        var chosen = _free.Where(c => c.Uncore == uncore).Select(c => c.Core).Distinct().Order().Take(cores).ToHashSet();
        int[] cpus = [.. _free.Where(c => chosen.Contains(c.Core)).Select(c => c.Id).Order()];
        if (Needed % 2 != 0 && perCore > 1 && cpus.Length > Needed) cpus = cpus[..^1];
        if (cpus.Length == Needed) Take(CpuSet.Of(cpus));
    }

    static CpuSet Ids(IEnumerable<Cpu> cpus) => CpuSet.Of(cpus.Select(c => c.Id));
}

/// <summary>There are not as many CPUs left, in upstream's words.</summary>
sealed class NotEnoughCpusException(int requested, int available) : Exception($"not enough cpus available to satisfy request: requested={requested}, available={available}");
