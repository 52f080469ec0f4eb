using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Simulation;

/// <summary>Schedules in memory, as the scheduler would, a copy of a cluster that nobody else sees; and finds what nodes it would take for those that stay without one.</summary>
/// <remarks>
/// Deterministic: all nodes are looked at, and equals are chosen among by a fixed seed. Victims of preemption go at once, and look for another node themselves. New nodes are added one
/// at a time, of the template on which most of the Pods that wait would fit, the smaller one among equals; DaemonSets take their share of each.
/// </remarks>
public sealed class Simulator
{
    readonly ClusterView _cluster;
    readonly Snapshot _snapshot;
    readonly Dictionary<string, Cycle> _cycles;
    readonly Dictionary<string, string> _workloadOf = [];
    readonly List<Placement> _placed = [];
    readonly List<Displacement> _displaced = [];
    readonly HashSet<string> _added = [];

    public Simulator(ClusterView cluster)
    {
        _cluster = cluster;
        _snapshot = cluster.Snapshot();
        // Pods are placed one by one here, those of gangs too.
        _snapshot.Groups.AreServed = false;
        _cycles = cluster.Configuration.Profiles.ToDictionary(p => p.Name, p => new Cycle(new Profile(p), new Random(0), percentage: 100));
    }

    /// <param name="workloads">Pods, or what makes Pods; Pods of the cluster that have no node are placed with them.</param>
    /// <param name="templates">Nodes that could be added, each any number of times; the name is the template's.</param>
    /// <param name="mostNodes">No more nodes are added than this.</param>
    public SimulationReport Run(IEnumerable<IObject> workloads, IReadOnlyList<Node> templates, int mostNodes, CancellationToken ct)
    {
        var made = new Workloads(_cluster);
        List<Workloads.Wanted> wanted = [.. _cluster.Pods.Where(p => p.Spec.NodeName.Length == 0 && p.Metadata.DeletionTimestamp is null && p.Status.Phase is "Pending" or "").SelectMany(made.PodsOf)];
        List<DaemonSet> daemons = [.. _cluster.DaemonSets];
        // On each node they come before what needs the rest of it.
        foreach (var o in workloads.OrderBy(o => o is not DaemonSet))
        {
            if (o is DaemonSet d) daemons.Add(d);
            wanted.AddRange(made.PodsOf(o));
        }
        foreach (var claim in made.Claims) _snapshot.Storage.Claims[Key.Of(claim)] = claim;
        foreach (var claim in made.DeviceClaims) _snapshot.Devices.Set(claim);
        foreach (var (pod, workload) in wanted) _workloadOf[pod.Metadata.Uid] = workload;
        var left = PlaceAll(wanted.Select(w => new PodInfo(w.Pod)), ct);
        var needed = Grow(left, daemons, made, templates, mostNodes, ct);
        return new([.. _placed], Strand(left), [.. _displaced], needed);
    }

    /// <returns>Those without a node, with what is said of them.</returns>
    List<(PodInfo Pod, string Message)> PlaceAll(IEnumerable<PodInfo> pods, CancellationToken ct)
    {
        var queue = new PriorityQueue<PodInfo, (int, int)>();
        int order = 0;
        foreach (var pod in pods) queue.Enqueue(pod, (-pod.Priority, order++));
        List<(PodInfo, string)> left = [];
        while (queue.TryDequeue(out var pod, out _))
        {
            ct.ThrowIfCancellationRequested();
            if (Place(pod, out string message, out var victims)) continue;
            if (victims.Count == 0) { left.Add((pod, message)); continue; }
            foreach (var victim in victims) queue.Enqueue(new(victim.Pod with { Spec = victim.Pod.Spec with { NodeName = "" } }), (-victim.Priority, order++));
            queue.Enqueue(pod, (-pod.Priority, -1));
        }
        return left;
    }

    bool Place(PodInfo pod, out string message, out IReadOnlyList<PodInfo> victims)
    {
        victims = [];
        if (CycleOf(pod) is not { } cycle) { message = $"no profile \"{pod.Pod.Spec.SchedulerName}\" in this scheduler"; return false; }
        if (cycle.Profile.PreEnqueues.Select(p => p.PreEnqueue(pod, _snapshot)).OfType<string>().FirstOrDefault() is { } held) { message = held; return false; }
        var decision = cycle.Decide(pod, _snapshot);
        message = decision.Message;
        if (decision.Node is not { } name)
        {
            if (decision.Nominated.Length == 0) return false;
            victims = decision.Victims;
            foreach (var victim in victims)
            {
                _snapshot.Forget(victim.Uid);
                _placed.RemoveAll(p => p.Pod == victim.Key);
                _displaced.Add(new(victim.Key, decision.Nominated, pod.Key));
                _workloadOf.TryAdd(victim.Uid, Workloads.Name(victim.Pod));
            }
            _snapshot.Nominate(pod, decision.Nominated);
            return false;
        }
        if (cycle.Profile.Reserve(pod, _snapshot.Find(name)!, _snapshot) is { } refused) { message = refused; return false; }
        _snapshot.Devices.Believe();
        _snapshot.Denominate(pod.Uid);
        _snapshot.Place(pod, name);
        _placed.Add(new(pod.Key, _workloadOf[pod.Uid], name, _added.Contains(name)));
        return true;
    }

    Cycle? CycleOf(PodInfo pod) => _cycles.GetValueOrDefault(pod.Pod.Spec.SchedulerName.Length == 0 ? "default-scheduler" : pod.Pod.Spec.SchedulerName);

    ImmutableArray<NodeNeed> Grow(List<(PodInfo Pod, string Message)> left, List<DaemonSet> daemons, Workloads made, IReadOnlyList<Node> templates, int mostNodes, CancellationToken ct)
    {
        Dictionary<string, int> counts = [];
        for (int added = 0; added < mostNodes && left.Count > 0; added++)
        {
            ct.ThrowIfCancellationRequested();
            Node? best = null;
            int most = 0;
            foreach (var template in templates)
            {
                var node = Stamp(template, counts.GetValueOrDefault(template.Metadata.Name));
                int fit = Count(left, node, daemons, made);
                if (fit > most || (fit == most && best is not null && Smaller(template, best))) (best, most) = (template, fit);
            }
            if (best is null || most == 0) break;
            var chosen = Stamp(best, counts.GetValueOrDefault(best.Metadata.Name));
            counts[best.Metadata.Name] = counts.GetValueOrDefault(best.Metadata.Name) + 1;
            _added.Add(chosen.Metadata.Name);
            _snapshot.Set(chosen);
            foreach (var (pod, workload) in daemons.SelectMany(d => made.OnNode(d, chosen)))
            {
                _workloadOf[pod.Metadata.Uid] = workload;
                Place(new(pod), out _, out _);
            }
            var again = PlaceAll(left.Select(l => l.Pod), ct);
            // It looked as if it would help and did not: once more would be for ever.
            if (again.Count >= left.Count) { Replace(left, again); break; }
            Replace(left, again);
        }
        return [.. counts.Select(c => new NodeNeed(c.Key, c.Value)).OrderBy(n => n.Template, StringComparer.Ordinal)];

        static void Replace(List<(PodInfo, string)> left, List<(PodInfo, string)> by)
        {
            left.Clear();
            left.AddRange(by);
        }
    }

    static bool Smaller(Node a, Node b) => (Cpu(a), Memory(a)).CompareTo((Cpu(b), Memory(b))) < 0;
    static long Cpu(Node n) => n.Status.Allocatable.TryGet("cpu", out var q) ? q.MilliValue() : 0;
    static long Memory(Node n) => n.Status.Allocatable.TryGet("memory", out var q) ? q.Value() : 0;

    static Node Stamp(Node template, int number)
    {
        string name = $"{template.Metadata.Name}-new-{number + 1}";
        var status = template.Status.Allocatable.IsEmpty ? template.Status with { Allocatable = template.Status.Capacity } : template.Status;
        if (!status.Allocatable.ContainsKey("pods")) status = status with { Allocatable = status.Allocatable.Set("pods", new Quantity(110)) };
        return template with { Metadata = template.Metadata with { Name = name, Uid = "node/" + name, Labels = template.Metadata.Labels.Set("kubernetes.io/hostname", name) }, Status = status };
    }

    /// <summary>How many of the Pods a node would take, beside its DaemonSets' Pods. Nothing is left of it.</summary>
    int Count(List<(PodInfo Pod, string Message)> left, Node node, List<DaemonSet> daemons, Workloads made)
    {
        _snapshot.Set(node);
        var info = _snapshot.Find(node.Metadata.Name)!;
        List<string> joined = [];
        // Pods of a workload are alike: where one does not fit, the next does not.
        HashSet<string> full = [];
        int fit = 0;
        foreach (var (pod, _) in daemons.SelectMany(d => made.OnNode(d, node))) if (Fits(new(pod))) continue;
        foreach (var (pod, _) in left)
        {
            string workload = _workloadOf[pod.Uid];
            if (full.Contains(workload)) continue;
            if (Fits(pod)) fit++; else full.Add(workload);
        }
        foreach (string uid in joined) _snapshot.Leave(uid, info);
        _snapshot.RemoveNode(node.Metadata.Name);
        return fit;

        bool Fits(PodInfo pod)
        {
            if (CycleOf(pod) is not { } cycle) return false;
            var opening = cycle.Profile.Open(pod, _snapshot);
            if (!opening.Refusal.Ok || opening.Only is { } only && !only.Contains(info.Name) || !cycle.Profile.Filter(pod, info).Ok) return false;
            _snapshot.Join(pod, info);
            joined.Add(pod.Uid);
            return true;
        }
    }

    ImmutableArray<Stranded> Strand(List<(PodInfo Pod, string Message)> left)
    {
        HashSet<string> explained = [];
        return [.. left.Select(l =>
        {
            string workload = _workloadOf[l.Pod.Uid];
            return new Stranded(l.Pod.Key, workload, l.Message, explained.Add(workload) ? Why.Of(l.Pod.Pod, _snapshot, _cluster.Configuration) : null);
        })];
    }
}
