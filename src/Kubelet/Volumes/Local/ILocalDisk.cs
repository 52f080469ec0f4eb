namespace Hanbae.Kubelet.Volumes.Local;

/// <summary>Where a node keeps the volumes that are made on it.</summary>
public interface ILocalDisk
{
    /// <summary>Makes a volume, unless it is there.</summary>
    /// <param name="limit">What it may hold, in bytes; 0 for as much as the disk does.</param>
    /// <returns>Its path on the node.</returns>
    /// <exception cref="IOException"/>
    Task<string> MakeAsync(string volume, long limit, CancellationToken ct);

    /// <summary>Makes a volume with a limit larger; others need nothing.</summary>
    /// <exception cref="IOException"/>
    Task GrowAsync(string volume, long limit, CancellationToken ct);

    /// <summary>Removes a volume with all that is in it; one that is gone is removed already.</summary>
    /// <param name="path">Where the volume says it is: nothing else is ever removed.</param>
    /// <exception cref="IOException">It is not one of ours, or is still in use.</exception>
    Task RemoveAsync(string volume, string path, CancellationToken ct);
}

/// <summary>Stands for the disks of nodes that exist in the API only.</summary>
public sealed class SimulatedDisk : ILocalDisk
{
    public Task<string> MakeAsync(string volume, long limit, CancellationToken ct) => Task.FromResult("/simulated/" + volume);

    public Task GrowAsync(string volume, long limit, CancellationToken ct) => Task.CompletedTask;

    public Task RemoveAsync(string volume, string path, CancellationToken ct) => Task.CompletedTask;
}
