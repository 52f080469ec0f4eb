namespace Hanbae.Kubelet.Placement.Cpus;

/// <summary>How the static policy chooses CPUs; names are upstream's <c>cpuManagerPolicyOptions</c>.</summary>
sealed record CpuPolicyOptions
{
    /// <summary>Nothing less than whole cores is given away.</summary>
    public bool FullCores { get; init; }
    /// <summary>What does not fit on one NUMA node lies evenly on several (KEP-2902).</summary>
    public bool AcrossNodes { get; init; }
    public bool AlignBySocket { get; init; }
    /// <summary>One thread of each core before the second of any (KEP-4176).</summary>
    public bool AcrossCores { get; init; }
    /// <summary>Nobody but the system runs on reserved CPUs (KEP-4540).</summary>
    public bool StrictReservation { get; init; }
    /// <summary>Within one last-level cache if possible (KEP-4800).</summary>
    public bool AlignByUncore { get; init; }

    /// <exception cref="PlacementSettingsException"/>
    public static CpuPolicyOptions Of(Map<string> given, Topology topology, TopologyPolicy policy)
    {
        var options = new CpuPolicyOptions();
        foreach (var (name, value) in given)
            options = name switch
            {
                "full-pcpus-only" => options with { FullCores = PlacementSettingsException.Bool(name, value) },
                "distribute-cpus-across-numa" => options with { AcrossNodes = PlacementSettingsException.Bool(name, value) },
                "align-by-socket" => options with { AlignBySocket = PlacementSettingsException.Bool(name, value) },
                "distribute-cpus-across-cores" => options with { AcrossCores = PlacementSettingsException.Bool(name, value) },
                "strict-cpu-reservation" => options with { StrictReservation = PlacementSettingsException.Bool(name, value) },
                "prefer-align-cpus-by-uncorecache" => options with { AlignByUncore = PlacementSettingsException.Bool(name, value) },
                _ => throw new PlacementSettingsException($"unsupported cpumanager option: \"{name}\" ({value})"),
            };
        foreach (var (one, other, both) in (ReadOnlySpan<(string, string, bool)>)
        [
            ("full-pcpus-only", "distribute-cpus-across-cores", options.FullCores && options.AcrossCores),
            ("distribute-cpus-across-numa", "distribute-cpus-across-cores", options.AcrossNodes && options.AcrossCores),
            ("prefer-align-cpus-by-uncorecache", "distribute-cpus-across-cores", options.AlignByUncore && options.AcrossCores),
            ("prefer-align-cpus-by-uncorecache", "distribute-cpus-across-numa", options.AlignByUncore && options.AcrossNodes),
        ])
            if (both) throw new PlacementSettingsException($"static policy options {one} and {other} can not be used at the same time");
        if (options.AlignBySocket && policy.Name == TopologyPolicy.SingleNode)
            throw new PlacementSettingsException($"Topology manager {TopologyPolicy.SingleNode} policy is incompatible with CPUManager align-by-socket policy option");
        if (options.AlignBySocket && topology.Sockets > topology.Nodes.Length)
            throw new PlacementSettingsException("Align by socket is not compatible with hardware where number of sockets are more than number of NUMA");
        return options;
    }
}
