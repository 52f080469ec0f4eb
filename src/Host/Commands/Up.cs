using System.CommandLine;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>up</c>: brings a cluster up, in the foreground or, with <c>--detach</c>, behind it.</summary>
static class Up
{
    public const string LogFile = "hanbae.log";

    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var detach = new Option<bool>("--detach", "-d") { Description = "Return when the cluster is ready; it runs on until `hanbae down`." };
        var log = new Option<string?>("--log-level") { Description = "trace, debug, information, warning (the default) or error." };
        var flags = new UpFlags();
        var command = new Command("up", "Bring up a cluster on this machine. Options are kept: the next `up` needs none of them.") { detach };
        flags.AddTo(command);
        command.Options.Add(log);
        command.Options.Add(dataDir);
        command.SetAction((parsed, ct) =>
        {
            string folder = Path.GetFullPath(parsed.GetValue(dataDir)!);
            bool behind = parsed.GetValue(detach) && !Detached.IsChild;
            string level = parsed.GetValue(log) ?? "warning";
            return Shared.RunAsync(() => RunAsync(NodePaths.Of(folder), flags.Read(parsed), behind, level, ct), Interrupted(folder, behind));
        });
        return command;
    }

    static string Interrupted(string folder, bool behind)
    {
        string up = Shared.Again("up", folder), down = Shared.Again("down", folder), reset = Shared.Again("reset", folder), status = Shared.Again("status", folder);
        return behind ? $"interrupted, and the cluster goes on starting: `{status}` tells how it is, `{down}` stops it; its log is {Path.Combine(folder, LogFile)}"
            : $"interrupted before the cluster was ready: `{up}` begins again, `{down}` stops what runs already, `{reset}` removes it";
    }

    static async Task<int> RunAsync(NodePaths paths, Asked asked, bool behind, string logLevel, CancellationToken ct)
    {
        if (ProcessIdentity.Read(paths.HanbaeProcess) is { IsAlive: true } running && running.Pid != Environment.ProcessId)
            return AlreadyUp(paths, running, asked);
        if (behind) return await Detached.StartAsync(paths.Data, ct);
        var (before, settings) = await SettleAsync(paths, asked, ct);
        if (before is not null && string.Join(' ', asked.Kept(before)) is { Length: > 0 } kept)
            Console.WriteLine($"as asked for before: {kept}" + (settings.ControlPlaneOnly ? " (--control-plane-only=false for a node)" : ""));
        using var loggers = Flags.Loggers(logLevel);
        return await new Roles.Cluster(settings, paths, loggers).RunAsync(ct);
    }

    static async Task<(ClusterSettings? Before, ClusterSettings Now)> SettleAsync(NodePaths paths, Asked asked, CancellationToken ct)
    {
        using var alone = await OtherClusters.AloneAsync(ct);
        var before = ClusterSettings.Load(paths.Data);
        var settings = asked.Settle(before, paths);
        // What cannot change is noted at once: another cluster that starts at this moment has to see which ranges are taken.
        // The rest is kept when it has worked.
        if (before is null)
        {
            DataFolder.Claim(paths);
            OtherClusters.Register(paths);
            settings.Lasting.Save(paths.Data);
        }
        if ((asked.KubeletDir ?? (settings.ControlPlaneOnly ? null : KubeletFolder.Usual(paths))) is { } placed) KubeletFolder.Place(paths, placed);
        return (before, settings);
    }

    /// <summary>`up` of what is up is no error, as long as it would not have to become something else.</summary>
    static int AlreadyUp(NodePaths paths, ProcessIdentity running, Asked asked)
    {
        if (asked != Asked.Nothing)
            throw new SettingsException($"a cluster already runs in {paths.Data} (process {running.Pid}): stop it with `{Shared.Again("down", paths.Data)}` "
                + "for other options to take effect, or choose another folder with --data-dir");
        Console.WriteLine($"already up in {paths.Data} (process {running.Pid})");
        foreach (string line in Owners.Kubeconfig(paths.Data)) Console.WriteLine("  " + line);
        return Shared.Ok;
    }
}
