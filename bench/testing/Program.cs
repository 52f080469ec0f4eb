using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Testing;

namespace Hanbae.Bench.Testing;

/// <summary>What a test cluster costs: <c>dotnet run -c Release --project bench/testing [-- clusters]</c>.</summary>
/// <remarks>From the call to a namespace that was written, with all controllers and the scheduler: the first cluster of the process, and those after it.</remarks>
static class Program
{
    static async Task Main(string[] args)
    {
        int count = args.Length > 0 ? int.Parse(args[0]) : 100;
        Console.WriteLine($"{Environment.ProcessorCount} processors, .NET {Environment.Version}");
        Console.WriteLine($"first cluster      {await AnswerAsync():N0} ms");
        var warm = new List<double>();
        for (int i = 0; i < 20; i++) warm.Add(await AnswerAsync());
        warm.Sort();
        Console.WriteLine($"clusters after it  {warm[10]:N0} ms (median of 20), {warm[0]:N0} ms (best)");

        using var self = Process.GetCurrentProcess();
        long before = Memory();
        var (cpu, clock) = (self.TotalProcessorTime, Stopwatch.StartNew());
        var clusters = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => TestCluster.StartAsync()));
        await Task.WhenAll(clusters.Select(c => c.WhenAsync<ServiceAccount>(new("default", "default"), a => a is not null)));
        self.Refresh();
        Console.WriteLine($"{count} at once        {clock.ElapsedMilliseconds:N0} ms, {(self.TotalProcessorTime - cpu).TotalMilliseconds / count:N1} ms of a core and {(Memory() - before) / 1024 / count:N0} kB each");
        clock.Restart();
        var forks = await Task.WhenAll(clusters.Select(c => c.ForkAsync()));
        Console.WriteLine($"{count} forks of them  {clock.ElapsedMilliseconds:N0} ms");
        clock.Restart();
        foreach (var cluster in clusters.Concat(forks)) await cluster.DisposeAsync();
        Console.WriteLine($"all stopped        {clock.ElapsedMilliseconds:N0} ms");
    }

    static async Task<double> AnswerAsync()
    {
        var clock = Stopwatch.StartNew();
        await using var cluster = await TestCluster.StartAsync();
        await cluster.Client.CreateAsync(new Namespace { Metadata = new() { Name = "mine" } }, CancellationToken.None);
        return clock.Elapsed.TotalMilliseconds;
    }

    static long Memory() => GC.GetTotalMemory(forceFullCollection: true);
}
