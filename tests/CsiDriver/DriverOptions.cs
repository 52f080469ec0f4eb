namespace Hanbae.CsiDriver;

/// <summary>How the driver behaves: tests choose.</summary>
public sealed record DriverOptions
{
    public required string Name { get; init; }
    public required string NodeId { get; init; }
    /// <summary>Where volumes and snapshots are kept.</summary>
    public required string State { get; init; }
    public bool Stages { get; init; } = true;
    public bool Attaches { get; init; }
    public bool HasController { get; init; } = true;
    /// <summary>Gives volumes to the group itself, in place of the kubelet.</summary>
    public bool MountsGroup { get; init; }
    public bool TellsWritersApart { get; init; }
    public long MaxVolumes { get; init; }
    /// <summary>Of all volumes together, for GetCapacity.</summary>
    public long Capacity { get; init; } = 1L << 40;
    /// <summary>Mounts for real; otherwise targets are plain folders.</summary>
    public bool Mounts { get; init; } = true;
    public string TopologyKey => "topology." + Name + "/node";
}
