using System.CommandLine;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Commands;

/// <summary><c>down</c>: stops a cluster and its Pods; its state stays.</summary>
static class Down
{
    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var command = new Command("down", "Stop the cluster and its Pods. `up` brings it back as it was.") { dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            string folder = parsed.GetValue(dataDir)!;
            var settings = Shared.Settings(folder);
            bool ran = await new Teardown(NodePaths.Of(folder), TimeProvider.System).StopAsync(settings.RuntimeEndpoint, Console.Error.WriteLine, ct);
            Console.WriteLine(ran ? $"stopped; `{Shared.Again("up", folder)}` brings it back, `{Shared.Again("reset", folder)}` removes it" : "it was not running");
            return Shared.Ok;
        }));
        return command;
    }
}
