using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.DaemonSets;

namespace Hanbae.Controllers.Tests.DaemonSets;

public sealed class RosterTests
{
    static Fleet.Place Place(string node, params Pod[] pods) => new(node, true, true, [.. pods]);

    static Pod Daemon(string node, bool ready = true) =>
        Make.Pod("log-" + node, node: node, readySince: ready ? Make.Start : null) is var p ? p with { Metadata = p.Metadata with { Labels = p.Metadata.Labels.Set(DaemonPod.HashLabel, "h") } } : null!;

    [Fact]
    public void A_node_that_nothing_has_happened_to_is_not_looked_at_again()
    {
        var set = Daemons.Set("log");
        var roster = new Roster(set, "h", Make.Start);
        Assert.False(roster.IsFor(set, "h", Make.Start));
        for (int i = 0; i < 100; i++) roster.Set(Place($"n{i}", Daemon($"n{i}")), true, Make.Start.AddHours(1));
        roster.Complete();
        Assert.Empty(roster.Take());
        Assert.Equal((100, 100, 100, 0), (roster.Sum.Desired, roster.Sum.Ready, roster.Sum.Available, roster.Sum.Old));

        roster.Open("n7");
        Assert.Equal(["n7"], roster.Take());
        roster.Set(Place("n7"), true, Make.Start);
        Assert.Equal((100, 99, 99), (roster.Sum.Desired, roster.Sum.Current, roster.Sum.Available));
        // As long as it lacks one it is looked at.
        Assert.Equal(["n7"], roster.Take());

        Assert.True(roster.IsFor(set with { Status = new() { NumberReady = 1 } }, "h", Make.Start));
        Assert.False(roster.IsFor(set with { Spec = set.Spec with { MinReadySeconds = 1 } }, "h", Make.Start));
        Assert.False(roster.IsFor(set, "other", Make.Start));
        Assert.False(roster.IsFor(set, "h", Make.Start.AddHours(1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_happens_to_nodes_and_Pods_the_status_is_that_of_all_of_them(int seed)
    {
        var random = new Random(seed);
        await using var cluster = new TestCluster(["daemonset"], api => { for (int i = 0; i < 12; i++) api.Put(Make.Node($"n{i}")); });
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Daemons.Set("log", type: random.Next(2) == 0 ? "OnDelete" : "RollingUpdate"));
        await cluster.UntilAsync(api => api.Find<Api.Apps.V1.DaemonSet>("log")!.Status.NumberReady == 12);
        for (int i = 0; i < 60; i++)
        {
            string node = $"n{random.Next(14)}";
            var pod = cluster.Api.All<Pod>().FirstOrDefault(p => DaemonPod.NodeOf(p) == node);
            bool there = cluster.Api.Find<Node>(node, "") is not null;
            switch (random.Next(8))
            {
                case 0 when pod is not null: cluster.Api.Remove<Pod>(pod.Metadata.Name); break;
                case 1 when pod is not null: cluster.Api.Change<Pod>(pod.Metadata.Name, p => p with { Status = p.Status with { Phase = "Failed" } }); break;
                case 2 when pod is not null: cluster.Api.Change<Pod>(pod.Metadata.Name, p => p with { Metadata = p.Metadata with { OwnerReferences = default } }); break;
                case 3 when pod is not null: cluster.Api.Change<Pod>(pod.Metadata.Name, p => p with { Metadata = p.Metadata with { Labels = p.Metadata.Labels.Set("app", "other") } }); break;
                case 4 when there: cluster.Api.Remove<Node>(node, ""); break;
                case 5 when !there: cluster.Api.Put(Make.Node(node)); break;
                case 6 when there: cluster.Api.Change<Node>(node, n => n with { Spec = n.Spec with { Taints = n.Spec.Taints.IsEmpty ? [new() { Key = "k", Effect = random.Next(2) == 0 ? "NoSchedule" : "NoExecute" }] : default } }, ""); break;
                case 7 when random.Next(8) == 0: cluster.Api.Change<Api.Apps.V1.DaemonSet>("log", s => s with { Spec = s.Spec with { Template = s.Spec.Template.Image($"v{i}") } }); break;
            }
            if (random.Next(3) == 0) await cluster.UntilAsync(IsSettled);
        }
        cluster.Creep = TimeSpan.FromSeconds(5);
        await cluster.UntilAsync(IsSettled);
    }

    /// <summary>What one would see who looks at everything.</summary>
    static bool IsSettled(Kit.FakeApi api)
    {
        var set = api.Find<Api.Apps.V1.DaemonSet>("log")!;
        var mine = api.All<Pod>().Where(p => p.Metadata.OwnerReferences.Exists(o => o.Uid == set.Metadata.Uid)).ToList();
        if (mine.Exists(p => p.Metadata.Labels["app"] != "log")) return false;
        string hash = api.All<Api.Apps.V1.ControllerRevision>().MaxBy(r => r.Revision)!.Metadata.Labels[DaemonPod.HashLabel]!;
        var (status, _) = RunStatus.Of(set, new(set, api.All<Node>(), [.. mine]), hash, DateTimeOffset.MaxValue);
        return status == set.Status && status.CurrentNumberScheduled == status.DesiredNumberScheduled && status.NumberReady == status.DesiredNumberScheduled;
    }
}
