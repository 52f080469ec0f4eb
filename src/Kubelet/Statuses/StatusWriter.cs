using System.Collections.Concurrent;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Static;
using Microsoft.Extensions.Logging;
using Patch = Hanbae.Client.Patch;

namespace Hanbae.Kubelet.Statuses;

/// <summary>Writes Pod statuses to the API server: the newest of each Pod, only what changed, until it is there.</summary>
sealed class StatusWriter(IClient client, TimeProvider time, ILogger log, Func<Pod, Pod?>? mirrorOf = null) : IPodReports
{
    readonly ConcurrentDictionary<string, (Pod Pod, PodStatus Status, long Since)> _pending = new(); // at most one for each Pod of the node
    readonly ConcurrentDictionary<string, Pod> _written = new();
    readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = new();
    readonly WakeUp _wake = new();

    /// <summary>Told how long it takes; null for nobody.</summary>
    public Stats.KubeletFigures? Figures { get; init; }

    public void Report(Pod pod, PodStatus status)
    {
        long now = time.GetTimestamp();
        _pending.AddOrUpdate(pod.Metadata.Uid, (pod, status, now), (_, waiting) => (pod, status, waiting.Since));
        _wake.Set();
    }

    public async Task FinishAsync(Pod pod, PodStatus status, CancellationToken ct)
    {
        string uid = pod.Metadata.Uid;
        long since = _pending.TryRemove(uid, out var waiting) ? waiting.Since : time.GetTimestamp();
        if (await WriteAsync(pod, status, since, ct).ConfigureAwait(false))
        {
            try
            {
                await client.DeleteAsync<Pod>(Key.Of(pod), new DeleteOptions { GracePeriodSeconds = 0, Preconditions = new() { Uid = uid } }, ct).ConfigureAwait(false);
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict) { } // gone, or another Pod of that name already
        }
        Forget(uid);
    }

    /// <summary>The Pod is gone from the node.</summary>
    public void Forget(string uid)
    {
        _pending.TryRemove(uid, out _);
        _written.TryRemove(uid, out _);
        _turns.TryRemove(uid, out _);
    }

    public async Task RunAsync(CancellationToken ct)
    {
        const int parallel = 4;
        var delay = TimeSpan.Zero;
        while (true)
        {
            await _wake.WaitAsync(delay > TimeSpan.Zero ? delay : TimeSpan.FromMinutes(1), time, ct).ConfigureAwait(false);
            int failures = 0;
            await Parallel.ForEachAsync(_pending.ToArray(), new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = ct }, async (entry, token) =>
            {
                if (!_pending.TryRemove(entry.Key, out var report)) return;
                try { await WriteAsync(report.Pod, report.Status, report.Since, token).ConfigureAwait(false); }
                catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
                {
                    _pending.TryAdd(entry.Key, report); // unless there is a newer one
                    log.StatusNotWritten(report.Pod.Metadata.Namespace, report.Pod.Metadata.Name, e.Message);
                    Interlocked.Increment(ref failures);
                }
            }).ConfigureAwait(false);
            delay = failures == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Clamp(delay.TotalSeconds * 2, 0.5, 10));
        }
    }

    /// <returns>False when the Pod is no longer there.</returns>
    async Task<bool> WriteAsync(Pod pod, PodStatus status, long since, CancellationToken ct)
    {
        if (pod.IsStatic())
        {
            // Told of its mirror; without one there is nobody to tell, and the mirror's coming has it told again.
            // What was observed is the file, which has no generation: the mirror's own says nothing of it, as upstream.
            if (mirrorOf?.Invoke(pod) is not { } mirror) return true;
            pod = mirror;
        }
        string uid = pod.Metadata.Uid;
        var turn = _turns.GetOrAdd(uid, _ => new(1));
        await turn.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            // Against what was last written, not what was last seen: the cache may lag behind our own writes.
            var before = _written.TryGetValue(uid, out var written) ? written.Status : pod.Status;
            // Where it does not, another has written since (the node controller marks Pods of silent nodes): that is set right, as upstream does.
            if (written is not null && IsNewer(pod, written)) before = before with { Phase = pod.Status.Phase, Conditions = pod.Status.Conditions };
            if (StatusPatch.Between(uid, before, status) is not { } body) return true;
            var answer = await client.PatchAsync<Pod>(Key.Of(pod), Patch.Strategic(body), ct, "status").ConfigureAwait(false);
            _written[uid] = answer;
            Figures?.Observe("kubelet_pod_status_sync_duration_seconds", time.GetElapsedTime(since));
            return true;
        }
        catch (ApiException e) when (e.IsNotFound) { return false; }
        catch (ApiException e) when (e.IsConflict || e.Code == 422)
        {
            // Another Pod of that name, or ours changed too often meanwhile: then whoever called tries again.
            if (await client.FindAsync<Pod>(Key.Of(pod), ct).ConfigureAwait(false) is not { } live || live.Metadata.Uid != uid) return false;
            throw;
        }
        finally { turn.Release(); }
    }

    /// <remarks>Resource versions are numbers that grow (KEP-5504).</remarks>
    static bool IsNewer(Pod a, Pod b) =>
        ulong.TryParse(a.Metadata.ResourceVersion, out ulong x) && ulong.TryParse(b.Metadata.ResourceVersion, out ulong y) && x > y;
}
