using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Eviction;

/// <summary>How much there is of what a node can run short of.</summary>
readonly record struct Observed(long Available, long Capacity)
{
    /// <summary>All signals by name; one that cannot be read is left out, and then no Pod goes because of it.</summary>
    public static Dictionary<string, Observed> All(string dataFolder, DiskLayout disks)
    {
        var all = new Dictionary<string, Observed>();
        if (MachineInfo.Memory("MemTotal") is > 0 and var total) all["memory.available"] = new(MachineInfo.Memory("MemAvailable"), total);
        Disk(DiskLayout.NodeFs, dataFolder);
        if (disks.Images.Length > 0) Disk(DiskLayout.ImageFs, disks.Images);
        if (disks.Containers.Length > 0) Disk(DiskLayout.ContainerFs, disks.Containers);
        var (now, max) = NodeFigures.Processes();
        if (max is > 0 and < int.MaxValue) all["pid.available"] = new(max - now, max);
        return all;

        void Disk(string name, string folder)
        {
            try
            {
                var (bytes, available, inodes, inodesFree) = Native.FileSystem(folder);
                all[name + ".available"] = new(available, bytes);
                if (inodes > 0) all[name + ".inodesFree"] = new(inodesFree, inodes); // some file systems have no fixed number
            }
            catch (IOException) { } // not there yet
        }
    }
}
