using System.Collections.Concurrent;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Static;
using Hanbae.Kubelet.Statuses;

namespace Hanbae.Kubelet.Pods;

/// <summary>All Pods of the node, each with a worker of its own.</summary>
sealed class PodWorkers(PodContext context, CancellationToken ct)
{
    readonly ConcurrentDictionary<string, (PodWorker Worker, Task Loop)> _workers = new(); // by uid
    readonly Lock _gate = new();

    public IEnumerable<PodWorker> All => _workers.Values.Select(w => w.Worker);

    public bool Knows(string uid) => _workers.ContainsKey(uid);

    public PodWorker? Find(string uid) => _workers.TryGetValue(uid, out var w) ? w.Worker : null;

    public PodWorker? Find(string ns, string name) =>
        All.Where(w => w.Pod.Metadata.Namespace == ns && w.Pod.Metadata.Name == name).OrderByDescending(w => w.Pod.Metadata.CreationTimestamp).FirstOrDefault();

    /// <summary>Told of mirror Pods, which are only the image of what runs here already.</summary>
    public Action<CacheEvent<Pod>> Mirrored { get; set; } = _ => { };

    public void On(CacheEvent<Pod> change)
    {
        if ((change.New ?? change.Old)!.IsMirror())
        {
            Mirrored(change);
            // What was reported of it goes by its own uid.
            if (change.Old is { } mirror && change.New?.Metadata.Uid != mirror.Metadata.Uid) context.Reports.Forget(mirror.Metadata.Uid);
            return;
        }
        if (change.Old is { } old && change.New?.Metadata.Uid != old.Metadata.Uid) Find(old.Metadata.Uid)?.Remove();
        if (change.New is not { } pod) return;
        lock (_gate)
        {
            if (Find(pod.Metadata.Uid) is { } known)
            {
                known.Update(pod);
                return;
            }
            Add(pod);
        }
    }

    /// <summary>Takes a Pod up, or refuses it.</summary>
    public void Add(Pod pod)
    {
        lock (_gate)
        {
            var worker = new PodWorker(context, pod);
            context.Figures.Observe("kubelet_containers_per_pod_count", pod.Spec.Containers.Count);
            // A Pod that has started was let in before, by this kubelet or the one that it replaces.
            if (pod.Status.StartTime is null && pod.Metadata.DeletionTimestamp is null && !context.Allocations.Knows(pod.Metadata.Uid))
            {
                var refusal = context.Refuse(pod) ?? PodAdmission.Refuse(pod, Active(), context.Allocatable(), context.Options, context.Devices is { } devices ? devices.Plugins.Offers : null);
                if (refusal is { } why && !Preempt(pod, why))
                {
                    context.Events.Event(pod, "Warning", why.Reason, why.Message);
                    context.Rejections.Count(why.Reason);
                    context.Log.Refused(pod.Metadata.Namespace, pod.Metadata.Name, why.Reason, why.Message);
                    worker.Fail(new(why.Reason, "Pod was rejected: " + why.Message));
                }
            }
            Start(worker);
        }
    }

    /// <summary>The Pods that have been let in and have not ended, with what they were granted.</summary>
    public IEnumerable<Pod> Active() => All.Where(w => w.Pod.Spec.NodeName.Length > 0 && !w.Ended).Select(w => context.Allocations.Of(w.Pod));

    /// <summary>Makes room for a Pod that the node cannot do without, at the cost of Pods that it can (upstream's critical pod admission).</summary>
    bool Preempt(Pod pod, Waiting refusal)
    {
        if (!CriticalPods.IsCritical(pod) || !refusal.Reason.StartsWith("OutOf", StringComparison.Ordinal)) return false;
        var victims = CriticalPods.Victims(pod, [.. Active()], context.Allocatable(), context.Options);
        foreach (var victim in victims)
        {
            context.Events.Event(victim, "Warning", "Preempting", "Preempted in order to admit critical pod");
            Find(victim.Metadata.Uid)?.Fail(new("Preempting", "Preempted in order to admit critical pod"), disruption: "Pod was preempted by Kubelet to accommodate a critical pod.");
            context.Figures.Count("kubelet_preemptions", ("preemption_signal", refusal.Reason["OutOf".Length..]));
        }
        return victims.Count > 0;
    }

    /// <summary>Pods that wait for room look again, one after the other in the order of who is to have it first.</summary>
    /// <param name="trigger">Why, as figures call it.</param>
    public void Released(string trigger)
    {
        if (_retrying.Value) return; // who is granted something here releases something in turn
        _retrying.Value = true;
        try
        {
            lock (context.Allocations.Gate)
                foreach (var (worker, _) in All.Where(w => w.ResizePending).Select(w => (Worker: w, Wish: w.WaitingResize)).Order(s_turns))
                    if (worker.RetryResize(trigger)) worker.Wake.Set();
        }
        finally { _retrying.Value = false; }
    }

    readonly ThreadLocal<bool> _retrying = new();
    static readonly Comparer<(PodWorker Worker, WaitingResize Wish)> s_turns = Comparer<(PodWorker Worker, WaitingResize Wish)>.Create((a, b) => Resizes.Compare(a.Wish, b.Wish));

    /// <summary>Ends what is left of a Pod that the API does not know.</summary>
    public void RemoveOrphan(string uid, string ns, string name)
    {
        lock (_gate)
        {
            if (Knows(uid)) return;
            context.Figures.Count("kubelet_orphaned_runtime_pods_total");
            var worker = new PodWorker(context, new() { Metadata = new() { Uid = uid, Namespace = ns, Name = name } });
            worker.Remove();
            Start(worker);
        }
    }

    public void Wake(string uid) => Find(uid)?.Wake.Set();

    public Task WhenDoneAsync() => Task.WhenAll(_workers.Values.Select(w => w.Loop));

    void Start(PodWorker worker) => _workers[worker.Uid] = (worker, Task.Run(() => SuperviseAsync(worker), CancellationToken.None));

    async Task SuperviseAsync(PodWorker worker)
    {
        while (!ct.IsCancellationRequested && !worker.Done)
        {
            try { await worker.RunAsync(ct).ConfigureAwait(false); }
            catch (OperationCanceledException) { }
            catch (Exception e)
            {
                // A fault of ours in one Pod must not end the others; it shows, and the Pod is tried again.
                context.Log.PodFault(worker.Pod.Metadata.Namespace, worker.Pod.Metadata.Name, e);
                context.Events.Event(worker.Pod, "Warning", "FailedSync", $"{e.GetType().Name}: {e.Message}");
                await Task.Delay(TimeSpan.FromSeconds(10), context.Time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        if (!worker.Done) return;
        _workers.TryRemove(worker.Uid, out _);
        Released("pods_removed");
    }
}
