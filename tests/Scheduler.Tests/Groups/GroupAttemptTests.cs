using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Scheduling.V1alpha2;
using Hanbae.Scheduler.Groups;

namespace Hanbae.Scheduler.Tests.Groups;

/// <summary>Random clusters and gangs: all or nothing, by what can be counted out.</summary>
public sealed class GroupAttemptTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void A_gang_of_Pods_that_are_alike_gets_nodes_exactly_when_there_is_room_for_as_many_as_it_wants(int round)
    {
        int seed = HashCode.Combine(Environment.TickCount, round);
        var random = new Random(seed);
        int scheduled = 0, refused = 0;
        for (int step = 0; step < 150; step++)
        {
            var snapshot = new Snapshot();
            snapshot.Groups.AreServed = true;
            int nodes = random.Next(1, 8), room = 0;
            string cpu = random.Next(1, 4).ToString();
            for (int n = 0; n < nodes; n++)
            {
                int has = random.Next(1, 9), taken = random.Next(0, has + 1);
                snapshot.Set(Make.Node("n" + n, has.ToString()));
                if (taken > 0) snapshot.Place(new(Make.Pod($"there-{n}", taken.ToString())), "n" + n);
                room += (has - taken) / int.Parse(cpu);
            }
            string before = State(snapshot);
            int wants = random.Next(1, 9), has_ = wants + random.Next(3);
            var group = new PodGroup { Metadata = new() { Name = "g", Namespace = "default" }, Spec = new() { SchedulingPolicy = new() { Gang = new() { MinCount = wants } } } };
            snapshot.Groups.Set(group);
            List<PodInfo> pods = [.. Enumerable.Range(0, has_).Select(i => new PodInfo(Make.Pod("p" + i, cpu).With(s => s with { SchedulingGroup = new() { PodGroupName = "g" } })))];
            foreach (var pod in pods) snapshot.Groups.Join(pod);
            var (decisions, verdict) = Attempt(snapshot, group, pods);
            string at = $"; seed {seed}, step {step}: {wants} of {has_} with room for {room}";
            Assert.True(verdict.Scheduled == room >= wants, verdict.Message + at);
            Assert.Equal(pods.Select(p => p.Uid), decisions.Select(d => d.Pod.Uid));
            Assert.True(decisions.Count(d => d.Decision.Node is not null) == (verdict.Scheduled ? Math.Min(room, has_) : 0), at);
            foreach (var node in snapshot.Nodes) Assert.True(node.Requested.MilliCpu <= node.Allocatable.MilliCpu, node.Name + at);
            if (verdict.Scheduled) { scheduled++; continue; }
            refused++;
            Assert.Equal(before, State(snapshot));
        }
        Assert.True(scheduled > 0 && refused > 0, $"{scheduled} and {refused}; seed {seed}");
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void What_does_not_come_true_leaves_nothing_behind_and_displaces_nobody_but_for_all(int round)
    {
        int seed = HashCode.Combine(Environment.TickCount, round);
        var random = new Random(seed);
        int waits = 0, refused = 0;
        for (int step = 0; step < 150; step++)
        {
            var snapshot = new Snapshot();
            snapshot.Groups.AreServed = true;
            int nodes = random.Next(1, 6);
            for (int n = 0; n < nodes; n++)
            {
                snapshot.Set(Make.Node("n" + n, "2").Labels(("zone", "z" + n % 2)));
                for (int i = random.Next(3); i > 0; i--) snapshot.Place(new(Make.Pod($"there-{n}-{i}", "1", priority: random.Next(3) * 10)), "n" + n);
            }
            string before = State(snapshot);
            int wants = random.Next(1, 9);
            var group = new PodGroup { Metadata = new() { Name = "g", Namespace = "default" }, Spec = new() { SchedulingPolicy = new() { Gang = new() { MinCount = wants } } } };
            snapshot.Groups.Set(group);
            List<PodInfo> pods = [.. Enumerable.Range(0, wants).Select(i => new PodInfo(Make.Pod("p" + i, random.Next(1, 3).ToString(), priority: 15).With(s => s with
            {
                SchedulingGroup = new() { PodGroupName = "g" }, NodeSelector = random.Next(3) == 0 ? Map.Of(("zone", "z" + random.Next(2))) : default,
            })))];
            foreach (var pod in pods) snapshot.Groups.Join(pod);
            var (decisions, verdict) = Attempt(snapshot, group, pods);
            string at = $"; seed {seed}, step {step}";
            if (verdict.Scheduled) continue;
            Assert.True(before == State(snapshot), $"expected {before}, got {State(snapshot)}{at}");
            var victims = decisions.SelectMany(d => d.Decision.Victims).Select(v => v.Uid).ToList();
            Assert.True(victims.Distinct().Count() == victims.Count, "somebody is to go twice" + at);
            Assert.DoesNotContain(decisions, d => d.Decision.Node is not null);
            // Either all that hold are promised a node, with those who leave it, or nobody is and nobody leaves.
            int promised = decisions.Count(d => d.Decision.Nominated.Length > 0);
            Assert.True(promised == 0 ? victims.Count == 0 : promised >= wants && victims.Count > 0, $"{promised} of {wants} are promised a node, {victims.Count} are to go{at}");
            if (promised > 0) waits++; else refused++;
        }
        Assert.True(waits > 0 && refused > 0, $"{waits} and {refused}; seed {seed}");
    }

    static (List<(PodInfo Pod, Cycle.Decision Decision)> Decisions, GroupAttempt.Verdict Verdict) Attempt(Snapshot snapshot, PodGroup group, List<PodInfo> pods)
    {
        var profile = new Profile(new());
        var cycle = new Cycle(profile, new Random(1), percentage: 100);
        var attempt = new GroupAttempt(snapshot, profile, group);
        foreach (var pod in pods) attempt.Add(pod, cycle.Decide(pod, snapshot));
        return attempt.End(pods);
    }

    static string State(Snapshot snapshot) =>
        string.Join(' ', snapshot.Nodes.ToArray().Select(n => $"{n.Name}:{n.Requested.MilliCpu}:{string.Join(',', n.Pods.Select(p => p.Key.Name).Order(StringComparer.Ordinal))}:{n.Nominated?.Count}"));
}
