using System.CommandLine;

namespace Hanbae.Host.Commands;

/// <summary><c>kubeconfig</c>: where the administrator's kubeconfig is, for <c>export KUBECONFIG=$(hanbae kubeconfig)</c>.</summary>
static class KubeconfigPath
{
    public static string Of(string dataDir) => Path.Combine(Path.GetFullPath(dataDir), "kubeconfig");

    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var command = new Command("kubeconfig", "Print the path of the cluster's kubeconfig.") { dataDir };
        command.SetAction((parsed, _) => Shared.RunAsync(() =>
        {
            Shared.Settings(parsed.GetValue(dataDir)!);
            Console.WriteLine(Of(parsed.GetValue(dataDir)!));
            return Task.FromResult(Shared.Ok);
        }));
        return command;
    }
}
