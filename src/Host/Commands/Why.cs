using System.CommandLine;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Host.Settings;
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
        string name = PodName(what);
        using var transport = Shared.Connect(folder);
        var client = new ApiClient(transport, TimeProvider.System);
        if (await client.FindAsync<Pod>(new(ns, name), ct) is not { } pod)
        {
            Console.Error.WriteLine($"there is no Pod {ns}/{name}; `kubectl get pods -A` shows those there are, and -n chooses the namespace");
            return Shared.Failed;
        }
        var cluster = await ClusterReader.ReadAsync(client, ct);
        foreach (string line in Lines(pod, Scheduler.Why.Of(pod, cluster))) Console.WriteLine(line);
        return pod.Spec.NodeName.Length > 0 || cluster.Nodes.Count > 0 && Scheduler.Why.Of(pod, cluster).Nodes.Any(n => n.Fits) ? Shared.Ok : Shared.Failed;
    }

    /// <exception cref="SettingsException">It names something else.</exception>
    internal static string PodName(string what)
    {
        string[] parts = what.Split('/');
        bool named = parts[^1].Length > 0 && (parts.Length == 1 || parts.Length == 2 && parts[0].ToLowerInvariant() is "pod" or "pods" or "po");
        return named ? parts[^1]
            : throw new SettingsException($"why tells of Pods, and \"{what}\" names none: write pod/NAME; `kubectl get pods -A` shows those there are");
    }

    /// <summary>What became of a Pod that has a node: a bound one need not run.</summary>
    static IEnumerable<string> State(Pod pod)
    {
        yield return Told($"{Key.Of(pod)} is on {pod.Spec.NodeName}", pod.Status.Phase, pod.Status.Reason, pod.Status.Message);
        foreach (var status in pod.Status.InitContainerStatuses.Concat(pod.Status.ContainerStatuses).Concat(pod.Status.EphemeralContainerStatuses))
        {
            if (status.State.Waiting is { } waiting) yield return Told($"  container {status.Name} waits", waiting.Reason, waiting.Message);
            if (status.State.Terminated is { } ended)
                yield return Told($"  container {status.Name} has ended with exit code {ended.ExitCode}", ended.Reason, ended.Message);
        }
    }

    static string Told(params string[] parts) => string.Join(": ", parts.Where(p => p.Length > 0));

    /// <summary>The report for people, the best node first.</summary>
    internal static IEnumerable<string> Lines(Pod pod, Scheduler.Why.Report report)
    {
        if (pod.Spec.NodeName.Length > 0)
        {
            foreach (string line in State(pod)) yield return line;
            yield return "if it had no node:";
        }
        else yield return report.Summary.Length > 0 ? $"{Key.Of(pod)}: {report.Summary}" : $"{Key.Of(pod)} has no node yet:";
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
