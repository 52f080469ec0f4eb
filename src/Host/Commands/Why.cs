using System.CommandLine;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Scheduler.Simulation;

namespace Hanbae.Host.Commands;

/// <summary><c>why pod/NAME</c>: on which nodes a Pod can run, what is in the way on the others, and what would have to change.</summary>
static class Why
{
    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var what = new Argument<string>("pod") { Description = "The Pod: pod/NAME, or NAME." };
        var ns = new Option<string>("--namespace", "-n") { Description = "Its namespace.", DefaultValueFactory = _ => "default" };
        var command = new Command("why", "Tell where a Pod can run, what is in the way elsewhere, and what would have to change. Exit code 1 when no node fits.") { what, ns, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(() => RunAsync(parsed.GetValue(dataDir)!, parsed.GetValue(ns)!, parsed.GetValue(what)!, ct)));
        return command;
    }

    static async Task<int> RunAsync(string folder, string ns, string what, CancellationToken ct)
    {
        using var transport = Shared.Connect(folder);
        var client = new ApiClient(transport, TimeProvider.System);
        string name = what[(what.IndexOf('/') + 1)..];
        if (await client.FindAsync<Pod>(new(ns, name), ct) is not { } pod)
        {
            Console.Error.WriteLine($"there is no Pod {ns}/{name}; `kubectl get pods -A` shows those there are, and -n chooses the namespace");
            return Shared.Failed;
        }
        var cluster = await ClusterReader.ReadAsync(client, ct);
        foreach (string line in Lines(pod, Scheduler.Why.Of(pod, cluster))) Console.WriteLine(line);
        return pod.Spec.NodeName.Length > 0 || cluster.Nodes.Count > 0 && Scheduler.Why.Of(pod, cluster).Nodes.Any(n => n.Fits) ? Shared.Ok : Shared.Failed;
    }

    /// <summary>The report for people, the best node first.</summary>
    internal static IEnumerable<string> Lines(Pod pod, Scheduler.Why.Report report)
    {
        yield return pod.Spec.NodeName.Length > 0 ? $"{Key.Of(pod)} runs on {pod.Spec.NodeName}; if it had no node:" : report.Summary.Length > 0 ? $"{Key.Of(pod)}: {report.Summary}" : $"{Key.Of(pod)} has no node yet:";
        if (report.HeldBack.Length > 0) yield return $"  nobody looks for a node: {report.HeldBack}";
        foreach (var node in report.Nodes)
        {
            if (node.Fits) { yield return $"  {node.Node}  fits, score {node.Score}"; continue; }
            yield return $"  {node.Node}";
            foreach (var obstacle in node.Obstacles) yield return $"    {obstacle.Plugin}: {obstacle.Reason}{(obstacle.Change.Length > 0 ? " → " + obstacle.Change : "")}";
        }
        if (report.MakesRoom.Length > 0) yield return $"  would have to leave {report.MakesRoom}";
    }
}
