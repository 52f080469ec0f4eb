using System.CommandLine;
using System.Globalization;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Host.Settings;
using Hanbae.Scheduler;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Simulation;

namespace Hanbae.Host.Commands;

/// <summary><c>simulate</c>: where Pods would go, which stay pending and why, and how many nodes of which kind it would take; nothing is changed anywhere.</summary>
static class Simulate
{
    /// <param name="Cluster">Files of a dump; none: the live cluster.</param>
    /// <param name="Workloads">Manifests; <c>-</c> is standard input.</param>
    internal sealed record Asked(string DataDir, string[] Cluster, string[] Workloads, string[] Templates, string? SchedulerConfig, int MostNodes, bool Json);

    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var workloads = new Option<string[]>("--filename", "-f")
        {
            Description = "Manifests of what is to be placed: Pods, Deployments, StatefulSets, Jobs, DaemonSets and so on. - is standard input.", Required = true,
        };
        var cluster = new Option<string[]>("--cluster")
        {
            Description = "Files that kubectl get -o yaml (or json) has printed: nodes, pods, persistentvolumes and so on. Without it: the live cluster.",
        };
        var templates = new Option<string[]>("--node-template") { Description = "Files of Nodes that could be added, each as often as needed." };
        var config = new Option<string?>("--scheduler-config") { Description = "A KubeSchedulerConfiguration file." };
        var most = new Option<int>("--max-nodes") { Description = "Add no more nodes than this.", DefaultValueFactory = _ => 1000 };
        var output = new Option<string>("--output", "-o") { Description = "text or json.", DefaultValueFactory = _ => "text" };
        output.AcceptOnlyFromAmong("text", "json");
        var command = new Command("simulate", "Tell where Pods would go, which would stay pending and why, and how many nodes it would take. Changes nothing. "
            + "Exit code 1 when a Pod stays pending.")
        {
            workloads, cluster, templates, config, most, output, dataDir,
        };
        command.SetAction((parsed, ct) =>
        {
            var asked = new Asked(parsed.GetValue(dataDir)!, parsed.GetValue(cluster) ?? [], parsed.GetValue(workloads) ?? [], parsed.GetValue(templates) ?? [],
                parsed.GetValue(config), parsed.GetValue(most), parsed.GetValue(output) == "json");
            return Shared.RunAsync(() => RunAsync(asked, Console.Out, ct));
        });
        return command;
    }

    internal static async Task<int> RunAsync(Asked asked, TextWriter to, CancellationToken ct)
    {
        // What people wrote first: what is wrong with it needs no cluster.
        var templates = asked.Templates.SelectMany(f => Read(f, strict: true)).OfType<Node>().ToList();
        if (asked.Templates.Length > 0 && templates.Count == 0) throw new SettingsException($"{string.Join(", ", asked.Templates)}: there is no Node in it");
        var workloads = asked.Workloads.SelectMany(f => Read(f, strict: true)).ToList();
        var cluster = asked.Cluster.Length > 0 ? Manifests.ToCluster([.. asked.Cluster.SelectMany(f => Read(f, strict: false))]) : await LiveAsync(asked.DataDir, ct);
        if (asked.SchedulerConfig is { } file) cluster = cluster with { Configuration = Mended(file, () => SchedulerConfiguration.Parse(File.ReadAllText(file))) };
        // What a manifest brings besides Pods is part of the cluster: claims, classes, Services.
        var report = new Simulator(With(cluster, Manifests.ToCluster([.. workloads.Where(w => w is not Pod)]))).Run(workloads, templates, asked.MostNodes, ct);
        if (asked.Json) await to.WriteLineAsync(Encoding.UTF8.GetString(Json(report).ToUtf8()));
        else foreach (string line in Lines(report)) await to.WriteLineAsync(line);
        return report.Pending.IsEmpty ? Shared.Ok : Shared.Failed;
    }

    static ClusterView With(ClusterView cluster, ClusterView brought) => cluster with
    {
        Namespaces = [.. cluster.Namespaces, .. brought.Namespaces], Services = [.. cluster.Services, .. brought.Services],
        Claims = [.. cluster.Claims, .. brought.Claims], Volumes = [.. cluster.Volumes, .. brought.Volumes], Classes = [.. cluster.Classes, .. brought.Classes],
        Budgets = [.. cluster.Budgets, .. brought.Budgets], Priorities = [.. cluster.Priorities, .. brought.Priorities],
        DeviceClaims = [.. cluster.DeviceClaims, .. brought.DeviceClaims], ClaimTemplates = [.. cluster.ClaimTemplates, .. brought.ClaimTemplates],
        DeviceClasses = [.. cluster.DeviceClasses, .. brought.DeviceClasses], Slices = [.. cluster.Slices, .. brought.Slices],
        TaintRules = [.. cluster.TaintRules, .. brought.TaintRules],
    };

    static async Task<ClusterView> LiveAsync(string folder, CancellationToken ct)
    {
        using var transport = Shared.Connect(folder);
        return await ClusterReader.ReadAsync(new ApiClient(transport, TimeProvider.System), ct);
    }

    static IReadOnlyList<IObject> Read(string file, bool strict)
    {
        if (Directory.Exists(file)) throw new SettingsException($"{file} is a folder; name the files in it");
        return Mended(file, () => Manifests.Read(file == "-" ? Console.In.ReadToEnd() : File.ReadAllText(file), strict));
    }

    static T Mended<T>(string file, Func<T> read)
    {
        try { return read(); }
        catch (FormatException e) { throw new SettingsException($"{file}: {e.Message}"); }
    }

    /// <summary>The report for people: by workload, nodes with how many Pods each.</summary>
    internal static IEnumerable<string> Lines(SimulationReport report)
    {
        foreach (var workload in report.Placed.GroupBy(p => p.Workload))
        {
            yield return $"{workload.Key}: {Many(workload.Count(), "Pod")} placed";
            foreach (var node in workload.GroupBy(p => p.Node).OrderBy(n => n.Key, StringComparer.Ordinal)) yield return $"  {node.Key}  {node.Count()}{(node.First().OnNewNode ? "  (a node to be added)" : "")}";
        }
        foreach (var gone in report.Displaced) yield return $"{gone.Pod} would have to leave {gone.Node} for {gone.For}";
        foreach (var workload in report.Pending.GroupBy(p => p.Workload))
        {
            var first = workload.First();
            yield return $"{workload.Key}: {Many(workload.Count(), "Pod")} pending";
            yield return $"  {first.Message}";
            foreach (var node in first.Why?.Nodes ?? [])
                foreach (var obstacle in node.Obstacles) yield return $"  {node.Node}: {obstacle.Reason}{(obstacle.Change.Length > 0 ? " → " + obstacle.Change : "")}";
        }
        foreach (var need in report.Needed) yield return $"to be added: {Many(need.Count, "node")} of {need.Template}";
        if (report.Placed.IsEmpty && report.Pending.IsEmpty) yield return "there is nothing to place";
    }

    static string Many(int count, string of) => count.ToString(CultureInfo.InvariantCulture) + " " + of + (count == 1 ? "" : "s");

    internal static JsonObject Json(SimulationReport report) => JsonObject.Of(
        ("placed", JsonArray.Of([.. report.Placed.Select(p => (JsonValue)JsonObject.Of(("namespace", p.Pod.Namespace), ("pod", p.Pod.Name), ("workload", p.Workload), ("node", p.Node), ("newNode", p.OnNewNode)))])),
        ("pending", JsonArray.Of([.. report.Pending.Select(p => (JsonValue)JsonObject.Of(("namespace", p.Pod.Namespace), ("pod", p.Pod.Name), ("workload", p.Workload), ("message", p.Message)))])),
        ("displaced", JsonArray.Of([.. report.Displaced.Select(d => (JsonValue)JsonObject.Of(("namespace", d.Pod.Namespace), ("pod", d.Pod.Name), ("node", d.Node), ("for", d.For.ToString())))])),
        ("needed", JsonArray.Of([.. report.Needed.Select(n => (JsonValue)JsonObject.Of(("template", n.Template), ("count", n.Count)))])));
}
