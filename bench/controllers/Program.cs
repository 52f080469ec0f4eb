using System.Diagnostics;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers;
using Hanbae.Testing;

namespace Hanbae.Bench.Controllers;

/// <summary>What the controllers cost as a cluster grows: <c>dotnet run -c Release --project bench/controllers [-- deployments [namespaces]]</c>.</summary>
/// <remarks>
/// Deployments of three Pods, each with a Service, on simulated nodes, everything in one process over a memory store: until all are available;
/// then one change at a time, measured at a hundred Deployments and at all of them; then the controllers are stopped and started again.
/// </remarks>
static class Program
{
    const int Replicas = 3, Small = 100, Changes = 200;

    static async Task Main(string[] args)
    {
        if (args is ["each", .. var sizes])
        {
            await Each.RunAsync(sizes.Length > 0 ? [.. sizes.Select(s => int.Parse(s, CultureInfo.InvariantCulture))] : [100, 10_000, 100_000]);
            return;
        }
        int count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1000, namespaces = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;
        Console.WriteLine($"{Environment.ProcessorCount} processors, .NET {Environment.Version}, {count} Deployments × {Replicas} in {namespaces} namespaces");
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Nodes = count * (Replicas + 1) / 100 + 2, Patience = TimeSpan.FromMinutes(30) });
        for (int i = 0; i < namespaces; i++) await cluster.Client.CreateAsync(new Namespace { Metadata = new() { Name = Of(i) } }, default);
        var controllers = await Running.StartAsync(cluster);

        await GrowAsync(cluster, 0, Small, namespaces);
        await ChangeAsync(cluster, Small, namespaces);
        var (cpu, clock) = (Cpu(), Stopwatch.StartNew());
        await GrowAsync(cluster, Small, count, namespaces);
        double each = (Cpu() - cpu).TotalMicroseconds / ((count - Small) * (Replicas + 3));
        Console.WriteLine($"{count - Small} Deployments more   {clock.Elapsed.TotalSeconds:N1} s, {(count - Small) * Replicas / clock.Elapsed.TotalSeconds:N0} Pods/s, {each:N0} µs of processor an object (Deployment, set, Service, Pods), {Environment.WorkingSet >> 20} MB resident");
        await ChangeAsync(cluster, count, namespaces);

        long before = GC.GetTotalMemory(true);
        await controllers.StopAsync();
        long without = GC.GetTotalMemory(true);
        (cpu, clock) = (Cpu(), Stopwatch.StartNew());
        controllers = await Running.StartAsync(cluster);
        await controllers.QuietAsync();
        long again = GC.GetTotalMemory(true);
        int objects = count * (Replicas + 3);
        Console.WriteLine($"controllers restarted  {clock.Elapsed.TotalSeconds:N1} s until quiet, {(Cpu() - cpu).TotalSeconds:N1} s of processor; {controllers.Wire.Lists} lists, {controllers.Wire.Watches} watches, {controllers.Wire.Reads} reads, {controllers.Wire.Writes} writes");
        Console.WriteLine($"memory                 {before >> 20} MB managed, of it the controllers' {(before - without) >> 20} MB, {(again - without) / objects} bytes an object with all {Catalog.All.Length} of them");
        await controllers.StopAsync();
    }

    static string Of(int i) => $"bench-{i}";
    static string Name(int i) => $"web-{i}";

    static async Task GrowAsync(TestCluster cluster, int from, int to, int namespaces)
    {
        int wanted = to;
        var deployments = cluster.Informers.Cache<Deployment>();
        await deployments.WhenSyncedAsync(default);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int available = 0;
        using var subscription = deployments.Subscribe(e =>
        {
            static bool Is(Deployment? d) => d?.Status.AvailableReplicas == Replicas;
            int now = available += (Is(e.New) ? 1 : 0) - (Is(e.Old) ? 1 : 0);
            if (now == wanted) done.TrySetResult();
        });
        await Parallel.ForEachAsync(Enumerable.Range(from, to - from), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, ct) =>
        {
            string ns = Of(i % namespaces);
            Map<string> labels = Map.Of(("app", Name(i)));
            await cluster.Client.CreateAsync(new Service { Metadata = new() { Name = Name(i), Namespace = ns }, Spec = new() { ClusterIP = "None", Selector = labels, Ports = [new() { Port = 80 }] } }, ct);
            await cluster.Client.CreateAsync(new Deployment
            {
                Metadata = new() { Name = Name(i), Namespace = ns },
                Spec = new()
                {
                    Replicas = Replicas, Selector = new() { MatchLabels = labels },
                    Template = new() { Metadata = new() { Labels = labels }, Spec = new() { Containers = [new() { Name = "main", Image = "web:1", Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse("10m"))) } }] } },
                },
            }, ct);
        });
        await done.Task.WaitAsync(TimeSpan.FromMinutes(30));
    }

    /// <summary>One after the other: a replica more, until it is available, and less again.</summary>
    static async Task ChangeAsync(TestCluster cluster, int among, int namespaces)
    {
        await QuietAsync();
        await BackgroundAsync();
        // One listener for all changes: one for each would go through all objects each time.
        (Key Key, int Replicas, TaskCompletionSource Done) awaited = default;
        using var listening = cluster.Informers.Cache<Deployment>().Subscribe(e =>
        {
            if (e.New is { } now && awaited is { Done: { } done } && Key.Of(now) == awaited.Key && now.Status.AvailableReplicas == awaited.Replicas && now.Status.Replicas == awaited.Replicas) done.TrySetResult();
        });
        var (cpu, clock) = (Cpu(), Stopwatch.StartNew());
        long allocated = GC.GetTotalAllocatedBytes();
        int[] collections = [GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2)];
        var paused = GC.GetTotalPauseDuration();
        for (int n = 0; n < Changes; n++)
        {
            int i = n * 7919 % among;
            var key = new Key(Of(i % namespaces), Name(i));
            foreach (int replicas in (int[])[Replicas + 1, Replicas])
            {
                awaited = (key, replicas, new(TaskCreationOptions.RunContinuationsAsynchronously));
                await cluster.Client.UpdateWithRetryAsync<Deployment>(key, d => d with { Spec = d.Spec with { Replicas = replicas } }, default);
                await awaited.Done.Task.WaitAsync(TimeSpan.FromMinutes(2));
            }
        }
        double changes = Changes * 2;
        Console.WriteLine($"one change among {among,6}  {(Cpu() - cpu).TotalMicroseconds / changes:N0} µs of processor, {clock.Elapsed.TotalMilliseconds / changes:N1} ms, {(GC.GetTotalAllocatedBytes() - allocated) / changes / 1024:N0} KB allocated; "
            + $"collections {GC.CollectionCount(0) - collections[0]}, {GC.CollectionCount(1) - collections[1]}, {GC.CollectionCount(2) - collections[2]}: {(GC.GetTotalPauseDuration() - paused).TotalMicroseconds / changes:N0} µs");
    }

    /// <summary>What runs while nothing changes.</summary>
    static async Task BackgroundAsync()
    {
        var (cpu, clock, paused, allocated) = (Cpu(), Stopwatch.StartNew(), GC.GetTotalPauseDuration(), GC.GetTotalAllocatedBytes());
        await Task.Delay(TimeSpan.FromSeconds(15));
        double seconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine($"nothing changes          {(Cpu() - cpu).TotalMilliseconds / seconds:N1} ms of processor a second, {(GC.GetTotalPauseDuration() - paused).TotalMilliseconds / seconds:N1} of it collections; {(GC.GetTotalAllocatedBytes() - allocated) / seconds / 1024:N0} KB allocated");
    }

    /// <summary>What was begun has come to its end: the processor is idle.</summary>
    static async Task QuietAsync()
    {
        for (var before = Cpu(); ; before = Cpu())
        {
            await Task.Delay(500);
            if ((Cpu() - before).TotalMilliseconds < 25) return;
        }
    }

    static TimeSpan Cpu()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime;
    }
}
