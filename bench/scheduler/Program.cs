// How many Pods a second the scheduler decides for and binds, by scheduler_perf's workloads:
//   dotnet run -c Release --project bench/scheduler [part of a workload's name] [runs (1)]
// The scheduler is the real one, with its caches, queue and bindings; the API behind it costs nothing and answers at once.
using System.Diagnostics;
using Hanbae.Api.Core.V1;
using Hanbae.Bench.Scheduler;
using Hanbae.Scheduler;

// What Pods that wait cost in memory: dotnet run … pending 100000
if (args is ["pending", var many]) { await PendingAsync(int.Parse(many)); return; }
string part = args.Length > 0 ? args[0] : "";
int runs = args.Length > 1 ? int.Parse(args[1]) : 1;
Console.WriteLine($"{"workload",-58} {"Pods/s",9} {"CPU a Pod",10} {"allocated",10} {"refusals",9}   published");
foreach (var workload in Workload.All.Where(w => w.Name.Contains(part, StringComparison.OrdinalIgnoreCase)))
    for (int run = 0; run < runs; run++) await RunAsync(workload);

static async Task RunAsync(Workload workload)
{
    using var stop = new CancellationTokenSource();
    var cluster = new Cluster();
    foreach (string ns in new[] { "sched", "sched-setup" }) cluster.Add(new Namespace { Metadata = new() { Name = ns } });
    for (int i = 0; i < workload.Nodes; i++) cluster.Add(workload.Node(i));
    var running = Task.WhenAll(cluster.PumpAsync(stop.Token), Task.Run(() => new Hanbae.Scheduler.Scheduler(cluster, new SchedulerOptions()).RunAsync(stop.Token)));

    int before = 0;
    for (int kind = 0; kind < workload.Before.Length; kind++)
    {
        bool waits = workload.Name.StartsWith("Unsched", StringComparison.Ordinal) || workload.Name.Contains("Gated", StringComparison.Ordinal);
        var bound = waits ? Task.CompletedTask : cluster.ExpectAsync(workload.BeforeCount[kind]);
        for (int i = 0; i < workload.BeforeCount[kind]; i++) if (workload.Before[kind](i) is { } pod) { cluster.Add(pod); before++; }
        await bound;
    }

    GC.Collect();
    int refusals = cluster.Refusals;
    var process = Process.GetCurrentProcess();
    var cpu = process.TotalProcessorTime;
    long allocated = GC.GetTotalAllocatedBytes();
    var watch = Stopwatch.StartNew();
    var done = cluster.ExpectAsync(workload.Pods);
    // The Pods' making is measured with them, as it is upstream.
    for (int i = 0; i < workload.Pods; i++) cluster.Add(workload.Pod(i));
    string result;
    try
    {
        await done.WaitAsync(TimeSpan.FromMinutes(3));
        double seconds = watch.Elapsed.TotalSeconds;
        process.Refresh();
        result = $"{workload.Pods / seconds,9:N0} {(process.TotalProcessorTime - cpu).TotalMicroseconds / workload.Pods,7:F0} µs {(GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / workload.Pods,7:F1} KB {cluster.Refusals - refusals,9}";
    }
    catch (TimeoutException) { result = $"not done after three minutes; {cluster.Bound - before} bound, {cluster.Deleted} deleted, {cluster.Refusals} refusals"; }
    Console.WriteLine($"{workload.Name,-58} {result}   {workload.Published}");
    await stop.CancelAsync();
    await running.ContinueWith(_ => { }, TaskScheduler.Default);
}

static async Task PendingAsync(int pods)
{
    using var stop = new CancellationTokenSource();
    var cluster = new Cluster();
    cluster.Add(new Namespace { Metadata = new() { Name = "sched" } });
    var basic = Workload.All[0];
    var pump = cluster.PumpAsync(stop.Token);
    for (int i = 0; i < pods; i++) cluster.Add(basic.Pod(i));
    while (cluster.CacheOf<Pod>().All.Count < pods) await Task.Yield();
    long before = GC.GetTotalMemory(forceFullCollection: true);
    var watch = Stopwatch.StartNew();
    var scheduler = Task.Run(() => new Hanbae.Scheduler.Scheduler(cluster, new SchedulerOptions()).RunAsync(stop.Token));
    // Without a node each is looked at, refused and set aside.
    while (Volatile.Read(ref cluster.Refusals) < pods) await Task.Delay(50);
    double seconds = watch.Elapsed.TotalSeconds;
    long after = GC.GetTotalMemory(forceFullCollection: true);
    Console.WriteLine($"{pods:N0} Pods pending at the start: each refused once after {seconds:F1} s; the Pods themselves {before / 1024.0 / pods:F2} KB each, the scheduler's part {(after - before) / 1024.0 / pods:F2} KB each, {after / (1024.0 * 1024):F0} MB in all");
    await stop.CancelAsync();
    await Task.WhenAll(pump, scheduler).ContinueWith(_ => { }, TaskScheduler.Default);
}
