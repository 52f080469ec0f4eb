namespace Hanbae.Scheduler.Tests;

public sealed class SnapshotTests
{
    [Fact]
    public void What_changes_add_up_to_is_what_a_recount_finds()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        var snapshot = new Snapshot();
        Dictionary<string, Api.Core.V1.Node> nodes = [];
        Dictionary<string, (PodInfo Pod, string Node)> placed = [];
        for (int step = 0; step < 3_000; step++)
        {
            string node = "n" + random.Next(12), pod = "p" + random.Next(60);
            switch (random.Next(10))
            {
                case 0: snapshot.Set(nodes[node] = Make.Node(node, random.Next(1, 9).ToString()).Labels(("topology.kubernetes.io/zone", "z" + random.Next(3)))); break;
                case 1: snapshot.RemoveNode(node); nodes.Remove(node); break;
                case < 7:
                    var info = Make.Pod(pod, random.Next(1000) + "m", random.Next(1000) + "Mi").With(s => random.Next(4) > 0 ? s : s with
                    {
                        Overhead = Api.Map.Of(("example.com/gpu", Api.Quantity.Parse(random.Next(1, 4).ToString()))),
                    }).Info();
                    snapshot.Place(info, node);
                    placed[info.Uid] = (info, node);
                    break;
                default: snapshot.Forget("uid-" + pod); placed.Remove("uid-" + pod); break;
            }
            if (step % 50 == 0) Check(step);
        }
        Check(3_000);

        void Check(int step)
        {
            var seen = snapshot.Nodes.ToArray();
            Assert.True(seen.Select(n => n.Name).Order().SequenceEqual(nodes.Keys.Order()), $"nodes differ; seed {seed}, step {step}");
            foreach (var n in seen)
            {
                var mine = placed.Values.Where(p => p.Node == n.Name).Select(p => p.Pod).ToList();
                Assert.True(n.Pods.Select(p => p.Uid).Order().SequenceEqual(mine.Select(p => p.Uid).Order()), $"Pods of {n.Name} differ; seed {seed}, step {step}");
                Assert.True(Text(n.Requested) == Text(mine.Aggregate(default(Resources), (sum, p) => sum + p.Requests)), $"requests of {n.Name} differ; seed {seed}, step {step}");
                Assert.True(Text(n.ScoredRequests) == Text(mine.Aggregate(default(Resources), (sum, p) => sum + p.ScoredRequests)), $"scores of {n.Name} differ; seed {seed}, step {step}");
                Assert.Same(nodes[n.Name], n.Node);
            }
        }
    }

    /// <summary>An extended resource that nobody has any more is as good as one never seen.</summary>
    static string Text(Resources r) => $"{r.MilliCpu} {r.Memory} {r.EphemeralStorage} {string.Join(' ', r.Scalars.Where(s => s.Value != 0).Select(s => s.Key + "=" + s.Value))}";

    [Fact]
    public void Zones_take_turns() =>
        Assert.Equal(["a1", "b1", "a2", "b2", "a3"], Names(Make.Snapshot([.. new[] { "a1", "a2", "a3", "b1", "b2" }.Select(n => Make.Node(n).Labels(("topology.kubernetes.io/zone", n[..1])))])));

    [Fact]
    public void Pods_of_a_node_that_is_not_known_yet_count_once_it_is()
    {
        var snapshot = new Snapshot();
        snapshot.Place(Make.Pod("a", "1").Info(), "late");
        Assert.Empty(Names(snapshot));
        snapshot.Set(Make.Node("late"));
        Assert.Equal(1000, snapshot.Nodes[0].Requested.MilliCpu);
    }

    static string[] Names(Snapshot snapshot) => [.. snapshot.Nodes.ToArray().Select(n => n.Name)];
}
