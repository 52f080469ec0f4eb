using System.Diagnostics;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Testing;

namespace Hanbae.Bench.Client;

/// <summary>A server in one process, an informer in another: what its user pays until it is filled, and what it then holds.</summary>
static class OverTheWire
{
    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["follow", var file, var asked, var how]) return await FollowAsync(file, asked == "protobuf", how);
        int count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 15_000, runs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 3;
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        for (int i = 0; i < 20; i++)
        {
            await cluster.Client.CreateAsync(new Namespace { Metadata = new() { Name = $"ns-{i}" } }, default);
            await cluster.Client.CreateAsync(new ServiceAccount { Metadata = new() { Name = "default", Namespace = $"ns-{i}" } }, default);
        }
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, ct) =>
        {
            var pod = Samples.Pod(i, "");
            // Mounts of the account's token are the server's to add.
            pod = pod with { Spec = pod.Spec with { Containers = [.. pod.Spec.Containers.Select(c => c with { VolumeMounts = default })] }, Metadata = pod.Metadata with { Uid = "", ResourceVersion = "", CreationTimestamp = null } };
            var made = await cluster.Client.CreateAsync(pod with { Status = PodStatus.Empty }, ct);
            await cluster.Client.UpdateStatusAsync(made with { Status = pod.Status }, ct);
        });
        var door = await cluster.OpenAsync();
        // The server's own caches of each form are made once, and not for this bench's client.
        foreach (string form in (string[])["JSON", "protobuf"])
            foreach (string way in (string[])["list", "WatchList", "lean"])
                for (int run = 0; run < runs; run++)
                {
                    using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Host(), "wire", "follow", door.Kubeconfig, form, way]))!;
                    await child.WaitForExitAsync();
                    if (child.ExitCode != 0) return child.ExitCode;
                }
        return 0;
    }

    static string[] Host() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(OverTheWire).Assembly.Location] : [];

    static async Task<int> FollowAsync(string kubeconfig, bool protobuf, string way)
    {
        using var transport = new HttpTransport(Kubeconfig.Load(kubeconfig).Resolve(), TimeProvider.System, new() { Protobuf = protobuf });
        using var stop = new CancellationTokenSource();
        // The code is warm, as it is in a program that runs: one small request each way.
        await new ApiClient(transport).ListAsync<Pod>(new() { Limit = 500 }, default);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var self = Process.GetCurrentProcess();
        var (cpu, clock) = (self.TotalProcessorTime, Stopwatch.StartNew());
        var informer = new Informer<Pod>(transport, ListQuery.All, TimeProvider.System, new() { InitialEvents = way != "list" }, transform: way == "lean" ? Lean : null);
        informer.Cache.AddIndex("node", p => [p.Spec.NodeName]);
        var run = informer.RunAsync(stop.Token);
        await informer.Cache.WhenSyncedAsync(default);
        double wall = clock.Elapsed.TotalMilliseconds;
        self.Refresh();
        double used = (self.TotalProcessorTime - cpu).TotalMilliseconds;
        // The last answer is let go of when the watch is open.
        await Task.Delay(TimeSpan.FromSeconds(3));
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        string peak = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(':')[1].Trim();
        string now = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal)).Split(':')[1].Trim();
        var pod = informer.Cache.All.First();
        Console.WriteLine($"{(protobuf ? "protobuf" : "JSON"),-9}{way,-10}{informer.Cache.All.Count} Pods of {(protobuf ? Pod.Info.ToProto(pod).Length : Pod.Info.ToJson(pod).Length)} bytes: "
            + $"synced after {wall:F0} ms ({used:F0} ms of processor), holds {held / 1048576.0:F1} MB; process {Mega(now)} MB, at most {Mega(peak)} MB");
        await stop.CancelAsync();
        await run;
        return 0;
    }

    /// <summary>Who manages which field is seldom of interest to those who watch.</summary>
    static Pod Lean(Pod pod) => pod with { Metadata = pod.Metadata with { ManagedFields = default } };

    static string Mega(string kilobytes) => (int.Parse(kilobytes.Split(' ')[0], CultureInfo.InvariantCulture) / 1024).ToString(CultureInfo.InvariantCulture);
}
