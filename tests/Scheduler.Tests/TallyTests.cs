using Hanbae.Api;
using Hanbae.Scheduler.Tallies;

namespace Hanbae.Scheduler.Tests;

public sealed class TallyTests
{
    /// <summary>More than are kept at a time, so that counts are dropped and begun anew.</summary>
    const int Apps = 700;

    [Fact]
    public void Counts_are_what_a_recount_finds_however_they_were_begun()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        var snapshot = new Snapshot();
        Dictionary<string, (PodInfo Pod, string Node)> placed = [];
        HashSet<string> nodes = [];
        for (int step = 0; step < 6_000; step++)
        {
            string node = "n" + random.Next(8), pod = "p" + random.Next(400);
            switch (random.Next(12))
            {
                case 0: snapshot.Set(Make.Node(node).Labels(("topology.kubernetes.io/zone", "z" + random.Next(3)))); nodes.Add(node); break;
                case 1 when random.Next(8) == 0: snapshot.RemoveNode(node); nodes.Remove(node); break;
                case < 7:
                    var info = Some(pod).Info();
                    snapshot.Place(info, node);
                    placed[info.Uid] = (info, node);
                    break;
                case 7: snapshot.Forget("uid-" + pod); placed.Remove("uid-" + pod); break;
                case 8: snapshot.SetNamespace("b", Map.Of(("team", "t" + random.Next(2)))); break;
                default: Check(step); break;
            }
        }

        Api.Core.V1.Pod Some(string name)
        {
            var made = Make.Pod(name);
            Map<string> labels = Map.Of(("app", "a" + random.Next(random.Next(2) == 0 ? 3 : Apps)));
            if (random.Next(3) == 0) labels = labels.Set("track", "t" + random.Next(2));
            return made with { Metadata = made.Metadata with { Labels = labels, Namespace = random.Next(3) == 0 ? "b" : "default" } };
        }

        void Check(int step)
        {
            string[] selectors = [$"app=a{random.Next(Apps)}", $"app=a{random.Next(3)},track=t0", "track", $"app in (a1),track=t{random.Next(2)}", "app in (a1,a2)", $"app=a1,track!=t0", ""];
            var scope = new PodScope(random.Next(2) == 0 ? ["default"] : ["b", "default"], random.Next(6) == 0 ? Selector.Parse("team=t1") : null, Selector.Parse(selectors[random.Next(selectors.Length)]));
            var counted = snapshot.Tallies.Matching([scope], "topology.kubernetes.io/zone", living: true);
            foreach (var n in snapshot.Nodes)
            {
                int there = placed.Values.Count(p => p.Node == n.Name && scope.Matches(p.Pod, snapshot.Namespaces));
                Assert.True(there == counted.On(n), $"{scope} on {n.Name}: {counted.On(n)} for {there}; seed {seed}, step {step}");
            }
            Assert.Equal(placed.Values.Count(p => nodes.Contains(p.Node) && scope.Matches(p.Pod, snapshot.Namespaces)), (int)counted.Counts.Total);
        }
    }

    [Fact]
    public void Services_that_select_a_Pod_are_found_by_its_labels()
    {
        var book = new SelectorBook();
        var pod = Make.Pod("p") is var p ? (p with { Metadata = p.Metadata with { Labels = Map.Of(("app", "web"), ("track", "stable")) } }).Info() : null!;
        Assert.Null(book.Of(pod));

        book.SetService(new("default", "none"), default);
        book.SetService(new("default", "web"), Map.Of(("app", "web")));
        book.SetService(new("default", "other"), Map.Of(("app", "web"), ("track", "canary")));
        book.SetService(new("elsewhere", "web"), Map.Of(("track", "stable")));
        Assert.Equal("app=web", book.Of(pod)!.ToString());

        book.SetService(new("default", "other"), Map.Of(("track", "stable")));
        book.RemoveService(new("default", "web"));
        Assert.Equal("track=stable", book.Of(pod)!.ToString());

        book.SetService(new("default", "other"), default);
        Assert.Null(book.Of(pod));
    }
}
