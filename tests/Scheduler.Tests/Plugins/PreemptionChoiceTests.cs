using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Tests.Plugins;

/// <summary>Who has to go, and from which node, is whom upstream sends away.</summary>
public sealed class PreemptionChoiceTests
{
    /// <param name="pod">The Pod's priority (<see cref="Priority"/>) and the cpu it asks for; a node has five.</param>
    /// <param name="nodes">Of each node its Pods: priority, cpu, and when they started.</param>
    /// <param name="chosen">The node, and who leaves it by their places there.</param>
    [Theory]
    [InlineData("high 3", "mid3", "1: 1")]
    // The small one may stay: its going alone would not do, and it is not in the way.
    [InlineData("high 3", "low1 mid3", "1: 2")]
    [InlineData("high 3", "mid1 low1 mid2 high1|high3", "1: 3 2")]
    // Of equals who came last goes.
    [InlineData("high 3", "low1@5 low1@4 mid2@3 high1@2|high3@1", "1: 3 1")]
    // Where more important ones stay is no room.
    [InlineData("mid 3", "high3|mid3", "")]
    [InlineData("low 3", "mid3|mid3", "")]
    [InlineData("high 5", "mid3|low3", "2: 1")]
    // The least important of the most important, then the least sum, then the fewest, then who started last.
    [InlineData("high 5", "mid2 mid3|mid3 low2|mid2 mid2", "2: 1 2")]
    [InlineData("high 5", "mid1 neg1 mid1 neg1|mid3 neg2|mid2 neg1 low1", "2: 1 2")]
    [InlineData("high 5", "mid1 neg1 neg1|mid3 neg2|mid2 neg1 low1", "2: 1 2")]
    [InlineData("top 5", "mid1 low1 low1|high3|mid2 low1 low1 low2|mid2 mid1 mid1 neg1", "1: 1 2 3")]
    [InlineData("high 5", "mid2@2 mid2@2|mid2@3 mid2@3|mid2@1 mid2@1", "2: 1 2")]
    [InlineData("high 5", "mid2@4 mid2@2|mid2@5 mid2@1|mid2@3 mid2@6", "3: 1 2")]
    [InlineData("high 5", "low2@4 mid2@2|mid2@6 low2@1|low2@3 mid2@5", "2: 1 2")]
    public void The_node_and_its_victims(string pod, string nodes, string chosen) => Assert.Equal(chosen, Chosen(pod, nodes));

    /// <param name="allowed">What the budget of all Pods of the node allows.</param>
    /// <param name="disrupted">Whose disruption it has counted.</param>
    [Theory]
    [InlineData("mid2 mid2", 0, "", 2)]
    [InlineData("mid2 mid2", 1, "", 1)]
    [InlineData("mid2 mid2", 2, "", 0)]
    [InlineData("mid2 mid2", 1, "p9-9", 1)]
    [InlineData("mid2 mid2", 1, "p1-2", 0)]
    [InlineData("mid2 mid2 mid2", 1, "p1-3", 1)]
    [InlineData("mid2 mid2 mid2", 0, "p1-1 p1-2 p1-3", 0)]
    public void Broken_budgets_are_counted(string pods, int allowed, string disrupted, int broken)
    {
        var snapshot = Cluster(pods);
        snapshot.Budgets.Set(new()
        {
            Metadata = new() { Name = "b", Namespace = "default" }, Spec = new() { Selector = new() { MatchLabels = Map.Of(("app", "foo")) } },
            Status = new() { DisruptionsAllowed = allowed, DisruptedPods = Map.Of([.. disrupted.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(d => (d, (DateTimeOffset?)DateTimeOffset.UnixEpoch))]) },
        });
        var candidate = Assert.Single(Candidates(Asked("high 5"), snapshot));
        Assert.Equal((broken, pods.Split(' ').Length), (candidate.Violations, candidate.Victims.Count));
    }

    /// <summary>Priority and cpu of a Pod.</summary>
    static PodInfo Asked(string pod) => Make.Pod("it", pod.Split(' ')[1], priority: Priority(pod.Split(' ')[0])).Info();

    static int Priority(string name) => name switch { "neg" => -100, "low" => 0, "mid" => 100, "high" => 1000, _ => 10_000 };

    static string Chosen(string pod, string nodes)
    {
        var snapshot = Cluster(nodes);
        var best = DefaultPreemption.Pick(Candidates(Asked(pod), snapshot));
        return best is null ? "" : $"{best.Node.Name[1..]}: {string.Join(' ', best.Victims.Select(v => v.Key.Name.Split('-')[1]))}";
    }

    static List<DefaultPreemption.Candidate> Candidates(PodInfo pod, Snapshot snapshot)
    {
        var cycle = new Cycle(new Profile(new()), new Random(4));
        Assert.Null(cycle.Find(pod, snapshot, remember: false));
        Assert.Empty(cycle.Fits);
        return cycle.None(pod, [], offer: true).Candidates ?? [];
    }

    static Snapshot Cluster(string said)
    {
        var nodes = said.Split('|');
        var snapshot = Make.Snapshot([.. nodes.Select((_, i) => Make.Node($"n{i + 1}", "5"))]);
        for (int n = 0; n < nodes.Length; n++)
        {
            int at = 0;
            foreach (string words in nodes[n].Split(' '))
            {
                var (what, when) = (words.Split('@')[0], words.Split('@').ElementAtOrDefault(1));
                var pod = Make.Pod($"p{n + 1}-{++at}", what[^1..], priority: Priority(what[..^1]));
                snapshot.Place((pod with
                {
                    Metadata = pod.Metadata with { Labels = Map.Of(("app", "foo")) },
                    Status = new() { StartTime = DateTimeOffset.UnixEpoch.AddMinutes(when is null ? 0 : int.Parse(when)) },
                }).Info(), $"n{n + 1}");
            }
        }
        return snapshot;
    }
}
