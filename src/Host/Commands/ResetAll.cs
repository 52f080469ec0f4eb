using System.CommandLine;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>reset</c>: removes a cluster and everything it made on this machine, and nothing else.</summary>
static class ResetAll
{
    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var command = new Command("reset", "Remove the cluster: Pods, images, mounts, networks, rules, cgroups and the data folder. What Hanbae did not make stays.") { dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            string folder = parsed.GetValue(dataDir)!;
            var report = await new Reset(NodePaths.Of(folder), TimeProvider.System).RunAsync(ClusterSettings.Load(folder)?.RuntimeEndpoint, Console.WriteLine, ct);
            if (report.RemovedThings.Count == 0) Console.WriteLine($"there was nothing to remove in {folder}" + Shared.Elsewhere(folder));
            return report.LeftThings.Count == 0 ? Shared.Ok : Shared.Failed;
        }));
        return command;
    }
}
