using System.Globalization;

namespace Hanbae.Proxy.Flows;

/// <summary>Room and patience of the kernel's connection tracking, as kube-proxy sets them: Services bring more connections than machines come prepared for.</summary>
/// <remarks>They are the machine's, not a cluster's. Where there is more room already it stays; <c>HANBAE_CONNTRACK=keep</c> leaves all as it is.</remarks>
internal static class ConntrackSettings
{
    /// <summary>kube-proxy's conntrack-max-per-core and conntrack-min, and the most that it takes for many cores.</summary>
    const long PerCore = 32 * 1024, Least = 128 * 1024, Most = 1024 * 1024;
    const string Folder = "proc/sys/net/netfilter/nf_conntrack_", Buckets = "sys/module/nf_conntrack/parameters/hashsize";

    public static bool Keep => Environment.GetEnvironmentVariable("HANBAE_CONNTRACK") == "keep";

    public static long Room(int cores) => Math.Clamp(PerCore * cores, Least, Most);

    /// <param name="root"><c>/</c>, or a folder with the same files.</param>
    /// <param name="complain">Told once of what cannot be set; Services work all the same.</param>
    public static void Apply(string root, int cores, Action<string>? complain)
    {
        List<string> failed = [];
        long room = Room(cores);
        // Four connections a bucket, as kube-proxy has it.
        Set(Folder + "max", room, raise: true);
        Set(Buckets, room / 4, raise: true);
        Set(Folder + "tcp_timeout_established", (long)TimeSpan.FromHours(24).TotalSeconds, raise: false);
        Set(Folder + "tcp_timeout_close_wait", (long)TimeSpan.FromHours(1).TotalSeconds, raise: false);
        if (failed.Count > 0) complain?.Invoke("connection tracking keeps the machine's settings: " + string.Join("; ", failed));

        void Set(string file, long value, bool raise)
        {
            string path = Path.Combine(root, file);
            try
            {
                long now = long.Parse(File.ReadAllText(path), NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
                if (raise ? now < value : now != value) File.WriteAllText(path, value.ToString(CultureInfo.InvariantCulture));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException) { failed.Add($"{path}: {e.Message}"); }
        }
    }
}
