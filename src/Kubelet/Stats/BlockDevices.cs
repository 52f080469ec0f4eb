namespace Hanbae.Kubelet.Stats;

/// <summary>Block devices by their numbers.</summary>
static class BlockDevices
{
    /// <summary>As <c>/dev/sda</c>; empty for one that the kernel does not name.</summary>
    public static string Name(int major, int minor)
    {
        try { return File.ReadLines($"/sys/dev/block/{major}:{minor}/uevent").FirstOrDefault(l => l.StartsWith("DEVNAME=", StringComparison.Ordinal)) is { } line ? "/dev/" + line["DEVNAME=".Length..] : ""; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return ""; }
    }
}
