using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Scheduling.V1alpha2;
using Hanbae.Client;
using Hanbae.Scheduler.Extenders;
using Hanbae.Scheduler.Groups;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>Gives every Pod that wants one a node.</summary>
/// <remarks>
/// One loop decides, one Pod at a time, on a snapshot that changes keep up to date; bindings are written beside it. A Pod counts on its node from
/// the decision on ("assumed"), so that the next decision need not wait for the API.
/// </remarks>
public sealed class Scheduler
{
    readonly IClusterAccess _cluster;
    readonly ICache<Pod> _pods;
    readonly Lock _lock = new();
    readonly Snapshot _snapshot = new();
    readonly Dictionary<string, Cycle> _cycles;
    readonly Queue _queue;
    readonly Feed _feed;
    readonly PodFeed _podFeed;
    readonly Writer _writer;
    readonly Extender[] _extenders;
    /// <summary>Null when nobody else is asked.</summary>
    readonly ExtendedCycle? _extended;
    readonly HashSet<string> _assumed = [];
    /// <summary>Refusals being written, by Pod: what is written of its next try comes after.</summary>
    readonly ConcurrentDictionary<string, Task> _refusals = new();
    /// <summary>Something may be ready to be tried. One mark is enough, however much there is.</summary>
    readonly Channel<bool> _work = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly ConcurrentDictionary<Task, bool> _writes = new();
    readonly SemaphoreSlim _bindings;
    /// <summary>On another thread in any case, however what is waited for has ended.</summary>
    const ConfigureAwaitOptions Beside = ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing;
    readonly Action<TimeSpan>? _decided;

    /// <exception cref="ArgumentException">A profile names a plugin that does not exist.</exception>
    public Scheduler(IClusterAccess cluster, SchedulerOptions options)
    {
        _cluster = cluster;
        _pods = cluster.Cache<Pod>();
        _bindings = new(options.MaxBindings);
        _decided = options.Decided;
        var configuration = options.Configuration;
        _cycles = configuration.Profiles.ToDictionary(p => p.Name, p => new Cycle(new Profile(p), Random.Shared, p.PercentageOfNodesToScore ?? configuration.PercentageOfNodesToScore));
        _queue = new(cluster.Time, configuration.PodInitialBackoff, configuration.PodMaxBackoff, pod => CycleOf(pod.Pod)!.Profile, _snapshot);
        _feed = new(cluster, _lock, _snapshot, change => _queue.On(change), Wake);
        _podFeed = new(_snapshot, _queue, _assumed, pod => CycleOf(pod) is not null);
        _writer = new(cluster);
        _extenders = [.. configuration.Extenders.Select(e => new Extender(e))];
        _extended = _extenders.Length == 0 ? null : new(_lock, _snapshot, _extenders);
    }

    Cycle? CycleOf(Pod pod) => _cycles.GetValueOrDefault(pod.Spec.SchedulerName.Length == 0 ? "default-scheduler" : pod.Spec.SchedulerName);

    void Wake() => _work.Writer.TryWrite(true);

    /// <summary>All is known that decisions are made by.</summary>
    public bool Synced { get; private set; }

    /// <summary>Schedules until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var seldom = _feed.Follow();
        await Task.WhenAll(_feed.WhenSyncedAsync(ct), _pods.WhenSyncedAsync(ct));
        using var rest = _feed.Subscribe();
        using var pods = _pods.Subscribe(OnPod);
        Synced = true;
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
        // None outlives the loop that began it: at most MaxBindings, and one for each Pod that waits for volumes or leave.
        finally
        {
            await Task.WhenAll(_writes.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var extender in _extenders) extender.Dispose();
        }
    }

    async Task WaitAsync(TimeSpan? delay, CancellationToken ct)
    {
        if (delay is null) { await _work.Reader.ReadAsync(ct); return; }
        using var alarm = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var woken = _work.Reader.ReadAsync(alarm.Token).AsTask();
        var rung = Task.Delay(delay.Value, _cluster.Time, alarm.Token);
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
            Cycle cycle;
            Cycle.Decision decision;
            List<PodInfo>? outranked = null;
            PodGroup? group = null;
            List<PodInfo> together = [];
            long begun = Stopwatch.GetTimestamp();
            lock (_lock)
            {
                pod = _queue.Next();
                if (pod is null) return;
                cycle = CycleOf(pod.Pod)!;
                decision = default;
                if (_snapshot.Groups.Of(pod) is { } key)
                {
                    group = _snapshot.Groups.Find(key);
                    if (group is null) { _queue.Return(pod); continue; }
                    together = _queue.With(pod, _snapshot.Groups.Members(key));
                }
                else if (_extended is null)
                {
                    decision = cycle.Decide(pod, _snapshot);
                    Take(pod, cycle, ref decision, out outranked);
                }
            }
            if (group is not null) { await ScheduleAsync(group, together, cycle, ct); continue; }
            if (_extended is not null)
            {
                decision = await AskAsync(_extended, pod, cycle, ct);
                lock (_lock) Take(pod, cycle, ref decision, out outranked);
            }
            _decided?.Invoke(Stopwatch.GetElapsedTime(begun));
            await _bindings.WaitAsync(ct);
            Keep(Finish(pod, cycle.Profile, decision, outranked, ct));
        }
    }

    static async Task<Cycle.Decision> AskAsync(ExtendedCycle extended, PodInfo pod, Cycle cycle, CancellationToken ct)
    {
        try { return await extended.DecideAsync(pod, cycle, ct); }
        // As with Finish: whatever it was, it is this Pod's.
        catch (Exception e) when (!ct.IsCancellationRequested) { return new(null, e.Message, 0) { Error = true }; }
    }

    void Keep(Task write)
    {
        _writes[write] = true;
        if (write.IsCompleted) _writes.TryRemove(write, out _);
        else _ = write.ContinueWith(static (t, all) => ((ConcurrentDictionary<Task, bool>)all!).TryRemove(t, out _), _writes, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Decides for all Pods of a group that wait: on one state of the cluster, unless others are asked in between.</summary>
    async Task ScheduleAsync(PodGroup group, List<PodInfo> pods, Cycle cycle, CancellationToken ct)
    {
        long begun = Stopwatch.GetTimestamp();
        var attempt = new GroupAttempt(_snapshot, cycle.Profile, group);
        List<(PodInfo Pod, Cycle.Decision Decision, List<PodInfo>? Outranked)> decided;
        GroupAttempt.Verdict verdict;
        if (pods.Find(p => CycleOf(p.Pod) != cycle) is { } stranger)
            attempt.Add(stranger, new(null, $"all pods in a single pod group should have the same .spec.schedulerName set, got: \"{stranger.Pod.Spec.SchedulerName}\" and \"{cycle.Profile.Name}\"", 0) { Error = true });
        if (_extended is null)
            lock (_lock)
            {
                foreach (var pod in pods) if (!attempt.IsOver) attempt.Add(pod, cycle.Decide(pod, _snapshot));
                decided = Take(attempt, pods, out verdict);
            }
        else
        {
            foreach (var pod in pods)
            {
                if (attempt.IsOver) break;
                var decision = await AskAsync(_extended, pod, cycle, ct);
                lock (_lock) attempt.Add(pod, decision);
            }
            lock (_lock) decided = Take(attempt, pods, out verdict);
        }
        _decided?.Invoke(Stopwatch.GetElapsedTime(begun));
        foreach (var (pod, decision, outranked) in decided)
        {
            await _bindings.WaitAsync(ct);
            Keep(Finish(pod, cycle.Profile, decision, outranked, ct));
        }
        Keep(SayAsync(group, verdict, ct));
    }

    List<(PodInfo, Cycle.Decision, List<PodInfo>?)> Take(GroupAttempt attempt, List<PodInfo> pods, out GroupAttempt.Verdict verdict)
    {
        (var decisions, verdict) = attempt.End(pods);
        List<(PodInfo, Cycle.Decision, List<PodInfo>?)> taken = [];
        foreach (var (pod, decision) in decisions)
        {
            if (decision.Node is null) { taken.Add((pod, decision, SetAside(pod, decision))); continue; }
            string promised = _snapshot.Denominate(pod.Uid);
            _assumed.Add(pod.Uid);
            if (promised != decision.Node) _podFeed.Release(pod.Pod, promised);
            taken.Add((pod, decision, null));
        }
        return taken;
    }

    /// <summary>Writes what became of a group; words about the same one go in their order.</summary>
    async Task SayAsync(PodGroup group, GroupAttempt.Verdict verdict, CancellationToken ct)
    {
        var before = _refusals.GetValueOrDefault(group.Metadata.Uid);
        var writing = WriteAsync();
        _refusals[group.Metadata.Uid] = writing;
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _refusals.TryRemove(new(group.Metadata.Uid, writing));

        async Task WriteAsync()
        {
            if (before is not null) await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _writer.SayAsync(group, verdict, ct);
        }
    }

    void Take(PodInfo pod, Cycle cycle, ref Cycle.Decision decision, out List<PodInfo>? outranked)
    {
        outranked = null;
        if (decision.Node is not null) decision = Assume(pod, cycle, decision);
        if (decision.Node is null) outranked = SetAside(pod, decision);
    }

    Cycle.Decision Assume(PodInfo pod, Cycle cycle, Cycle.Decision decision)
    {
        // It may have gone while others were asked about it.
        if (_snapshot.Find(decision.Node!) is null) return new(null, $"node \"{decision.Node}\" not found", 0) { Error = true };
        if (cycle.Profile.Reserve(pod, _snapshot.Find(decision.Node!)!, _snapshot) is { } refused) return new(null, refused, 0);
        string promised = _snapshot.Denominate(pod.Uid);
        _snapshot.Place(pod, decision.Node!);
        _assumed.Add(pod.Uid);
        if (promised != decision.Node) _podFeed.Release(pod.Pod, promised);
        return decision;
    }

    /// <summary>At once, before anything is written: a change that comes from now on finds the Pod waiting for it.</summary>
    /// <returns>Pods of lower priority that had been promised the room that this one gets.</returns>
    List<PodInfo>? SetAside(PodInfo pod, Cycle.Decision decision)
    {
        List<PodInfo>? outranked = null;
        if (decision.Nominated.Length > 0)
        {
            outranked = _snapshot.Find(decision.Nominated)?.Nominated?.FindAll(n => n.Priority < pod.Priority);
            foreach (var other in outranked ?? [])
            {
                _snapshot.Denominate(other.Uid);
                _queue.Nudge(other.Key);
            }
            _snapshot.Nominate(pod, decision.Nominated);
        }
        else if (!decision.Waits) _podFeed.Release(pod.Pod, _snapshot.Denominate(pod.Uid));
        if (decision.Error) { _queue.Errored(pod); return outranked; }
        // Who makes room stays in flight until that is under way: trying again before would displace still others.
        if (decision.Victims.Count == 0) _queue.Failed(pod, decision.Plugins);
        return outranked;
    }

    /// <summary>Writes a decision, beside the loop; its failure is the Pod's, not the loop's.</summary>
    /// <remarks>A server in the same process has answered before it returns: were it asked by the loop, deciding would wait for each write.</remarks>
    async Task Finish(PodInfo pod, Profile profile, Cycle.Decision decision, List<PodInfo>? outranked, CancellationToken ct)
    {
        bool released = false;
        try
        {
            var before = _refusals.GetValueOrDefault(pod.Uid) ?? Task.CompletedTask;
            if (decision.Node is null)
            {
                var writing = RefuseAsync(before, pod, profile, decision, outranked ?? [], ct);
                _refusals[pod.Uid] = writing;
                try { await writing; }
                finally
                {
                    _refusals.TryRemove(new(pod.Uid, writing));
                    if (decision.Victims.Count > 0) Reconsider(pod, decision, writing.IsCompletedSuccessfully);
                }
                return;
            }
            await before.ConfigureAwait(Beside);
            // A Pod that waits for volumes, or for leave, must not hold up the others.
            bool waits = profile.Permits.Length > 0 || Array.Exists(profile.PreBinds, p => p.Concerns(pod));
            if (waits) { _bindings.Release(); released = true; }
            await BindAsync(pod, profile, decision.Node, waits, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
        // Whatever it was: a Pod that stays assumed or in flight would never be looked at again.
        catch (Exception e)
        {
            if (decision.Node is not null) await RetryAsync(pod, profile, ct);
            Tell(pod, e);
        }
        finally { if (!released) _bindings.Release(); }
    }

    /// <summary>Writes a refusal behind the one before it.</summary>
    async Task RefuseAsync(Task before, PodInfo pod, Profile profile, Cycle.Decision decision, List<PodInfo> outranked, CancellationToken ct)
    {
        await before.ConfigureAwait(Beside);
        await _writer.RefuseAsync(pod, profile.Name, decision, outranked, ct);
    }

    void Tell(PodInfo pod, Exception e) => _cluster.Recorder.For(pod.Pod.Spec.SchedulerName).Event(pod.Pod, "Warning", "FailedScheduling", e.Message);

    /// <summary>The victims may have gone while the last was still being asked to: then, or when not all could be asked, the Pod is tried at once.</summary>
    void Reconsider(PodInfo pod, Cycle.Decision decision, bool asked)
    {
        lock (_lock)
        {
            _queue.Failed(pod, decision.Plugins, decision.Victims);
            if (!asked || decision.Victims.All(v => _snapshot.PlaceOf(v.Uid).Length == 0)) _queue.Nudge(pod.Key);
        }
        Wake();
    }

    async Task BindAsync(PodInfo pod, Profile profile, string node, bool waits, CancellationToken ct)
    {
        // Who makes nodes, and a scheduler after this one, see where the Pod is going though it is not there yet (KEP-5278).
        bool nominates = waits && pod.Pod.Status.NominatedNodeName != node;
        if (nominates) await _writer.NominateAsync(pod, node, ct);
        if (waits && await PrepareAsync(pod, profile, node, ct) is { } refused)
        {
            await _writer.RefuseAsync(pod, profile.Name, refused, [], ct);
            if (nominates) await _writer.NominateAsync(pod, "", ct);
            await RetryAsync(pod, profile, ct);
            return;
        }
        var binder = _extenders.FirstOrDefault(e => e.Binds && e.Concerns(pod.Pod));
        try
        {
            if (binder is not null) await binder.BindAsync(pod, node, ct);
            else await profile.Binder.BindAsync(pod, node, _cluster, ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            lock (_lock)
            {
                _queue.Remove(pod.Key, pod.Uid);
                GiveUp(pod, profile);
            }
            Wake();
            return;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            await TellUnboundAsync(pod, profile, binder is not null ? e.Message : $"running Bind plugin \"{profile.Binder.Name}\": {e.Message}", e, ct);
            // What had to be done there for the Pod is done: the place is kept for its next try, as its status says.
            await RetryAsync(pod, profile, ct, keeps: waits ? node : "");
            return;
        }
        lock (_lock)
        {
            _queue.Remove(pod.Key, pod.Uid);
            // What was promised is written now.
            if (waits) profile.Unreserve(pod, _snapshot);
        }
        foreach (var plugin in profile.PostBinds) plugin.PostBind(pod, node);
        _cluster.Recorder.For(pod.Pod.Spec.SchedulerName).Event(pod.Pod, "Normal", "Scheduled", $"Successfully assigned {pod.Key} to {node}");
    }

    async Task TellUnboundAsync(PodInfo pod, Profile profile, string why, Exception e, CancellationToken ct)
    {
        // A conflict: somebody else has bound it, and its status says where.
        if (e is ApiException { IsConflict: true }) { _cluster.Recorder.For(profile.Name).Event(pod.Pod, "Warning", "FailedScheduling", why); return; }
        try { await _writer.RefuseAsync(pod, profile.Name, new(null, why, 0) { Error = true, Waits = true }, [], ct); }
        // The same server would not bind it, either: the next failure says it.
        catch (Exception x) when (x is ApiException or HttpRequestException or IOException) { }
    }

    /// <returns>Why it must not be bound yet; null when it may.</returns>
    async Task<Cycle.Decision?> PrepareAsync(PodInfo pod, Profile profile, string node, CancellationToken ct)
    {
        foreach (var permit in profile.Permits) if (await permit.PermitAsync(pod, node, ct) is { } refused) return new(null, $"running Permit plugin \"{permit.Name}\": {refused}", 0);
        foreach (var plugin in profile.PreBinds)
        {
            // Never under the lock: whoever tells caches' subscribers may be waiting for it.
            if (plugin.Concerns(pod) && await plugin.PreBindAsync(pod, node, _cluster, ct) is { } refused)
                return new(null, $"running PreBind plugin \"{plugin.Name}\": {refused}", 0) { Error = true };
        }
        return null;
    }

    async Task RetryAsync(PodInfo pod, Profile profile, CancellationToken ct, string keeps = "")
    {
        foreach (var plugin in profile.Releases)
        {
            try { await plugin.ReleaseAsync(pod, _cluster, ct); }
            // The next try takes what is still held for the Pod; whoever deletes it frees it otherwise.
            catch (ApiException) { }
        }
        lock (_lock)
        {
            if (keeps.Length > 0)
            {
                pod.Pod = pod.Pod with { Status = pod.Pod.Status with { NominatedNodeName = keeps } };
                _snapshot.Nominate(pod, keeps);
            }
            _queue.Errored(pod);
            GiveUp(pod, profile);
        }
        Wake();
    }

    /// <summary>What was assumed of a node is free again, which may help others, and the Pod itself.</summary>
    void GiveUp(PodInfo pod, Profile profile)
    {
        profile.Unreserve(pod, _snapshot);
        if (!_assumed.Remove(pod.Uid)) return;
        string node = _snapshot.PlaceOf(pod.Uid);
        _snapshot.Forget(pod.Uid);
        _podFeed.Release(pod.Pod, node);
    }

    void OnPod(CacheEvent<Pod> change)
    {
        bool wake;
        lock (_lock) wake = _podFeed.Apply(change);
        if (wake) Wake();
    }
}
