using System.Collections.Concurrent;
using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>Gives every Pod that wants one a node.</summary>
/// <remarks>
/// One loop decides, one Pod at a time, on a snapshot that changes keep up to date; bindings are written beside it. A Pod counts on its node from
/// the decision on ("assumed"), so that the next decision need not wait for the API.
/// </remarks>
public sealed class Scheduler(IClusterAccess cluster, SchedulerOptions options)
{
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly Lock _lock = new();
    readonly Snapshot _snapshot = new();
    readonly Queue _queue = new(cluster.Time);
    readonly Cycle _cycle = new(Random.Shared);
    readonly HashSet<string> _assumed = [];
    /// <summary>Something may be ready to be tried. One mark is enough, however much there is.</summary>
    readonly Channel<bool> _work = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly ConcurrentDictionary<Task, bool> _writes = new();
    readonly SemaphoreSlim _bindings = new(options.MaxBindings);

    /// <summary>Schedules until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await Task.WhenAll(_nodes.WhenSyncedAsync(ct), _pods.WhenSyncedAsync(ct));
        using var nodes = _nodes.Subscribe(OnNode);
        using var pods = _pods.Subscribe(OnPod);
        try
        {
            while (!ct.IsCancellationRequested)
            {
                TimeSpan? delay;
                lock (_lock) { _queue.Flush(); delay = _queue.Delay(); }
                if (delay == TimeSpan.Zero) { await ScheduleAsync(ct); continue; }
                await WaitAsync(delay, ct);
            }
        }
        // At most MaxBindings of them: none outlives the loop that began it.
        finally { await Task.WhenAll(_writes.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }

    async Task WaitAsync(TimeSpan? delay, CancellationToken ct)
    {
        if (delay is null) { await _work.Reader.ReadAsync(ct); return; }
        using var alarm = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var woken = _work.Reader.ReadAsync(alarm.Token).AsTask();
        var rung = Task.Delay(delay.Value, cluster.Time, alarm.Token);
        await Task.WhenAny(woken, rung);
        await alarm.CancelAsync();
        await Task.WhenAll(woken, rung).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
    }

    /// <summary>Decides for every Pod that is ready to be tried.</summary>
    async Task ScheduleAsync(CancellationToken ct)
    {
        while (true)
        {
            PodInfo? pod;
            Cycle.Decision decision = default;
            lock (_lock)
            {
                pod = _queue.Next();
                if (pod is null) return;
                decision = _cycle.Decide(pod, _snapshot);
                if (decision.Node is not null)
                {
                    _snapshot.Place(pod, decision.Node);
                    _assumed.Add(pod.Uid);
                }
            }
            await _bindings.WaitAsync(ct);
            var write = Finish(pod, decision, ct);
            _writes[write] = true;
            if (write.IsCompleted) _writes.TryRemove(write, out _);
            else _ = write.ContinueWith(static (t, all) => ((ConcurrentDictionary<Task, bool>)all!).TryRemove(t, out _), _writes, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>Writes a decision; its failure is the Pod's, not the loop's.</summary>
    async Task Finish(PodInfo pod, Cycle.Decision decision, CancellationToken ct)
    {
        try
        {
            if (decision.Node is { } node) await BindAsync(pod, node, ct);
            else await RefuseAsync(pod, decision, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
        // Whatever it was: a Pod that stays assumed or in flight would never be looked at again.
        catch (Exception e)
        {
            if (decision.Node is not null) Release(pod, Change.Any, giveUpNode: true);
            cluster.Recorder.Event(pod.Pod, "Warning", "FailedScheduling", e.Message);
        }
        finally { _bindings.Release(); }
    }

    async Task BindAsync(PodInfo pod, string node, CancellationToken ct)
    {
        var binding = new Binding
        {
            Metadata = new() { Namespace = pod.Key.Namespace, Name = pod.Key.Name, Uid = pod.Uid },
            Target = new() { Kind = "Node", Name = node },
        };
        try { await cluster.Client.CreateAsync<Pod>(pod.Key, "binding", binding, ct); }
        catch (ApiException e) when (e.IsNotFound)
        {
            lock (_lock)
            {
                _queue.Remove(pod.Key, pod.Uid);
                GiveUp(pod);
            }
            _work.Writer.TryWrite(true);
            return;
        }
        lock (_lock) _queue.Remove(pod.Key, pod.Uid);
        cluster.Recorder.Event(pod.Pod, "Normal", "Scheduled", $"Successfully assigned {pod.Key} to {node}");
    }

    async Task RefuseAsync(PodInfo pod, Cycle.Decision decision, CancellationToken ct)
    {
        cluster.Recorder.Event(pod.Pod, "Warning", "FailedScheduling", decision.Message);
        try
        {
            if (Refusal.Condition(pod.Pod, decision.Message, cluster.Time.GetUtcNow()) is { } status)
                await cluster.Client.PatchAsync<Pod>(pod.Key, Client.Patch.Strategic(status), ct, "status");
        }
        catch (ApiException e) when (e.IsNotFound) { }
        // Last, since from here on the Pod may be tried again.
        finally { Release(pod, decision.CurableBy, giveUpNode: false); }
    }

    void Release(PodInfo pod, Change curableBy, bool giveUpNode)
    {
        lock (_lock)
        {
            _queue.Failed(pod, curableBy);
            if (giveUpNode) GiveUp(pod);
        }
        _work.Writer.TryWrite(true);
    }

    /// <summary>What was assumed of a node is free again, which may help others, and the Pod itself.</summary>
    void GiveUp(PodInfo pod)
    {
        if (!_assumed.Remove(pod.Uid)) return;
        _snapshot.Forget(pod.Uid);
        _queue.On(Change.PodRemoved);
    }

    void OnNode(CacheEvent<Node> change)
    {
        lock (_lock)
        {
            if (change.New is null) { _snapshot.RemoveNode(change.Old!.Metadata.Name); return; }
            _snapshot.Set(change.New);
            var what = NodeChange.Of(change.Old, change.New);
            if (what == Change.None) return;
            _queue.On(what);
        }
        _work.Writer.TryWrite(true);
    }

    void OnPod(CacheEvent<Pod> change)
    {
        bool wake;
        lock (_lock) wake = Apply(change);
        if (wake) _work.Writer.TryWrite(true);
    }

    bool Apply(CacheEvent<Pod> change)
    {
        var pod = change.Object;
        bool gone = change.New is null || pod.Status.Phase is "Succeeded" or "Failed";
        if (gone)
        {
            _queue.Remove(Key.Of(pod));
            bool counted = _assumed.Remove(pod.Metadata.Uid) || pod.Spec.NodeName.Length > 0;
            _snapshot.Forget(pod.Metadata.Uid);
            if (counted) _queue.On(Change.PodRemoved);
            return true;
        }
        if (pod.Spec.NodeName.Length > 0)
        {
            // Status changes of running Pods, the bulk of all events, change nothing that is counted.
            if (change.Old is { } old && old.Spec == pod.Spec) return false;
            _queue.Remove(Key.Of(pod));
            _assumed.Remove(pod.Metadata.Uid);
            _snapshot.Place(new(pod), pod.Spec.NodeName);
            if (change.Old is { Spec.NodeName.Length: > 0 }) _queue.On(Change.PodUpdated);
            return change.Old is { Spec.NodeName.Length: > 0 };
        }
        if (pod.Metadata.DeletionTimestamp is not null || pod.Spec.SchedulerName != options.Name && pod.Spec.SchedulerName.Length > 0) { _queue.Remove(Key.Of(pod)); return false; }
        // KEP-3521: a gated Pod is not looked at.
        if (!pod.Spec.SchedulingGates.IsEmpty || _assumed.Contains(pod.Metadata.Uid)) return false;
        _queue.Put(new(pod));
        return true;
    }
}
