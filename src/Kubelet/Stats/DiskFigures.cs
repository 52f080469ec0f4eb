using System.Globalization;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Stats;

/// <summary>A file system of the node with what its block device has done since the machine started; times in milliseconds.</summary>
/// <param name="Device">As <c>/dev/sda1</c>; the folder's name where no block device is behind it.</param>
sealed record DiskFigures(string Device, long Bytes, long Used, long Inodes, long InodesFree)
{
    public long Reads { get; init; }
    public long ReadsMerged { get; init; }
    public long SectorsRead { get; init; }
    public long ReadTime { get; init; }
    public long Writes { get; init; }
    public long WritesMerged { get; init; }
    public long SectorsWritten { get; init; }
    public long WriteTime { get; init; }
    public long Current { get; init; }
    public long Time { get; init; }
    public long WeightedTime { get; init; }

    const long Sector = 512; // whatever the device's own is
    public long ReadBytes => SectorsRead * Sector;
    public long WrittenBytes => SectorsWritten * Sector;

    /// <summary>Those that folders lie on, each once; what cannot be read is left out.</summary>
    public static IReadOnlyList<DiskFigures> Of(params IEnumerable<string> folders)
    {
        string[] lines = File.Exists("/proc/diskstats") ? File.ReadAllLines("/proc/diskstats") : [];
        var found = new Dictionary<ulong, DiskFigures>();
        foreach (string folder in folders)
            if (Native.Status(folder, follow: true) is { } status && !found.ContainsKey(status.Device))
                try
                {
                    var (bytes, available, inodes, inodesFree) = Native.FileSystem(folder);
                    var (major, minor) = ((uint)status.Device, (uint)(status.Device >> 32));
                    string name = BlockDevices.Name((int)major, (int)minor);
                    found[status.Device] = new DiskFigures(name.Length > 0 ? name : folder, bytes, bytes - available, inodes, inodesFree).With(lines, major, minor);
                }
                catch (IOException) { } // it goes at this moment
        return [.. found.Values];
    }

    /// <param name="lines">Of <c>/proc/diskstats</c>.</param>
    internal DiskFigures With(IEnumerable<string> lines, uint major, uint minor)
    {
        foreach (string line in lines)
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 14 || fields[0] != major.ToString(CultureInfo.InvariantCulture) || fields[1] != minor.ToString(CultureInfo.InvariantCulture)) continue;
            long[] n = [.. fields.Skip(3).Take(11).Select(f => long.TryParse(f, CultureInfo.InvariantCulture, out long value) ? value : 0)];
            return this with
            {
                Reads = n[0], ReadsMerged = n[1], SectorsRead = n[2], ReadTime = n[3], Writes = n[4], WritesMerged = n[5], SectorsWritten = n[6], WriteTime = n[7],
                Current = n[8], Time = n[9], WeightedTime = n[10],
            };
        }
        return this;
    }
}
