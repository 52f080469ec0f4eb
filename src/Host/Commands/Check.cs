using System.CommandLine;
using Hanbae.Host.Checks.Cis;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>check</c>: whether a running cluster is as it should be.</summary>
static class Check
{
    public static Command Command()
    {
        var command = new Command("check", "Look whether the running cluster is as it should be.");
        command.Subcommands.Add(Cis());
        return command;
    }

    static Command Cis()
    {
        var dataDir = Shared.DataDir();
        var output = new Option<string?>("--output", "-o") { Description = "json, for programs." };
        var command = new Command("cis", $"Test what the {CisBenchmark.Name} asks for on the running cluster, and say how to mend what fails. Exit code 1 when anything does.") { output, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            string data = Path.GetFullPath(parsed.GetValue(dataDir)!);
            var settings = Shared.Settings(data);
            if (parsed.GetValue(output) is not (null or "json")) throw new SettingsException($"--output {parsed.GetValue(output)} is none; leave it out for text, or write json");
            if (ProcessIdentity.Read(NodePaths.Of(data).HanbaeProcess) is not { IsAlive: true } process)
            {
                Console.Error.WriteLine("hanbae: the cluster does not run, and is looked at as it runs; start it with `hanbae up`");
                return Shared.NotRunning;
            }
            using var sight = KubeconfigPath.Read(data, config => new CisSight(data, settings, config, process.Pid));
            var all = await CisBenchmark.RunAsync(sight, ct);
            Console.Write(parsed.GetValue(output) is null ? CisBenchmark.Text(all) : CisBenchmark.Json(all) + "\n");
            return all.Any(a => a.Finding.Result == CisResult.Fail) ? Shared.Failed : Shared.Ok;
        }));
        return command;
    }
}
