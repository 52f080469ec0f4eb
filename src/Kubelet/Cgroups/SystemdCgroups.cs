namespace Hanbae.Kubelet.Cgroups;

/// <summary>The driver <c>systemd</c>: cgroups are slices that systemd makes; what it has no words for is written to the kernel's files, as runtimes do.</summary>
sealed class SystemdCgroups(CgroupTree tree, SystemdUnits units) : ICgroupDriver
{
    const ulong Infinite = ulong.MaxValue;

    public async Task EnsureAsync(string path, CgroupLimits limits, CancellationToken ct)
    {
        string slice = CgroupNames.Slice(path), folder = CgroupNames.Slices(path);
        var properties = Properties(limits);
        // systemd forgets a slice that it thinks is empty when it is told to; the folder alone does not tell that it knows of it.
        if (!await units.StartAsync(slice, [("Description", $"Pods of Hanbae, {path}"), ("DefaultDependencies", false), .. Accounting(), .. properties], ct).ConfigureAwait(false))
            await units.SetAsync(slice, properties, ct).ConfigureAwait(false);
        tree.Make(folder);
        tree.Write(folder, limits);
    }

    public async Task<bool> RemoveAsync(string path, CancellationToken ct)
    {
        await units.StopAsync(CgroupNames.Slice(path), ct).ConfigureAwait(false);
        return tree.Remove(CgroupNames.Slices(path));
    }

    public bool Exists(string path) => tree.Exists(CgroupNames.Slices(path));

    public IReadOnlySet<string> Children(string path)
    {
        string prefix = CgroupNames.Slice(path)[..^".slice".Length] + "-";
        return tree.Children(CgroupNames.Slices(path)).Where(n => n.StartsWith(prefix, StringComparison.Ordinal) && n.EndsWith(".slice", StringComparison.Ordinal))
            .Select(n => n[prefix.Length..^".slice".Length]).ToHashSet();
    }

    /// <summary>What has systemd give the slice its controllers.</summary>
    IEnumerable<(string, object)> Accounting() =>
        [("CPUAccounting", true), ("MemoryAccounting", true), ("TasksAccounting", true), (tree.V2 ? "IOAccounting" : "BlockIOAccounting", true)];

    List<(string, object)> Properties(CgroupLimits limits)
    {
        var all = new List<(string, object)>();
        if (limits.Shares is { } shares) all.Add(tree.V2 ? ("CPUWeight", (ulong)CgroupLimits.Weight(shares)) : ("CPUShares", (ulong)shares));
        if (limits.Quota is { } quota)
        {
            // Rounded up to hundredths of a processor, or systemd rounds it down.
            const long step = 10_000;
            all.Add(("CPUQuotaPerSecUSec", quota == CgroupLimits.None ? Infinite : (ulong)((quota * 1_000_000 / limits.Period + step - 1) / step * step)));
            if (tree.V2) all.Add(("CPUQuotaPeriodUSec", (ulong)limits.Period));
        }
        Add(tree.V2 ? "MemoryMax" : "MemoryLimit", limits.Memory);
        if (tree.V2)
        {
            Add("MemoryMin", limits.MemoryMin);
            Add("MemoryLow", limits.MemoryLow);
        }
        Add("TasksMax", limits.Pids);
        return all;

        void Add(string name, long? value) { if (value is { } v) all.Add((name, v == CgroupLimits.None ? Infinite : (ulong)v)); }
    }

    public ValueTask DisposeAsync() => units.DisposeAsync();
}
