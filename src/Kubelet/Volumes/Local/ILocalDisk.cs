namespace Hanbae.Kubelet.Volumes.Local;

/// <summary>Where a node keeps the volumes that are made on it.</summary>
public interface ILocalDisk
{
    /// <summary>Makes a volume's folder, unless it is there.</summary>
    /// <returns>Its path on the node.</returns>
    /// <exception cref="IOException"/>
    string Make(string volume);

    /// <summary>Removes a volume with all that is in it; one that is gone is removed already.</summary>
    /// <param name="path">Where the volume says it is: nothing else is ever removed.</param>
    /// <exception cref="IOException">It is not one of ours, or is still in use.</exception>
    void Remove(string volume, string path);
}

/// <summary>Stands for the disks of nodes that exist in the API only.</summary>
public sealed class SimulatedDisk : ILocalDisk
{
    public string Make(string volume) => "/simulated/" + volume;

    public void Remove(string volume, string path) { }
}
