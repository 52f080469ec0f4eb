using System.Globalization;
using Xunit.Abstractions;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>Whatever goes wrong at whichever write of a controller's work: it comes to the same end, makes nothing twice, and leaves nothing behind.</summary>
/// <remarks>
/// Refused writes and jumping clocks are tried at some writes of each walk. What cuts the controllers off from the server (lost answers, watches that
/// end, restarts) is tried, too, with <c>HANBAE_FAULTS=some</c>, and every fault at every write with <c>HANBAE_FAULTS=all</c>: some of those walks
/// still end wrongly now and then (docs/controllers.md). <c>HANBAE_FAULTS_SEED</c>, a number, chooses other writes.
/// </remarks>
public sealed class FaultTests(ITestOutputHelper output)
{
    const int Tries = 2;
    static readonly Fault[] s_always = [Fault.Conflict, Fault.Refused, Fault.ClockForward, Fault.ClockBack];

    public static TheoryData<string> Names => [.. Walks.All.Select(w => w.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task A_fault_at_any_write_changes_nothing_about_the_end(string name)
    {
        var walk = Walks.All.Single(w => w.Name == name);
        var wanted = await walk.WalkAsync();
        output.WriteLine($"{wanted.Writes} writes, made: {string.Join(", ", wanted.Made.Select(m => $"{m.Key} × {m.Value}"))}");
        int seed = int.TryParse(Environment.GetEnvironmentVariable("HANBAE_FAULTS_SEED"), CultureInfo.InvariantCulture, out int given) ? given : 3;
        string? asked = Environment.GetEnvironmentVariable("HANBAE_FAULTS");
        bool all = asked == "all", some = all || asked == "some";
        output.WriteLine($"HANBAE_FAULTS_SEED={seed}");
        var random = new Random(seed);
        List<(Fault Fault, int At, int Every)> runs = [];
        foreach (var fault in (some ? Enum.GetValues<Fault>() : s_always).Except(walk.Without))
            runs.AddRange((all ? Enumerable.Range(0, wanted.Writes) : Enumerable.Range(0, Tries).Select(_ => random.Next(wanted.Writes))).Distinct().Select(at => (fault, at, 0)));
        // Storms: what goes wrong goes wrong again and again.
        foreach (var fault in some ? (Fault[])[Fault.Conflict, Fault.Refused, Fault.AnswerLost, Fault.WatchCut] : [Fault.Conflict, Fault.Refused]) runs.Add((fault, random.Next(3), 3));

        var wrong = new List<string>();
        await Parallel.ForEachAsync(runs, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (run, _) =>
        {
            lock (wrong) if (wrong.Count >= 3) return;
            if (await walk.WalkAsync(wanted, run.Fault, run.At, run.Every) is { } what) lock (wrong) wrong.Add(what);
        });
        Assert.True(wrong.Count == 0, $"HANBAE_FAULTS_SEED={seed}\n" + string.Join("\n\n", wrong));
    }
}
