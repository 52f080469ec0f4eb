using System.Globalization;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>One file of the kernel's in which something is said of a cgroup.</summary>
static class CgroupFile
{
    /// <exception cref="IOException"/>
    public static void Write(string folder, string file, string text) => File.WriteAllText(Path.Combine(folder, file), text);

    /// <exception cref="IOException"/>
    public static void Write(string folder, string file, long value) => Write(folder, file, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>With v2's word for no limit.</summary>
    public static string OrMax(long value) => value == CgroupLimits.None ? "max" : value.ToString(CultureInfo.InvariantCulture);
}
