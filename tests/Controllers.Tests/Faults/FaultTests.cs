using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>Whatever goes wrong at whichever write of a controller's work: it comes to the same end, makes nothing twice, and leaves nothing behind.</summary>
/// <remarks>
/// Every fault is tried with every walk, at one write, and again and again; with <c>HANBAE_FAULTS=all</c> at every write. Which writes follows from
/// a seed that is drawn and told; <c>HANBAE_FAULTS_SEED</c> repeats one.
/// </remarks>
public sealed class FaultTests(ITestOutputHelper output)
{
    const int Often = 3, Seldom = 11;
    /// <summary>An event of a Pod with all that it holds is shorter.</summary>
    const int MostBytes = 4000;

    public static TheoryData<string> Names => [.. Walks.All.Select(w => w.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task A_fault_at_any_write_changes_nothing_about_the_end(string name)
    {
        var walk = Walks.All.Single(w => w.Name == name);
        int seed = int.TryParse(Environment.GetEnvironmentVariable("HANBAE_FAULTS_SEED"), CultureInfo.InvariantCulture, out int given) ? given : Random.Shared.Next(1_000_000);
        string told = $"HANBAE_FAULTS_SEED={seed}";
        output.WriteLine(told);
        var wanted = await walk.WalkAsync();
        output.WriteLine($"{wanted.Writes} writes, made: {string.Join(", ", wanted.Made.SelectMany(m => m).Select(m => $"{m.Key} × {m.Value}"))}");
        bool all = Environment.GetEnvironmentVariable("HANBAE_FAULTS") == "all";
        var random = new Random(seed);
        List<Happening> runs = [];
        foreach (var fault in Enum.GetValues<Fault>().Except(walk.Without))
        {
            foreach (int at in all ? Enumerable.Range(0, wanted.Writes) : [random.Next(wanted.Writes)]) runs.Add(new(fault, at, 0, random.Next(MostBytes)));
            // Storms: what goes wrong goes wrong again and again. A watch that has been away again and again takes its time to come back.
            int every = fault switch
            {
                Fault.Conflict or Fault.Refused or Fault.AnswerLost => Often,
                Fault.WatchCut or Fault.WatchTorn => all ? Often : Seldom,
                Fault.WatchExpired or Fault.ServerRestart or Fault.ControllersRestart => Seldom,
                _ => 0,
            };
            if (every > 0) runs.Add(new(fault, random.Next(Math.Min(every, wanted.Writes)), every, random.Next(MostBytes)));
        }

        var wrong = new List<string>();
        await Parallel.ForEachAsync(runs, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (run, _) =>
        {
            lock (wrong) if (wrong.Count >= 3) return;
            var begun = Stopwatch.StartNew();
            if (await walk.WalkAsync(wanted, run) is { } what) lock (wrong) wrong.Add(what);
            lock (wrong) output.WriteLine($"{begun.Elapsed.TotalSeconds:F1} s: {run}");
        });
        Assert.True(wrong.Count == 0, told + "\n" + string.Join("\n\n", wrong));
    }
}
