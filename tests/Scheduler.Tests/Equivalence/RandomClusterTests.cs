using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Scheduler.Tests.Equivalence;

/// <summary>Random clusters that go on changing: what is counted by difference has to decide as what is counted out.</summary>
public sealed class RandomClusterTests
{
    const string Host = "kubernetes.io/hostname";

    static readonly string[] Apps = ["web", "db", "cache"], Keys = [Host, "zone", "rack"], Namespaces = ["default", "other"];

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Decisions_and_scores_are_those_of_the_reference(int round)
    {
        int seed = HashCode.Combine(Environment.TickCount, round);
        var random = new Random(seed);
        Dictionary<string, Node> nodes = [];
        Dictionary<string, Pod> pods = [];
        var snapshot = new Snapshot();
        var profile = new Profile(new());
        int decided = 0;
        for (int step = 0; step < 600; step++)
        {
            switch (random.Next(10))
            {
                case 0 or 1: Set(RandomNode(random, random.Next(10))); break;
                case 2 when nodes.Count > 3: string gone = nodes.Keys.ElementAt(random.Next(nodes.Count)); nodes.Remove(gone); snapshot.RemoveNode(gone); break;
                case 3 or 4 when pods.Count > 0: string left = pods.Keys.ElementAt(random.Next(pods.Count)); snapshot.Forget(pods[left].Metadata.Uid); pods.Remove(left); break;
                default: Decide(RandomPod(random, step), step); break;
            }
        }
        Assert.True(decided > 100, $"only {decided} Pods found a node; seed {seed}");

        void Set(Node node) { nodes[node.Metadata.Name] = node; snapshot.Set(node); }

        void Decide(Pod pod, int step)
        {
            if (nodes.Count == 0) return;
            var reference = new Reference([.. nodes.Values], [.. pods.Values]);
            var info = pod.Info();
            var opening = profile.Open(info, snapshot);
            NodeInfo[] fits = [.. snapshot.Nodes.ToArray().Where(n => opening.Refusal.Ok && profile.Filter(info, n).Ok)];
            string expected = string.Join(' ', reference.Fits(pod).Select(n => n.Metadata.Name).Order()), actual = string.Join(' ', fits.Select(n => n.Name).Order());
            Assert.True(expected == actual, $"fits: expected [{expected}], got [{actual}]; seed {seed}, step {step}\n{pod.Spec}");
            if (fits.Length == 0) return;
            decided++;
            long[] scores = [.. new Cycle(profile, random).Score(info, snapshot, fits)];
            var wanted = reference.Scores(pod);
            // Only differences between nodes count: a plugin that has nothing to say may add the same to all, or nothing.
            long offset = scores[0] - wanted[fits[0].Name];
            for (int i = 0; i < fits.Length; i++)
                Assert.True(Math.Abs(scores[i] - offset - wanted[fits[i].Name]) <= 0, $"score of {fits[i].Name}: expected {wanted[fits[i].Name]}, got {scores[i] - offset}; seed {seed}, step {step}\n{pod.Spec}");
            string chosen = fits[random.Next(fits.Length)].Name;
            pods[pod.Metadata.Name] = pod = pod with { Spec = pod.Spec with { NodeName = chosen } };
            snapshot.Place(pod.Info(), chosen);
        }
    }

    static Node RandomNode(Random random, int number)
    {
        var node = Make.Node("n" + number, random.Next(1, 9).ToString(), random.Next(1, 17) + "Gi", random.Next(2, 12));
        if (random.Next(5) > 0) node = node.Labels(("zone", "z" + random.Next(3)));
        if (random.Next(3) > 0) node = node.Labels(("rack", "r" + random.Next(5)));
        if (random.Next(5) == 0) node = node.Taint("gpu", "yes");
        if (random.Next(4) == 0) node = node.Taint("noisy", effect: "PreferNoSchedule");
        return random.Next(12) == 0 ? node.Cordoned() : node;
    }

    static Pod RandomPod(Random random, int number)
    {
        var pod = Make.Pod("p" + number, random.Next(3) == 0 ? "" : random.Next(1, 20) + "00m", random.Next(3) == 0 ? "" : random.Next(1, 20) + "00Mi");
        Seq<T> Some<T>(int odds, Func<T> make) => [.. Enumerable.Range(0, random.Next(odds) == 0 ? random.Next(1, 3) : 0).Select(_ => make())];
        PodAffinityTerm Term() => new() { TopologyKey = Keys[random.Next(3)], LabelSelector = Chosen(), Namespaces = random.Next(3) == 0 ? ["default", "other"] : default };
        WeightedPodAffinityTerm Wish() => new() { Weight = random.Next(1, 101), PodAffinityTerm = Term() };
        LabelSelector Chosen() => random.Next(6) == 0 ? new() : new() { MatchLabels = Map.Of(("app", Apps[random.Next(3)])) };
        TopologySpreadConstraint Spread() => new()
        {
            TopologyKey = Keys[random.Next(3)], MaxSkew = random.Next(1, 4), WhenUnsatisfiable = random.Next(2) == 0 ? "DoNotSchedule" : "ScheduleAnyway", LabelSelector = Chosen(),
            NodeAffinityPolicy = random.Next(3) == 0 ? "Ignore" : null, NodeTaintsPolicy = random.Next(3) == 0 ? "Honor" : null,
            MinDomains = random.Next(4) == 0 ? random.Next(1, 4) : null,
        };
        return pod with
        {
            Metadata = pod.Metadata with
            {
                Namespace = Namespaces[random.Next(2)], Labels = Map.Of(("app", Apps[random.Next(3)])), DeletionTimestamp = random.Next(8) == 0 ? DateTimeOffset.UnixEpoch : null,
            },
            Spec = pod.Spec with
            {
                NodeSelector = random.Next(5) == 0 ? Map.Of(("zone", "z" + random.Next(3))) : default,
                Tolerations = random.Next(3) == 0 ? [new() { Key = "gpu", Operator = "Exists" }] : random.Next(8) == 0 ? [new() { Operator = "Exists" }] : default,
                TopologySpreadConstraints = Some(3, Spread),
                Affinity = new()
                {
                    PodAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = Some(5, Term), PreferredDuringSchedulingIgnoredDuringExecution = Some(4, Wish) },
                    PodAntiAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = Some(5, Term), PreferredDuringSchedulingIgnoredDuringExecution = Some(4, Wish) },
                },
            },
        };
    }
}
