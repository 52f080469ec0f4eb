using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Tests.Plugins;

/// <summary>The points that nodes get for spreading are upstream's, to the last one.</summary>
public sealed class SpreadScoreTests
{
    /// <param name="nodes">Name, and zone where it has one (<c>-</c>: not even a host name; <c>!</c>: tainted; <c>*</c>: what the Pod selects); <c>~</c> before one that does not fit.</param>
    /// <param name="pods">Node, and the labels of each Pod there; <c>x</c> is one that ends, <c>o</c> one of another namespace.</param>
    /// <param name="constraints">Skew, topology, label that is selected (none: nobody; <c>any</c>: everybody), and what else is said.</param>
    [Theory]
    // Over hosts.
    [InlineData("a;b", "", "1 host foo", "100 100")]
    [InlineData("a;~b", "a foo foo;b foo", "1 host foo", "100")]
    [InlineData("a;b", "a foo;b foo", "1 host foo", "100 100")]
    [InlineData("a;b;c;d", "a foo foo;b foo;d foo foo foo", "1 host foo", "20 60 100 0")]
    [InlineData("a;b;c;d", "a foo foo;b foo;d foo foo foo", "1 host none", "100 100 100 100")]
    [InlineData("a;b;c;d", "a foo foo;b foo;d foo foo foo", "2 host foo", "33 66 100 16")]
    [InlineData("a;b;c;d", "a foo foo foo foo;b foo foo foo;c foo foo;d foo", "3 host foo", "44 66 77 100")]
    [InlineData("a;b;x;~y", "a foo foo foo foo;b foo foo;x foo;y foo foo foo", "1 host foo", "33 83 100")]
    [InlineData("a;b -;x;~y", "a foo foo foo foo;b foo foo;x foo;y foo foo foo", "1 host foo", "16 0 100")]
    [InlineData("a;b", "a foo foo+o;b foo foo", "1 host foo", "100 33")]
    [InlineData("a;b", "a foo+x;b foo", "1 host foo", "100 0")]
    // Over zones, where the Pods of nodes that do not fit count as well.
    [InlineData("a 1;b 1;x 2;~y 2", "a foo foo foo foo;b foo foo;x foo;y foo foo foo", "1 zone foo", "75 75 100")]
    [InlineData("a 1;x 2;~b 1;~y 2", "a foo foo;b foo;x foo foo;y foo foo foo foo", "1 zone foo;1 host foo", "100 63")]
    [InlineData("a 1;x 2;~b 1;~y 2", "a foo+bar foo;b foo+bar;y foo foo+bar foo", "1 zone foo;1 zone bar", "85 100")]
    [InlineData("a 1;b 1;x 2;y 2", "a foo;b foo+bar;y foo bar", "1 zone foo;1 host bar", "60 20 100 60")]
    [InlineData("a 1;b 1;x 2;y 2", "b bar;x foo;y foo+bar", "1 zone foo;1 host bar", "100 60 40 0")]
    [InlineData("a 1;b 1;x 2;~y 2", "a foo;b foo+bar;y foo bar", "1 zone foo;1 host bar", "50 25 100")]
    // How few domains there may be is no concern of a wish.
    [InlineData("a a;b b;c c", "a foo foo;b foo foo;c foo", "2 zone foo min10", "75 75 100")]
    // Nodes that the Pod may not go to have Pods that count, or not.
    [InlineData("a a*;b b*;c c", "a foo foo;b foo;c foo", "1 zone foo selects", "0 33 100")]
    [InlineData("a a*;b b*;c c", "a foo foo;b foo;c foo", "1 zone foo selects ignored", "66 100 100")]
    [InlineData("a a;b b;c c!", "a foo foo;b foo;c foo", "1 zone foo taints", "0 33 100")]
    [InlineData("a a;b b;c c!", "a foo foo;b foo;c foo", "1 zone foo", "66 100 100")]
    // Keys of labels narrow what is selected.
    [InlineData("a 1;b 1;c 2;d 2", "a foo;b foo+bar;c foo bar", "1 zone any key:foo;1 host any key:bar", "60 20 60 100")]
    [InlineData("a 1;b 1;c 2;d 2", "a foo;b foo+bar+baz;c foo bar bar+baz", "1 zone foo;1 host bar key:baz", "60 20 60 100")]
    public void A_wish_to_spread_is_worth(string nodes, string pods, string constraints, string points) =>
        Assert.Equal(points, Score(new(), nodes, pods, s => s with { TopologySpreadConstraints = [.. constraints.Split(';').Select(Constraint)] }, constraints.Contains("selects", StringComparison.Ordinal)));

    [Theory]
    [InlineData("a;b;c;d", "a foo foo foo foo;b foo foo foo;c foo foo;d foo", "44 66 77 100")]
    // Nodes without a zone are one zone more: by how many there are it counts how many Pods a zone has.
    [InlineData("a m;b m;c;d", "a foo foo foo;b foo;c foo;d foo", "23 47 100 100")]
    public void Pods_of_a_Service_are_spread_by_default(string nodes, string pods, string points) => Assert.Equal(points, Score(new(), nodes, pods, s => s, false, topology: "topology.kubernetes.io/zone"));

    static string Score(Configuration.PodTopologySpreadArgs args, string nodes, string pods, Func<PodSpec, PodSpec> change, bool selects, string topology = "zone")
    {
        List<string> fits = [];
        var made = nodes.Split(';').Select(n =>
        {
            var said = n.Split(' ');
            string name = said[0].TrimStart('~'), zone = said.ElementAtOrDefault(1)?.TrimEnd('!', '*') ?? "";
            if (name == said[0]) fits.Add(name);
            var node = Make.Node(name);
            if (zone == "-") return node with { Metadata = node.Metadata with { Labels = default } };
            if (zone.Length > 0) node = node.Labels((topology, zone));
            if (n.EndsWith('*')) node = node.Labels(("picked", "yes"));
            return n.EndsWith('!') ? node.Taint("k") : node;
        }).ToArray();
        var snapshot = Make.Snapshot(made);
        snapshot.Owners.SetService(new("default", "all"), Map.Of(("foo", "")));
        int at = 0;
        foreach (string there in pods.Split(';', StringSplitOptions.RemoveEmptyEntries))
            foreach (string labels in there.Split(' ')[1..])
            {
                var pod = Make.Pod($"p{at++}");
                var marks = labels.Split('+');
                snapshot.Place((pod with
                {
                    Metadata = pod.Metadata with
                    {
                        Namespace = marks.Contains("o") ? "other" : "default", DeletionTimestamp = marks.Contains("x") ? DateTimeOffset.UnixEpoch : null,
                        Labels = Map.Of([.. marks.Where(m => m.Length > 1).Select(m => (m, ""))]),
                    },
                }).Info(), there.Split(' ')[0]);
            }
        var asked = Make.Pod("it").With(s => change(selects ? s with { NodeSelector = Map.Of(("picked", "yes")) } : s));
        var it = (asked with { Metadata = asked.Metadata with { Labels = Map.Of(("foo", ""), ("bar", ""), ("baz", "")) } }).Info();
        var plugin = new PodTopologySpread(args);
        NodeInfo[] among = [.. fits.Select(f => snapshot.Find(f)!)];
        if (!plugin.PreScore(it, snapshot, among)) return "nothing";
        long[] scores = [.. among.Select(n => plugin.Score(it, n))];
        plugin.Normalize(it, among, scores);
        return string.Join(' ', scores);
    }

    static TopologySpreadConstraint Constraint(string said)
    {
        var words = said.Split(' ');
        var c = new TopologySpreadConstraint
        {
            MaxSkew = int.Parse(words[0]), TopologyKey = words[1] == "host" ? "kubernetes.io/hostname" : words[1], WhenUnsatisfiable = "ScheduleAnyway",
            LabelSelector = words[2] switch { "none" => null, "any" => new(), var label => new() { MatchLabels = Map.Of((label, "")) } },
        };
        foreach (string word in words[3..])
            c = word.Split(':') switch
            {
                ["min10"] => c with { MinDomains = 10 },
                ["ignored"] => c with { NodeAffinityPolicy = "Ignore" },
                ["taints"] => c with { NodeTaintsPolicy = "Honor" },
                ["key", var key] => c with { MatchLabelKeys = [key] },
                _ => c,
            };
        return c;
    }
}
