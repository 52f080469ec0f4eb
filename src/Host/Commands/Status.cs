using System.CommandLine;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>status</c>: whether a cluster runs, and how it is.</summary>
static class Status
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var command = new Command("status", "Tell whether the cluster runs, and how it is. Exit code 3 when it does not, or when there is none; 1 when it does not answer.") { dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(() => RunAsync(parsed.GetValue(dataDir)!, ct)));
        return command;
    }

    internal static async Task<int> RunAsync(string folder, CancellationToken ct)
    {
        if (ClusterSettings.Load(folder) is not { } settings)
        {
            Console.Error.WriteLine("hanbae: " + Shared.Missing(folder));
            return Shared.NotRunning;
        }
        var paths = NodePaths.Of(folder);
        Console.WriteLine($"data folder   {paths.Data}");
        Console.WriteLine($"kubeconfig    {KubeconfigPath.Of(folder)}");
        if (ProcessIdentity.Read(paths.HanbaeProcess) is not { IsAlive: true } process)
        {
            Console.WriteLine($"hanbae        not running; start it with `{Shared.Again("up", folder)}`");
            return Shared.NotRunning;
        }
        Console.WriteLine($"hanbae        running, process {process.Pid}, {Megabytes(process.Pid)} MB");
        if (!settings.ControlPlaneOnly) Console.WriteLine($"runtime       {settings.RuntimeEndpoint ?? paths.Endpoint}");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        try
        {
            using var transport = Shared.Connect(folder);
            var client = new ApiClient(transport, TimeProvider.System);
            var nodes = await client.ListAsync<Node>(ListQuery.All, limit.Token);
            var pods = await client.ListAsync<Pod>(ListQuery.All, limit.Token);
            Console.WriteLine($"API server    https://127.0.0.1:{settings.ApiPort}, revision {nodes.ResourceVersion}");
            Console.WriteLine($"nodes         {nodes.Items.Count(n => n.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" }))} of {nodes.Items.Count} ready");
            Console.WriteLine($"pods          {pods.Items.Count(p => p.Status.Phase == "Running")} of {pods.Items.Count} running");
            return Shared.Ok;
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            Console.WriteLine($"API server    does not answer: {e.Message}");
            Console.WriteLine($"              its log is {Path.Combine(paths.Data, Up.LogFile)}");
            return Shared.Failed;
        }
    }

    static long Megabytes(int pid)
    {
        foreach (string line in File.ReadLines($"/proc/{pid}/status"))
            if (line.StartsWith("VmRSS:", StringComparison.Ordinal)) return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1024;
        return 0;
    }
}
