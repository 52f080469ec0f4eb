// How many Pods a second the scheduler decides for and binds, by scheduler_perf's workloads:
//   dotnet run -c Release --project bench/scheduler [part of a workload's name] [runs (1)] [--bare]
// The scheduler is the real one, a client of a real API server over a memory store in the same process: Pods made, bound, refused, displaced
// and the Events about them are written and watched, as scheduler_perf counts them. --bare: an API that costs nothing and answers at once.
using System.Diagnostics;
using Hanbae.Api.Core.V1;
using Hanbae.Bench.Scheduler;

// What Pods that wait cost in memory: dotnet run … pending 100000
if (args is ["pending", var many]) { await PendingAsync(int.Parse(many)); return; }
bool bare = args.Contains("--bare");
string[] plain = [.. args.Where(a => !a.StartsWith('-'))];
string part = plain.Length > 0 ? plain[0] : "";
int runs = plain.Length > 1 ? int.Parse(plain[1]) : 1;
Console.WriteLine($"{(bare ? "an API that costs nothing" : "API server in process, memory store")}; load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}, {Environment.ProcessorCount} processors");
Console.WriteLine($"{"workload",-58} {"Pods/s",9} {"p50",9} {"p99 decision",13} {"CPU a Pod",10} {"allocated",10} {"refusals",9}   published");
foreach (var workload in Workload.All.Where(w => w.Name.Contains(part, StringComparison.OrdinalIgnoreCase)))
    for (int run = 0; run < runs; run++) await RunAsync(workload, bare);

static async Task RunAsync(Workload workload, bool bare)
{
    await using IBackend cluster = bare ? new Bare() : await Served.MakeAsync();
    foreach (string ns in new[] { "sched", "sched-setup" }) await cluster.AddAsync(new Namespace { Metadata = new() { Name = ns } });
    await ManyAsync(workload.Nodes, i => cluster.AddAsync(workload.Node(i)));
    var decisions = new Decisions();
    await cluster.StartAsync(decisions.Add);

    for (int kind = 0; kind < workload.Before.Length; kind++)
    {
        var make = workload.Before[kind];
        var bound = workload.Waits ? Task.CompletedTask : cluster.ExpectAsync(workload.BeforeCount[kind]);
        await ManyAsync(workload.BeforeCount[kind], i => make(i) is { } pod ? cluster.AddAsync(pod) : Task.CompletedTask);
        await bound;
    }
    if (workload.Volumes) await ManyAsync(workload.Pods, async i => { var (volume, claim) = workload.Bound(i); await cluster.AddAsync(volume); await cluster.AddAsync(claim); });

    GC.Collect();
    int refusals = cluster.Refusals;
    decisions.Begin();
    var process = Process.GetCurrentProcess();
    var cpu = process.TotalProcessorTime;
    long allocated = GC.GetTotalAllocatedBytes();
    var watch = Stopwatch.StartNew();
    var done = cluster.ExpectAsync(workload.Pods);
    using var stop = new CancellationTokenSource();
    var churn = workload.Churns ? ChurnAsync(cluster, stop.Token) : Task.CompletedTask;
    // The Pods' making is measured with them, as it is upstream.
    await ManyAsync(workload.Pods, i => cluster.AddAsync(workload.Pod(i)));
    string result;
    try
    {
        await done.WaitAsync(TimeSpan.FromMinutes(3));
        double seconds = watch.Elapsed.TotalSeconds;
        process.Refresh();
        var (p50, p99) = decisions.Percentiles();
        result = $"{workload.Pods / seconds,9:N0} {p50.TotalMicroseconds,6:F0} µs {p99.TotalMicroseconds,10:F0} µs {(process.TotalProcessorTime - cpu).TotalMicroseconds / workload.Pods,7:F0} µs {(GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / workload.Pods,7:F1} KB {cluster.Refusals - refusals,9}";
    }
    catch (TimeoutException) { result = $"not done after three minutes; {cluster.Bound} bound, {cluster.Deleted} deleted, {cluster.Refusals} refusals"; }
    Console.WriteLine($"{workload.Name,-58} {result}   {workload.Published}");
    await stop.CancelAsync();
    await churn;
}

// Sixteen at a time, as scheduler_perf's client does with its queries a second unlimited.
static Task ManyAsync(int count, Func<int, Task> make) =>
    Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) => await make(i));

static async Task ChurnAsync(IBackend cluster, CancellationToken ct)
{
    for (int i = 0; !ct.IsCancellationRequested; i++)
    {
        var (node, pod, service) = (Workload.Passing(i), Workload.TooLarge(i), Workload.PassingService(i));
        await cluster.AddAsync(node);
        await cluster.AddAsync(pod);
        await cluster.AddAsync(service);
        await Task.Delay(500, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await cluster.RemoveAsync(node);
        await cluster.RemoveAsync(pod);
        await cluster.RemoveAsync(service);
        await Task.Delay(500, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

static async Task PendingAsync(int pods)
{
    await using var cluster = new Bare();
    await cluster.AddAsync(new Namespace { Metadata = new() { Name = "sched" } });
    var basic = Workload.All[0];
    for (int i = 0; i < pods; i++) await cluster.AddAsync(basic.Pod(i));
    while (cluster.CacheOf<Pod>().All.Count < pods) await Task.Yield();
    long before = GC.GetTotalMemory(forceFullCollection: true);
    var watch = Stopwatch.StartNew();
    await cluster.StartAsync(_ => { });
    // Without a node each is looked at, refused and set aside.
    while (cluster.Refusals < pods) await Task.Delay(50);
    double seconds = watch.Elapsed.TotalSeconds;
    long after = GC.GetTotalMemory(forceFullCollection: true);
    Console.WriteLine($"{pods:N0} Pods pending at the start: each refused once after {seconds:F1} s; the Pods themselves {before / 1024.0 / pods:F2} KB each, the scheduler's part {(after - before) / 1024.0 / pods:F2} KB each, {after / (1024.0 * 1024):F0} MB in all");
}

/// <summary>How long decisions took.</summary>
sealed class Decisions
{
    readonly Lock _lock = new();
    readonly List<TimeSpan> _took = [];

    public void Begin() { lock (_lock) _took.Clear(); }
    public void Add(TimeSpan took) { lock (_lock) _took.Add(took); }

    public (TimeSpan P50, TimeSpan P99) Percentiles()
    {
        lock (_lock)
        {
            if (_took.Count == 0) return default;
            _took.Sort();
            return (_took[_took.Count / 2], _took[_took.Count * 99 / 100]);
        }
    }
}
