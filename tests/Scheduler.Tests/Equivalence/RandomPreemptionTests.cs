using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Policy.V1;

namespace Hanbae.Scheduler.Tests.Equivalence;

/// <summary>Random clusters in which Pods have to make room for others: who goes is by upstream's rules, counted out; and what is remembered of nodes decides as what is asked anew.</summary>
public sealed class RandomPreemptionTests
{
    static readonly string[] Apps = ["web", "db", "cache"];

    /// <summary>Chooses the same among the same.</summary>
    sealed class Same(int number) : Random
    {
        public override int Next(int maxValue) => number % maxValue;
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Who_has_to_go_is_by_the_rules(int round)
    {
        int seed = HashCode.Combine(Environment.TickCount, round);
        var random = new Random(seed);
        var cluster = new Cluster(random);
        var cycle = new Cycle(new Profile(new()), random, percentage: 100);
        int displaced = 0;
        for (int step = 0; step < 700; step++)
        {
            cluster.Step(nominates: false);
            if (cluster.Nodes.Count == 0) continue;
            var pod = cluster.Wanted();
            var decision = cycle.Decide(new(pod), cluster.Snapshot);
            if (decision.Node is { } node) { if (random.Next(3) > 0) cluster.Place(pod, node); continue; }
            var best = new PreemptionReference([.. cluster.Nodes.Values], [.. cluster.Pods.Values], [.. cluster.Budgets.Values]).Best(pod);
            string expected = string.Join(" or ", best.Select(b => $"{b.Node}: {string.Join(' ', b.Victims)}").Order(StringComparer.Ordinal)), actual = $"{decision.Nominated}: {string.Join(' ', decision.Victims.Select(v => v.Key.Name))}";
            Assert.True(best.Count == 0 ? decision.Nominated.Length == 0 : expected.Split(" or ").Contains(actual), $"expected {expected}; got {actual}; {decision.Message}; seed {seed}, step {step}");
            if (decision.Nominated.Length == 0) continue;
            displaced++;
            foreach (var victim in decision.Victims) cluster.Remove(victim.Key.Name);
            cluster.Place(pod, decision.Nominated);
        }
        Assert.True(displaced > 0, $"only {displaced} made room; seed {seed}");
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void What_is_remembered_decides_as_what_is_asked_anew(int round)
    {
        int seed = HashCode.Combine(Environment.TickCount, round);
        var random = new Random(seed);
        var cluster = new Cluster(random);
        var choice = new Same(seed & 0xFFFF);
        var remembering = new Cycle(new Profile(new()), choice, percentage: 100);
        int displaced = 0, recalled = 0;
        for (int step = 0; step < 1500; step++)
        {
            cluster.Step(nominates: true);
            if (cluster.Nodes.Count == 0) continue;
            var pod = new PodInfo(cluster.Wanted());
            var anew = new Cycle(new Profile(new()), choice, percentage: 100);
            var (expected, actual) = (anew.Decide(pod, cluster.Snapshot), remembering.Decide(pod, cluster.Snapshot));
            if (remembering.Impasse is not null) recalled++;
            string at = $"; seed {seed}, step {step}";
            Assert.True(Names(anew.Fits) == Names(remembering.Fits), $"fits: expected [{Names(anew.Fits)}], got [{Names(remembering.Fits)}]{at}");
            Assert.True(expected.Message == actual.Message, $"expected {expected.Message}, got {actual.Message}{at}");
            Assert.True(expected.Plugins == actual.Plugins, "plugins" + at);
            Assert.True(expected.Nominated == actual.Nominated && expected.Victims.Select(v => v.Uid).SequenceEqual(actual.Victims.Select(v => v.Uid)), $"expected {expected.Nominated}, got {actual.Nominated}{at}");
            if (actual.Node is { } node) { if (random.Next(3) > 0) { cluster.Snapshot.Denominate(pod.Uid); cluster.Place(pod.Pod, node); } continue; }
            if (actual.Nominated.Length == 0) continue;
            displaced++;
            // Some of those who have to go are still there when the next Pod comes.
            foreach (var victim in actual.Victims) if (random.Next(3) > 0) cluster.Remove(victim.Key.Name);
            cluster.Snapshot.Nominate(pod, actual.Nominated);
            cluster.Promised.Add(pod);
        }
        Assert.True(displaced > 0 && recalled > 0, $"only {displaced} made room, {recalled} were remembered; seed {seed}");
        static string Names(IEnumerable<NodeInfo> nodes) => string.Join(' ', nodes.Select(n => n.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>A cluster that changes, and goes on being counted by difference.</summary>
    sealed class Cluster(Random random)
    {
        int _number;

        public Snapshot Snapshot { get; } = new();
        public Dictionary<string, Node> Nodes { get; } = [];
        public Dictionary<string, Pod> Pods { get; } = [];
        public Dictionary<string, PodDisruptionBudget> Budgets { get; } = [];
        public List<PodInfo> Promised { get; } = [];

        public void Step(bool nominates)
        {
            switch (random.Next(16))
            {
                case 0 or 1: Set(Node(random.Next(9))); break;
                case 2 when Nodes.Count > 4: Drop(Nodes.Keys.ElementAt(random.Next(Nodes.Count))); break;
                case 3 when Pods.Count > 0: Remove(Pods.Keys.ElementAt(random.Next(Pods.Count))); break;
                case 4: Set(Budget(Apps[random.Next(3)])); break;
                case 5 when Budgets.Count > 0: string name = Budgets.Keys.ElementAt(random.Next(Budgets.Count)); Budgets.Remove(name); Snapshot.Budgets.Remove(new("default", name)); break;
                case 6 when nominates && Promised.Count > 0: var promised = Promised[random.Next(Promised.Count)]; Promised.Remove(promised); Snapshot.Denominate(promised.Uid); break;
                case 7 or 8 or 9 or 10 when Nodes.Count > 0: Place(Small(), Nodes.Keys.ElementAt(random.Next(Nodes.Count))); break;
            }
        }

        void Set(Node node) { Nodes[node.Metadata.Name] = node; Snapshot.Set(node); }

        void Drop(string node)
        {
            Nodes.Remove(node);
            Snapshot.RemoveNode(node);
            foreach (var pod in Pods.Values.Where(p => p.Spec.NodeName == node).ToList()) Remove(pod.Metadata.Name);
        }

        void Set(PodDisruptionBudget budget) { Budgets[budget.Metadata.Name] = budget; Snapshot.Budgets.Set(budget); }

        public void Place(Pod pod, string node)
        {
            pod = pod with { Spec = pod.Spec with { NodeName = node } };
            Pods[pod.Metadata.Name] = pod;
            Snapshot.Place(new(pod), node);
        }

        public void Remove(string pod)
        {
            if (Pods.Remove(pod, out var gone)) Snapshot.Forget(gone.Metadata.Uid);
        }

        Node Node(int number)
        {
            var node = Make.Node("n" + number, random.Next(3, 9).ToString(), "16Gi", random.Next(4, 12)).Labels(("zone", "z" + number % 3));
            if (number == 7 && random.Next(2) == 0) node = node.Taint("gpu", "yes");
            return random.Next(10) == 0 ? node.Cordoned() : node;
        }

        PodDisruptionBudget Budget(string app) => new()
        {
            Metadata = new() { Name = app + random.Next(2), Namespace = "default" },
            Spec = new() { Selector = new() { MatchLabels = Map.Of(("app", app)) } },
            Status = new() { DisruptionsAllowed = random.Next(3), DisruptedPods = random.Next(6) == 0 && Pods.Count > 0 ? Map.Of((Pods.Keys.First(), (DateTimeOffset?)DateTimeOffset.UnixEpoch)) : default },
        };

        Pod Small() => Pod(random.Next(1, 30) + "00m", random.Next(3));

        /// <summary>Of a few shapes, so that there are others like it.</summary>
        public Pod Wanted() => random.Next(4) switch
        {
            0 => Pod("3", 3), 1 => Pod("2500m", 2),
            2 => Pod("4", 4) with { Spec = Pod("4", 4).Spec with { NodeSelector = Map.Of(("zone", "z1")) } },
            _ => Pod("3500m", 3).With(s => s with { Tolerations = [new() { Key = "gpu", Operator = "Exists" }] }),
        };

        Pod Pod(string cpu, int priority)
        {
            var pod = Make.Pod("p" + _number++, cpu, priority: priority);
            return pod with
            {
                Metadata = pod.Metadata with { Labels = random.Next(4) == 0 ? default : Map.Of(("app", Apps[random.Next(3)])) },
                Status = pod.Status with { StartTime = DateTimeOffset.UnixEpoch.AddHours(random.Next(5)) },
            };
        }
    }
}
