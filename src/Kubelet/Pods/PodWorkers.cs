using System.Collections.Concurrent;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

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

    public void On(CacheEvent<Pod> change)
    {
        if (change.Old is { } old && change.New?.Metadata.Uid != old.Metadata.Uid) Find(old.Metadata.Uid)?.Remove();
        if (change.New is not { } pod) return;
        lock (_gate)
        {
            if (Find(pod.Metadata.Uid) is { } known)
            {
                known.Update(pod);
                return;
            }
            var worker = new PodWorker(context, pod);
            // A Pod that has started was let in before, by this kubelet or the one that it replaces.
            if (pod.Status.StartTime is null && pod.Metadata.DeletionTimestamp is null)
            {
                var others = All.Where(w => !(w.Status ?? w.Pod.Status).IsFinished()).Select(w => w.Pod);
                if (PodAdmission.Refuse(pod, others, context.Allocatable(), context.Options) is { } refusal)
                {
                    context.Events.Event(pod, "Warning", refusal.Reason, refusal.Message);
                    worker.Fail(refusal);
                }
            }
            Start(worker);
        }
    }

    /// <summary>Ends what is left of a Pod that the API does not know.</summary>
    public void RemoveOrphan(string uid, string ns, string name)
    {
        lock (_gate)
        {
            if (Knows(uid)) return;
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
                context.Events.Event(worker.Pod, "Warning", "FailedSync", $"{e.GetType().Name}: {e.Message}");
                await Task.Delay(TimeSpan.FromSeconds(10), context.Time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        if (worker.Done) _workers.TryRemove(worker.Uid, out _);
    }
}
