using Hanbae.Api;
using Hanbae.Api.Scheduling.V1alpha2;

namespace Hanbae.Scheduler.Groups;

/// <summary>One decision about all Pods of a group that wait: each is decided as if those before it were placed already, and all that hold come true together or none does.</summary>
/// <remarks>
/// As upstream's Pod-group cycle. A Pod for which others would have to leave counts as placed, and they as gone; nobody is made to go unless the whole group has room then.
/// Steps are to be taken under the scheduler's lock.
/// </remarks>
internal sealed class GroupAttempt(Snapshot snapshot, Profile profile, PodGroup group)
{
    const string Unschedulable = "pod group is unschedulable", Waits = "pod group is waiting for preemption to complete", TooFew = "waiting for minCount pods from a gang to be scheduled";

    enum Outcome { Unschedulable, Waits, Scheduled, Error }

    /// <param name="Node">Where it counts; empty when it does nowhere.</param>
    sealed record Member(PodInfo Pod, Cycle.Decision Decision, string Node);

    /// <summary>What is to be said of the group.</summary>
    public readonly record struct Verdict(bool Scheduled, string Reason, string Message);

    readonly List<Member> _members = [];
    Outcome _outcome;
    bool _preempts;
    string _error = "";

    /// <summary>Something went wrong: nobody else need be looked at.</summary>
    public bool IsOver => _outcome == Outcome.Error;
    public PodGroup Group => group;

    /// <summary>What was decided of the next Pod.</summary>
    public void Add(PodInfo pod, Cycle.Decision decision)
    {
        string node = decision.Node ?? decision.Nominated;
        if (node.Length > 0 && Place(pod, node, decision) is { } refused) (decision, node) = (refused, "");
        _members.Add(new(pod, decision, node));
        if (decision.Error) { (_outcome, _error) = (Outcome.Error, decision.Message); return; }
        if (node.Length == 0) return;
        _preempts |= decision.Node is null;
        if (IsEnough()) _outcome = _preempts ? Outcome.Waits : Outcome.Scheduled;
    }

    /// <returns>Why not; null when it counts there now.</returns>
    Cycle.Decision? Place(PodInfo pod, string name, Cycle.Decision decision)
    {
        // It may have gone while others were asked about it.
        if (snapshot.Find(name) is not { } node) return new(null, $"node \"{name}\" not found", 0) { Error = true };
        foreach (var victim in decision.Victims) snapshot.Leave(victim.Uid, node);
        if (profile.Reserve(pod, node, snapshot) is { } refused)
        {
            foreach (var victim in decision.Victims) snapshot.Join(victim, node);
            return new(null, refused, 0);
        }
        snapshot.Place(pod, name);
        return null;
    }

    bool IsEnough() => group.Spec.SchedulingPolicy.Gang is not { } gang || snapshot.Groups.Placed(Key.Of(group)) >= gang.MinCount;

    /// <summary>Lets it come true, or takes it back.</summary>
    /// <param name="waiting">All Pods of the attempt, those included that nobody got to.</param>
    /// <returns>What is decided of each.</returns>
    public (List<(PodInfo Pod, Cycle.Decision Decision)> Decisions, Verdict Verdict) End(IReadOnlyList<PodInfo> waiting)
    {
        if (_outcome != Outcome.Scheduled) TakeBack();
        // Whatever helps one of them may help all: each is looked at with the rest.
        ulong plugins = profile.BitOf("GangScheduling");
        foreach (var m in _members) plugins |= m.Decision.Plugins;
        List<(PodInfo, Cycle.Decision)> decisions = [];
        foreach (var m in _members) decisions.Add((m.Pod, Of(m, plugins)));
        HashSet<string> seen = [.. _members.Select(m => m.Pod.Uid)];
        foreach (var pod in waiting) if (!seen.Contains(pod.Uid)) decisions.Add((pod, new(null, Failed(), 0) { Error = true }));
        return (decisions, _outcome switch
        {
            Outcome.Scheduled => new(true, "Scheduled", ""),
            Outcome.Error => new(false, "SchedulerError", Failed()),
            Outcome.Waits => new(false, "Unschedulable", $"{Unschedulable}, {Waits}"),
            _ => new(false, "Unschedulable", Unschedulable),
        });
    }

    string Failed() => "failed to schedule other pod from a pod group: " + _error;

    Cycle.Decision Of(Member m, ulong plugins) => _outcome switch
    {
        Outcome.Scheduled => m.Decision,
        Outcome.Error => m.Decision.Error ? m.Decision : new(null, Failed(), 0) { Error = true },
        _ when m.Node.Length == 0 => m.Decision with { Plugins = m.Decision.Plugins == 0 ? 0 : plugins },
        Outcome.Waits => m.Decision.Node is null ? m.Decision with { Plugins = plugins } : new(null, $"{Unschedulable}, {Waits}", plugins) { Nominated = m.Node },
        _ => new(null, $"{Unschedulable}, {TooFew}", plugins),
    };

    void TakeBack()
    {
        for (int i = _members.Count - 1; i >= 0; i--)
        {
            var m = _members[i];
            if (m.Node.Length == 0) continue;
            profile.Unreserve(m.Pod, snapshot);
            snapshot.Forget(m.Pod.Uid);
            // Who has gone in the meantime does not come back by this.
            if (snapshot.Find(m.Node) is { } node)
                foreach (var victim in m.Decision.Victims) if (snapshot.PlaceOf(victim.Uid) == m.Node) snapshot.Join(victim, node);
        }
    }
}
