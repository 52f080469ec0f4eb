namespace Hanbae.Host.Runtime;

/// <summary>What all clusters of a host share and no single one owns: folders and iptables chains of containerd's shims and of CNI plugins.</summary>
/// <remarks>
/// The first <c>up</c> on a host notes which of them were missing; the reset of the last cluster takes those away again, each only when
/// nothing uses it. What was there before, or is used by someone else meanwhile, stays.
/// </remarks>
public static class HostFootprint
{
    const string Note = NodePaths.RunRoot + "/absent-before";
    // Parents after their children.
    static readonly string[] Folders = ["/run/containerd/s", "/run/containerd/fifo", "/run/containerd", "/var/lib/cni/results", "/var/lib/cni/cache", "/var/lib/cni", PodLogs.Folder, PodLogs.Links];
    static readonly (string Family, string Program)[] Nats = [("ip", "iptables"), ("ip6", "ip6tables")];
    static readonly string[] Chains = ["CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"];

    /// <summary>To be called before containerd first starts.</summary>
    public static async Task NoteAsync(CancellationToken ct)
    {
        if (File.Exists(Note)) return;
        Directory.CreateDirectory(NodePaths.RunRoot);
        var absent = Folders.Where(f => !Directory.Exists(f)).ToList();
        foreach (var (family, program) in Nats)
        {
            if (!await HasNatAsync(family, ct)) absent.Add("nat " + family);
            if (Tool.Find(program) is not null && !(await RulesAsync(family, program, ct)).Any(r => r.Contains(Chains[0], StringComparison.Ordinal))) absent.Add("portmap " + family);
        }
        await File.WriteAllLinesAsync(Note, absent, ct);
    }

    /// <summary>To be called when a cluster's own folders are gone; does nothing while there is another one.</summary>
    public static async Task RemoveUnusedAsync(ResetReport report, CancellationToken ct)
    {
        if (!File.Exists(Note) || Directory.EnumerateDirectories(NodePaths.RunRoot).Any()) return;
        var absent = (await File.ReadAllLinesAsync(Note, ct)).ToHashSet();
        foreach (var (family, program) in Nats)
        {
            if (absent.Contains("portmap " + family)) await RemoveChainsAsync(family, program, report, ct);
            if (absent.Contains("nat " + family)) await RemoveNatAsync(family, program, report, ct);
        }
        foreach (string folder in Folders)
            if (absent.Contains(folder) && Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
                report.Removed("folder " + folder);
            }
        try
        {
            File.Delete(Note);
            File.Delete(Settings.OtherClusters.Lock);
            Directory.Delete(NodePaths.RunRoot);
        }
        catch (IOException)
        {
            // Another cluster is starting at this very moment: it notes for itself.
        }
    }

    // portmap makes three base chains for hostPorts, never removes them, and makes them anew whenever they are missing.
    static async Task RemoveChainsAsync(string family, string program, ResetReport report, CancellationToken ct)
    {
        string[] rules = [.. (await RulesAsync(family, program, ct)).Where(r => r.Contains("CNI-", StringComparison.Ordinal))];
        // A chain CNI-DN-… stands for a container that has a hostPort: it is not ours, ours are gone.
        if (rules.Length == 0 || rules.Any(r => r.StartsWith("-N CNI-DN-", StringComparison.Ordinal))) return;
        foreach (string rule in rules.Where(r => r.StartsWith("-A ", StringComparison.Ordinal) && !Chains.Any(c => r.StartsWith("-A " + c + " ", StringComparison.Ordinal))))
            await RunAsync(program, ["-w", "-t", "nat", "-D", .. Words(rule[3..])], report, ct);
        foreach (string action in (string[])["-F", "-X"])
            foreach (string chain in Chains.Where(c => rules.Contains("-N " + c)))
                await RunAsync(program, ["-w", "-t", "nat", action, chain], report, ct);
        report.Removed($"{program} chains CNI-HOSTPORT-*");
    }

    // iptables over nft makes a table of its own with the first rule, and leaves it.
    static async Task RemoveNatAsync(string family, string program, ResetReport report, CancellationToken ct)
    {
        if (!await HasNatAsync(family, ct) || (await RulesAsync(family, program, ct)).Any(r => !r.StartsWith("-P ", StringComparison.Ordinal))) return;
        await RunAsync("nft", ["delete", "table", family, "nat"], report, ct);
        report.Removed($"empty nft table {family} nat");
    }

    static async Task<bool> HasNatAsync(string family, CancellationToken ct) =>
        Tool.Find("nft") is not null && (await Tool.RunAsync("nft", ["list", "tables"], ct: ct)).Output.Split('\n').Contains($"table {family} nat");

    static async Task<string[]> RulesAsync(string family, string program, CancellationToken ct) =>
        Tool.Find(program) is null || !await HasNatAsync(family, ct) ? [] : (await Tool.RunAsync(program, ["-w", "-t", "nat", "-S"], ct: ct)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    static async Task RunAsync(string program, string[] arguments, ResetReport report, CancellationToken ct)
    {
        var result = await Tool.RunAsync(program, arguments, ct: ct);
        if (!result.Succeeded) report.Left($"{program} {string.Join(' ', arguments)}: {result.Complaint}");
    }

    // iptables -S quotes comments, which may hold spaces.
    internal static string[] Words(string rule) =>
        [.. rule.Split('"').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
}
