using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Tests.Plugins;

/// <summary>The points that nodes get for Pods' wishes about each other are upstream's.</summary>
public sealed class AffinityScoreTests
{
    /// <param name="nodes">Region (C or I) and zone (1 or 2) of each, either may be missing.</param>
    /// <param name="pods">Node, value of its label, and what it wishes; <c>team</c> is one of a namespace of the team.</param>
    /// <param name="pod">Value of the Pod's label, and what it wishes; see <see cref="Wish"/>.</param>
    [Theory]
    [InlineData("C;I;1", "0 S1;1 S2;2 S1", "S1 near5:S1", "100 0 0")]
    [InlineData("C;C1;I", "0 S1", "- near5:S1", "100 100 0")]
    [InlineData("C;I;C;C;I", "0 S2;0 S2;1 S2;2 S2;3 S2;4 S2", "S1 near6:S2", "100 0 100 100 0")]
    [InlineData("C;I;1", "0 S1;1 S2;2 S1", "S1 near8:!S1,S2 near2:any", "20 100 0")]
    // What others wish counts as well, and what they demand a little.
    [InlineData("C;I;1", "0 S1 near5:S1;1 S2 near6:S2", "S2", "0 100 0")]
    [InlineData("C;I;1", "0 S1 near5:S1@team;1 S2 near6:S2", "S1 team", "100 0 0")]
    [InlineData("C;I;1", "0 S1 away5:S1@team;1 S2 near6:S2", "S1 team", "0 100 100")]
    [InlineData("C;I;1", "0 S1 must:S1;1 S2 must:S1", "S1", "100 100 0")]
    [InlineData("C;I;1", "0 S1 must:S1;1 S2 must:S1;1 S2 must:S1", "S1", "50 100 0")]
    [InlineData("1;C", "0 S1;1 S2", "S1 far5:S1", "0 100")]
    [InlineData("1;C", "0 S1;1 S1", "S1 far5:S1", "0 100")]
    [InlineData("1;I", "0 S1;0 S1;1 S2", "S1 far5:S1", "0 100")]
    [InlineData("1;2", "0 S1 far5:S2;1 S2 far5:S1", "S2", "0 100")]
    [InlineData("C;1", "0 S1;1 S1", "S1 near8:S1 far5:S2", "100 0")]
    [InlineData("C1;I;C;C;I", "0 S1;0 S1;1 S1;2 S1;2 S1;3 S1;4 S1", "S1 near8:S1 far5:S2", "100 0 100 100 0")]
    [InlineData("C;1;I;2", "0 S1;1 S2;2 - near8:S1 far5:S2;3 - far5:S1", "S1 near8:S1 far5:S2", "100 0 100 0")]
    // The same for all nodes is nothing for any.
    [InlineData("C;C", "0 S1;1 - near8:S1 far5:S2", "S1", "0 0")]
    // Nobody has a wish: nothing to say.
    [InlineData("C;I;1", "0 S1;1 S2", "S1", "nothing")]
    public void Wishes_about_Pods_are_worth(string nodes, string pods, string pod, string points) => Assert.Equal(points, Score(new(), nodes, pods, pod));

    [Theory]
    [InlineData(1, "50 100 0")]
    [InlineData(0, "0 0 0")]
    public void How_much_the_demands_of_others_weigh_is_said(int weight, string points) =>
        Assert.Equal(points, Score(new() { HardPodAffinityWeight = weight }, "C;I;1", "0 S1 must:S1;1 S2 must:S1;1 S2 must:S1", "S1"));

    [Theory]
    [InlineData(true, "S1", "nothing")]
    [InlineData(false, "S1", "100 0")]
    [InlineData(true, "S1 near5:S2", "100 0")]
    public void Wishes_of_others_may_be_passed_over_for_Pods_without_any(bool ignores, string pod, string points) =>
        Assert.Equal(points, Score(new() { IgnorePreferredTermsOfExistingPods = ignores }, "C;I", "0 - near10:S1;1 S2", pod));

    static string Score(InterPodAffinityArgs args, string nodes, string pods, string pod)
    {
        var made = nodes.Split(';').Select((n, i) =>
        {
            var node = Make.Node("n" + i);
            if (n.Any(char.IsLetter)) node = node.Labels(("region", n[..1]));
            return n.Any(char.IsDigit) ? node.Labels(("az", n[^1..])) : node;
        }).ToArray();
        var snapshot = Make.Snapshot(made);
        foreach (var (name, team) in new[] { ("team", "team1"), ("default", "") }) snapshot.SetNamespace(name, Map.Of(("team", team)));
        int at = 0;
        foreach (string said in pods.Split(';'))
        {
            var words = said.Split(' ');
            snapshot.Place(Of("p" + at++, words[1..]), "n" + words[0]);
        }
        var it = Of("it", pod.Split(' '));
        var plugin = new InterPodAffinity(args);
        if (!plugin.PreScore(it, snapshot, snapshot.Nodes)) return "nothing";
        long[] scores = new long[made.Length];
        // In the order in which they were named; a snapshot's is by zones.
        for (int i = 0; i < made.Length; i++) scores[i] = plugin.Score(it, snapshot.Find("n" + i)!);
        plugin.Normalize(it, snapshot.Nodes, scores);
        return string.Join(' ', scores);
    }

    static PodInfo Of(string name, string[] words)
    {
        var pod = Make.Pod(name);
        var affinity = new Affinity();
        foreach (string word in words[1..])
        {
            if (word == "team") continue;
            affinity = Wish(affinity, word);
        }
        return (pod with
        {
            Metadata = pod.Metadata with { Namespace = words.Contains("team") ? "team" : "default", Labels = words[0] == "-" ? default : Map.Of(("security", words[0])) },
            Spec = pod.Spec with { Affinity = words.Length > 1 ? affinity : null },
        }).Info();
    }

    /// <summary><c>near</c> and <c>away</c>: by region; <c>far</c>: away by zone; <c>must</c>: a demand, two terms of it; then the weight, and after a colon whom.</summary>
    static Affinity Wish(Affinity affinity, string word)
    {
        var (how, whom) = (word.Split(':')[0], word.Split(':', '@')[1]);
        var term = new PodAffinityTerm
        {
            TopologyKey = how.StartsWith("far", StringComparison.Ordinal) ? "az" : "region",
            LabelSelector = new()
            {
                MatchExpressions = whom == "any" ? [new() { Key = "security", Operator = "Exists" }, new() { Key = "wrong", Operator = "DoesNotExist" }]
                    : [.. whom.Split(',').Select(v => v[0] == '!' ? new LabelSelectorRequirement { Key = "security", Operator = "NotIn", Values = [v[1..]] } : new() { Key = "security", Operator = "In", Values = [v] })],
            },
        };
        if (word.EndsWith("@team", StringComparison.Ordinal)) term = term with { Namespaces = ["elsewhere"], NamespaceSelector = new() { MatchLabels = Map.Of(("team", "team1")) } };
        if (how == "must")
        {
            var demands = affinity.PodAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? [];
            return affinity with { PodAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [.. demands, term] } };
        }
        var weighted = new WeightedPodAffinityTerm { Weight = how[^1] == '0' ? 10 : how[^1] - '0', PodAffinityTerm = term };
        if (how.StartsWith("near", StringComparison.Ordinal))
            return affinity with { PodAffinity = new() { PreferredDuringSchedulingIgnoredDuringExecution = [.. affinity.PodAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? [], weighted] } };
        return affinity with { PodAntiAffinity = new() { PreferredDuringSchedulingIgnoredDuringExecution = [.. affinity.PodAntiAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? [], weighted] } };
    }
}
