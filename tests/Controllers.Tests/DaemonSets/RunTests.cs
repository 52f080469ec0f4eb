using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.DaemonSets;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Revisions;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.DaemonSets;

public sealed class RunTests
{
    static readonly string[] Which = ["daemonset"];

    static TestCluster Cluster(int nodes) => new(Which, api => { for (int i = 0; i < nodes; i++) api.Put(Make.Node("n" + i)); });

    static DaemonSetStatus Status(FakeApi api) => api.Find<DaemonSet>("log")!.Status;

    [Fact]
    [Trait("Conformance", "[sig-apps] Daemon set [Serial] should run and stop simple daemon [Conformance]")]
    public async Task Every_node_runs_one_and_one_that_is_deleted_comes_back()
    {
        await using var cluster = Cluster(3);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Daemons.Set("log"));
        await cluster.UntilAsync(api => Status(api) is { DesiredNumberScheduled: 3, CurrentNumberScheduled: 3, NumberReady: 3, NumberAvailable: 3, UpdatedNumberScheduled: 3, NumberUnavailable: 0, ObservedGeneration: 1 });

        cluster.Api.Remove<Pod>(cluster.Api.All<Pod>()[0].Metadata.Name);
        await cluster.UntilAsync(api => api.All<Pod>().Count == 3 && Status(api).NumberReady == 3 && api.All<Pod>().Select(p => p.Spec.NodeName).Distinct().Count() == 3);

        cluster.Api.Put(Make.Node("late"));
        await cluster.UntilAsync(api => Status(api) is { DesiredNumberScheduled: 4, NumberReady: 4 });
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Daemon set [Serial] should run and stop complex daemon [Conformance]")]
    public async Task A_node_selector_starts_and_stops_Pods_as_labels_change()
    {
        await using var cluster = Cluster(2);
        await using var nodes = new PlayedNodes(cluster);
        var set = Daemons.Set("log");
        cluster.Api.Put(set with { Spec = set.Spec with { Template = set.Spec.Template with { Spec = set.Spec.Template.Spec with { NodeSelector = Map.Of(("color", "blue")) } } } });
        await cluster.UntilAsync(api => Status(api) is { ObservedGeneration: 1, DesiredNumberScheduled: 0 });

        cluster.Api.Change<Node>("n0", n => n with { Metadata = n.Metadata with { Labels = Map.Of(("color", "blue")) } }, "");
        await cluster.UntilAsync(api => Status(api).NumberReady == 1 && api.All<Pod>() is [{ Spec.NodeName: "n0" }]);
        cluster.Api.Change<Node>("n0", n => n with { Metadata = n.Metadata with { Labels = Map.Of(("color", "green")) } }, "");
        await cluster.UntilAsync(api => api.All<Pod>().Count == 0 && Status(api) is { DesiredNumberScheduled: 0, NumberMisscheduled: 0 });
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Daemon set [Serial] should retry creating failed daemon pods [Conformance]")]
    public async Task A_Pod_that_failed_is_replaced()
    {
        await using var cluster = Cluster(2);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Daemons.Set("log"));
        await cluster.UntilAsync(api => Status(api).NumberReady == 2);
        var broken = cluster.Api.All<Pod>()[0];

        cluster.Api.Change<Pod>(broken.Metadata.Name, p => p with { Status = p.Status with { Phase = "Failed", Conditions = default } });
        await cluster.UntilAsync(api => api.Find<Pod>(broken.Metadata.Name) is null && api.All<Pod>().Count == 2 && Status(api).NumberReady == 2);

        Assert.Contains(("FailedDaemonPod", $"Found failed daemon pod default/{broken.Metadata.Name} on node {broken.Spec.NodeName}, will try to kill it"), cluster.Events.Told);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Daemon set [Serial] should update pod when spec was updated and update strategy is RollingUpdate [Conformance]")]
    [Trait("Conformance", "[sig-apps] Daemon set [Serial] should rollback without unnecessary restarts [Conformance]")]
    public async Task An_update_replaces_Pods_and_a_rollback_only_those_that_were_updated()
    {
        await using var cluster = Cluster(3);
        await using var nodes = new PlayedNodes(cluster, p => p.Spec.Containers[0].Image == "broken" || p.IsScheduledReady() ? p : p.Ready());
        cluster.Api.Put(Daemons.Set("log", unavailable: 1));
        await cluster.UntilAsync(api => Status(api).NumberReady == 3);
        string first = Assert.Single(cluster.Api.All<ControllerRevision>()).Metadata.Name;

        cluster.Api.Change<DaemonSet>("log", s => s with { Spec = s.Spec with { Template = s.Spec.Template.Image("nginx:2") } });
        await cluster.UntilAsync(api => Status(api) is { UpdatedNumberScheduled: 3, NumberAvailable: 3, ObservedGeneration: 2 });
        Assert.All(cluster.Api.All<Pod>(), p => Assert.Equal("nginx:2", p.Spec.Containers[0].Image));

        cluster.Api.Change<DaemonSet>("log", s => s with { Spec = s.Spec with { Template = s.Spec.Template.Image("broken") } });
        await cluster.UntilAsync(api => Status(api) is { UpdatedNumberScheduled: 1, NumberUnavailable: 1, ObservedGeneration: 3 });
        var untouched = cluster.Api.All<Pod>().Where(p => p.IsScheduledReady()).Select(p => p.Metadata.Uid).ToHashSet();
        Assert.Equal(2, untouched.Count);

        var back = Snapshot.TemplateOf(cluster.Api.All<ControllerRevision>().Single(r => r.Revision == 2))!;
        cluster.Api.Change<DaemonSet>("log", s => s with { Spec = s.Spec with { Template = back } });
        await cluster.UntilAsync(api => Status(api) is { UpdatedNumberScheduled: 3, NumberAvailable: 3, ObservedGeneration: 4 });
        Assert.Subset(cluster.Api.All<Pod>().Select(p => p.Metadata.Uid).ToHashSet(), untouched);
        // The old template has its old revision back, under a new number.
        Assert.Equal([1, 3, 4], cluster.Api.All<ControllerRevision>().Select(r => r.Revision).Order());
        Assert.Equal(1, cluster.Api.Find<ControllerRevision>(first)!.Revision);
    }

    [Fact]
    public async Task Revisions_that_are_in_no_use_are_kept_up_to_the_limit()
    {
        await using var cluster = Cluster(1);
        await using var nodes = new PlayedNodes(cluster);
        var set = Daemons.Set("log");
        cluster.Api.Put(set with { Spec = set.Spec with { RevisionHistoryLimit = 1 } });
        for (int i = 2; i <= 5; i++)
        {
            await cluster.UntilAsync(api => Status(api) is { UpdatedNumberScheduled: 1, NumberReady: 1 } s && s.ObservedGeneration == i - 1);
            cluster.Api.Change<DaemonSet>("log", s => s with { Spec = s.Spec with { Template = s.Spec.Template.Image($"v{i}") } });
        }
        await cluster.UntilAsync(api => api.All<ControllerRevision>().Select(r => r.Revision).Order().SequenceEqual([4, 5]));
    }

    [Fact]
    public async Task A_cache_that_lags_never_makes_a_second_Pod_for_a_node()
    {
        await using var cluster = Cluster(4);
        cluster.Api.Intercept = r =>
        {
            if (r.Method == "POST" && r.Path.EndsWith("/pods", StringComparison.Ordinal)) cluster.Api.HoldWatches();
            return null;
        };
        cluster.Api.Put(Daemons.Set("log"));
        await cluster.UntilAsync(api => api.All<Pod>().Count == 4);
        for (int i = 0; i < 20; i++) cluster.Time.Advance(TimeSpan.FromSeconds(1));
        cluster.Api.Intercept = null;
        cluster.Api.ReleaseWatches();
        await cluster.UntilAsync(api => Status(api).CurrentNumberScheduled == 4);

        Assert.Equal(4, cluster.Api.All<Pod>().Select(DaemonPod.NodeOf).Distinct().Count());
        Assert.Equal(4, cluster.Api.All<Pod>().Count);
    }

    [Fact]
    public async Task A_revisions_name_that_a_stranger_has_is_told_by_the_collision_count()
    {
        var set = Daemons.Set("log");
        string taken = "log-" + Snapshot.Hash(set.Spec.Template, 0);
        await using var cluster = new TestCluster(Which, api =>
        {
            api.Put(Make.Node("n0"));
            api.Put(new ControllerRevision { Metadata = new() { Name = taken, Namespace = "default" }, Revision = 7 });
        });
        cluster.Api.Put(set);

        await cluster.UntilAsync(api => Status(api) is { CollisionCount: 1, CurrentNumberScheduled: 1 });
        Assert.Contains(cluster.Api.All<ControllerRevision>(), r => r.Metadata.Name != taken && r.Controller?.Name == "log");
    }

    [Fact]
    public async Task That_a_generation_was_seen_is_said_although_nothing_can_be_made()
    {
        await using var cluster = Cluster(1);
        cluster.Api.Intercept = r => r is { Method: "POST", Path: "/api/v1/namespaces/default/pods" } ? new() { Code = 500, Object = FakeApi.Error(500, "InternalError", "no").Status } : null;
        cluster.Api.Put(Daemons.Set("log"));
        await cluster.UntilAsync(api => Status(api) is { ObservedGeneration: 1, DesiredNumberScheduled: 1, CurrentNumberScheduled: 0 });
    }

    [Fact]
    public async Task Of_the_history_those_in_use_count_and_stay()
    {
        await using var cluster = Cluster(1);
        await using var nodes = new PlayedNodes(cluster);
        var set = Daemons.Set("log", type: "OnDelete");
        cluster.Api.Put(set with { Spec = set.Spec with { RevisionHistoryLimit = 1 } });
        await cluster.UntilAsync(api => Status(api).NumberReady == 1);
        for (int i = 2; i <= 4; i++)
        {
            cluster.Api.Change<DaemonSet>("log", s => s with { Spec = s.Spec with { Template = s.Spec.Template.Image("nginx:" + i) } });
            await cluster.UntilAsync(api => Status(api).ObservedGeneration == i && api.All<ControllerRevision>().Max(r => r.Revision) == i);
        }
        await cluster.UntilAsync(api => api.All<ControllerRevision>().Select(r => r.Revision).Order().SequenceEqual([1L, 4L]));
    }

    [Fact]
    public async Task Of_revisions_that_say_the_same_the_last_takes_over_what_the_others_have()
    {
        await using var cluster = Cluster(2);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Daemons.Set("log"));
        await cluster.UntilAsync(api => Status(api).NumberReady == 2);
        var uids = cluster.Api.All<Pod>().Select(p => p.Metadata.Uid).Order().ToArray();
        var first = cluster.Api.All<ControllerRevision>().Single();
        cluster.Api.Put(first with { Revision = 7, Metadata = first.Metadata with { Name = "log-twin", Uid = "uid-of-twin", Labels = first.Metadata.Labels.Set(DaemonPod.HashLabel, "twin") } });
        cluster.Api.Change<DaemonSet>("log", s => s with { Metadata = s.Metadata with { Annotations = Map.Of(("look", "again")) } });
        await cluster.UntilAsync(api => api.All<ControllerRevision>() is [{ Metadata.Name: "log-twin" }] && Status(api) is { UpdatedNumberScheduled: 2, NumberReady: 2 });
        Assert.Equal(uids, cluster.Api.All<Pod>().Select(p => p.Metadata.Uid).Order());
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision [Conformance]")]
    public async Task A_twin_that_somebody_writes_stays_until_there_is_a_reason_to_look()
    {
        await using var cluster = Cluster(1);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Daemons.Set("log"));
        cluster.Api.Put(Daemons.Set("other"));
        await cluster.UntilAsync(api => Status(api).NumberReady == 1 && api.Find<DaemonSet>("other")!.Status.NumberReady == 1);
        IEnumerable<ControllerRevision> OfLog() => cluster.Api.All<ControllerRevision>().Where(r => r.Controller!.Name == "log");
        var first = OfLog().Single();
        // What was written last of the set itself may wake it once more, at a bad moment: then again.
        for (int attempt = 1; ; attempt++)
        {
            string name = $"log-twin{attempt}";
            var before = OfLog().MaxBy(r => r.Revision)!;
            cluster.Api.Put(before with { Revision = before.Revision + 1, Metadata = before.Metadata with { Name = name, Uid = "uid-of-" + name } });
            // Adopted, so all that was told of revisions before was heard.
            foreach (string stray in (string[])[$"stray{attempt}", $"straggler{attempt}"])
            {
                cluster.Api.Put(new ControllerRevision { Metadata = new() { Name = stray, Namespace = "default", Labels = Map.Of(("app", "other")) }, Revision = 1 });
                await cluster.UntilAsync(api => api.Find<ControllerRevision>(stray) is { Controller.Name: "other" });
            }
            if (OfLog().OrderBy(r => r.Revision).Select(r => r.Metadata.Name).SequenceEqual([before.Metadata.Name, name])) break;
            Assert.True(attempt < 10, "it is merged at once");
            await cluster.UntilAsync(_ => OfLog().Count() == 1);
        }
        Assert.All(cluster.Api.All<Pod>().Where(p => p.Controller!.Name == "log"), p => Assert.Equal(first.Metadata.Labels[DaemonPod.HashLabel], p.Metadata.Labels[DaemonPod.HashLabel]));
    }

    [Fact]
    public async Task Orphans_are_adopted_and_known_by_their_names_where_they_do_not_say_a_hash()
    {
        var set = Daemons.Set("log");
        ControllerRevision Orphan(string name, string image, long revision) => new()
        {
            Metadata = new() { Name = name, Namespace = "default", Labels = Map.Of(("app", "log")) }, Revision = revision,
            Data = Snapshot.Of(set.Spec.Template.Image(image)),
        };
        await using var cluster = new TestCluster(Which, api =>
        {
            api.Put(Make.Node("n0"));
            api.Put(Orphan("now", "nginx:1", 4));
            api.Put(Orphan("older", "nginx:0", 4));
        });
        cluster.Api.Put(set);
        await cluster.UntilAsync(api => Status(api).CurrentNumberScheduled == 1);

        // Of two with one number that of the set's template becomes the newer.
        Assert.Equal([("now", 5), ("older", 4)], cluster.Api.All<ControllerRevision>().Select(r => (r.Metadata.Labels[DaemonPod.HashLabel]!, (int)r.Revision)));
        Assert.All(cluster.Api.All<ControllerRevision>(), r => Assert.Equal("log", r.Controller?.Name));
        Assert.Equal("now", Assert.Single(cluster.Api.All<Pod>()).Metadata.Labels[DaemonPod.HashLabel]);
    }

    [Fact]
    public async Task An_orphan_of_the_same_name_that_comes_in_between_is_taken()
    {
        await using var cluster = Cluster(1);
        var set = Daemons.Set("log");
        string hash = Snapshot.Hash(set.Spec.Template, 0);
        bool came = false;
        cluster.Api.Intercept = r =>
        {
            if (r.Method != "POST" || !r.Path.EndsWith("/controllerrevisions", StringComparison.Ordinal) || Interlocked.Exchange(ref came, true)) return null;
            cluster.Api.Put(new ControllerRevision
            {
                Metadata = new() { Name = "log-" + hash, Namespace = "default", Labels = Map.Of(("app", "log"), (DaemonPod.HashLabel, hash)) }, Revision = 1, Data = Snapshot.Of(set.Spec.Template),
            });
            return null;
        };
        cluster.Api.Put(set);
        await cluster.UntilAsync(api => Status(api).CurrentNumberScheduled == 1 && api.All<ControllerRevision>() is [{ Controller.Name: "log" }]);
        Assert.Null(Status(cluster.Api).CollisionCount);
        Assert.Equal(hash, Assert.Single(cluster.Api.All<Pod>()).Metadata.Labels[DaemonPod.HashLabel]);
    }

    [Fact]
    public void A_revision_is_to_the_byte_what_Go_would_write()
    {
        var template = Make.Template("log") is var t ? t with { Spec = t.Spec with { TerminationGracePeriodSeconds = 30, DnsPolicy = "ClusterFirst", Containers = [t.Spec.Containers[0] with { Command = ["sh", "-c", "a && b"] }] } } : null!;
        Assert.Equal(
            """{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"log"}},"spec":{"containers":[{"command":["sh","-c","a \u0026\u0026 b"],"image":"nginx:1","name":"main","resources":{}}],"dnsPolicy":"ClusterFirst","terminationGracePeriodSeconds":30}}}}""",
            System.Text.Encoding.UTF8.GetString(Snapshot.Of(template).Span));
        Assert.Equal(template, Snapshot.TemplateOf(new() { Data = Snapshot.Of(template) }));
    }
}
