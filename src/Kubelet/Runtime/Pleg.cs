using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Runtime;

/// <summary>Notices what happens to containers: by the runtime's events where it has them (KEP-3386), and by looking at all of them in one pass.</summary>
sealed class Pleg(ICri cri, KubeletOptions options, TimeProvider time, Action<string> changed, ILogger log)
{
    /// <summary>How often all are looked at although the runtime tells events, which can be lost.</summary>
    static readonly TimeSpan s_safety = TimeSpan.FromMinutes(1);
    /// <summary>As upstream: no look for this long means the runtime hangs.</summary>
    static readonly TimeSpan s_unhealthy = TimeSpan.FromMinutes(3);

    Dictionary<string, (int State, string Uid)> _states = []; // by container or sandbox id
    volatile IReadOnlyDictionary<string, SeenPod> _pods = new Dictionary<string, SeenPod>();
    volatile bool _streaming;
    long _last;

    public Stats.KubeletFigures? Figures { get; init; }

    /// <summary>When all were last looked at.</summary>
    public DateTimeOffset? LastSeen => Interlocked.Read(ref _last) is var last and not 0 ? time.GetUtcNow() - time.GetElapsedTime(last) : null;

    /// <summary>All Pods of which the runtime has something, as last looked at; null before the first look.</summary>
    public IReadOnlyDictionary<string, SeenPod>? Pods => Interlocked.Read(ref _last) == 0 ? null : _pods;

    /// <summary>Why the runtime is not to be trusted; null when it is.</summary>
    public string? Trouble()
    {
        long last = Interlocked.Read(ref _last);
        if (last == 0) return "PLEG is not healthy: pleg has yet to be successful";
        var age = time.GetElapsedTime(last);
        return age < s_unhealthy ? null : $"PLEG is not healthy: pleg was last seen active {Hanbae.Kubelet.Pods.RestartBackoff.Go(age)} ago; threshold is 3m0s";
    }

    public async Task RunAsync(CancellationToken ct)
    {
        var events = EventsAsync(ct);
        try
        {
            while (true)
            {
                try { await RelistAsync(ct).ConfigureAwait(false); }
                catch (GrpcException e) when (!ct.IsCancellationRequested) { log.Relist(e.Message); } // told by Trouble when it lasts
                await Task.Delay(_streaming ? s_safety : options.RelistPeriod, time, ct).ConfigureAwait(false);
            }
        }
        finally { await events.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }

    public async Task RelistAsync(CancellationToken ct)
    {
        long began = time.GetTimestamp();
        if (Interlocked.Read(ref _last) is var last and not 0) Figures?.Observe("kubelet_pleg_relist_interval_seconds", time.GetElapsedTime(last, began));
        var sandboxes = await cri.ListPodSandboxAsync(null, ct).ConfigureAwait(false);
        var containers = await cri.ListContainersAsync(null, ct).ConfigureAwait(false);
        var states = new Dictionary<string, (int, string)>(sandboxes.Count + containers.Count);
        var pods = new Dictionary<string, SeenPod>();
        foreach (var s in sandboxes)
            if (s.Labels.TryGetValue(RuntimeLabels.PodUid, out string? uid))
            {
                states[s.Id] = ((int)s.State, uid);
                pods[uid] = new(s.Metadata.Namespace, s.Metadata.Name);
            }
        foreach (var c in containers)
            if (c.Labels.TryGetValue(RuntimeLabels.PodUid, out string? uid))
            {
                states[c.Id] = ((int)c.State, uid);
                if (!pods.ContainsKey(uid)) pods[uid] = new(c.Labels.GetValueOrDefault(RuntimeLabels.PodNamespace) ?? "", c.Labels.GetValueOrDefault(RuntimeLabels.PodName) ?? "");
            }
        var touched = new HashSet<string>();
        foreach (var (id, now) in states) if (!_states.TryGetValue(id, out var was) || was != now) touched.Add(now.Item2);
        foreach (var (id, was) in _states) if (!states.ContainsKey(id)) touched.Add(was.Uid);
        (_states, _pods) = (states, pods);
        Interlocked.Exchange(ref _last, Math.Max(time.GetTimestamp(), 1));
        Figures?.Observe("kubelet_pleg_relist_duration_seconds", time.GetElapsedTime(began));
        foreach (string uid in touched) changed(uid);
    }

    async Task EventsAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await foreach (var happened in cri.GetContainerEventsAsync(ct).ConfigureAwait(false))
                {
                    _streaming = true;
                    if (happened.PodSandboxStatus?.Metadata?.Uid is { Length: > 0 } uid) changed(uid);
                }
            }
            catch (GrpcException e) when (!ct.IsCancellationRequested)
            {
                _streaming = false;
                if (e.Status == GrpcStatus.Unimplemented) return; // older runtimes: looking is all there is
            }
            _streaming = false;
            await Task.Delay(TimeSpan.FromSeconds(5), time, ct).ConfigureAwait(false);
        }
    }
}

/// <summary>A Pod of which the runtime has something.</summary>
sealed record SeenPod(string Namespace, string Name);
