namespace Hanbae.Kubelet.Cgroups;

/// <summary>Who makes the node's cgroups: the kubelet itself, by files, or systemd, asked to.</summary>
/// <remarks>Cgroups are called by their place in the kubelet's own tree, <c>/kubepods/burstable/pod…</c>; where that is on the machine is the driver's to say.</remarks>
interface ICgroupDriver : IAsyncDisposable
{
    /// <summary>Makes the cgroup, and those above it, if they are not there; brings the limits into force.</summary>
    /// <exception cref="IOException"/>
    Task EnsureAsync(string path, CgroupLimits limits, CancellationToken ct);

    /// <summary>Removes the cgroup with all beneath it.</summary>
    /// <returns>False while something still holds it.</returns>
    Task<bool> RemoveAsync(string path, CancellationToken ct);

    bool Exists(string path);

    /// <summary>The names of the cgroups directly beneath, as this kubelet calls them.</summary>
    IReadOnlySet<string> Children(string path);
}
