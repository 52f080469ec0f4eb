using System.Collections.Concurrent;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Probes;

/// <summary>Asks the probes of all running containers when they are due: one loop, no thread and no timer of its own for any of them.</summary>
sealed class Prober(ICri cri, IRecorder events, TimeProvider time, Func<Pod, string> addressOf) : IProbeResults
{
    /// <summary>Most probes in flight at once; the rest wait their turn.</summary>
    const int MaxInFlight = 64;

    readonly ConcurrentDictionary<(string Id, ProbeKind Kind), ProbeState> _probes = new(); // as many as probes of running containers
    readonly PriorityQueue<(ProbeState State, long Turn), DateTimeOffset> _due = new(); // also guards the turns
    readonly SemaphoreSlim _slots = new(MaxInFlight);
    readonly WakeUp _wake = new();

    /// <summary>Told the uid of a Pod when the result of one of its probes changed.</summary>
    public Action<string> Changed { get; set; } = _ => { };

    /// <summary>How often each probe was asked and with what result, since the kubelet began; gone with the container.</summary>
    public IEnumerable<ProbeState> Probes => _probes.Values;

    public ProbeVerdict Get(string containerId, ProbeKind kind) => _probes.TryGetValue((containerId, kind), out var state) ? state.Result : ProbeVerdict.Unknown;

    /// <summary>Begins the probes of containers that run and forgets those of containers that do not.</summary>
    /// <param name="told">What was last told of the Pod: a container that had started up, or was ready, is so until a probe says otherwise (KEP-4781).</param>
    public void Sync(Pod pod, RuntimePod runtime, PodStatus told)
    {
        foreach (var c in runtime.Containers)
        {
            if (c.State != RuntimeState.Running) { Remove(c.Id); continue; }
            if (pod.Spec.Find(c.Name) is not { } spec || pod.Spec.InitContainers.Exists(i => i.Name == c.Name && !i.IsSidecar())) continue;
            var before = told.ContainerStatuses.Concat(told.InitContainerStatuses).FirstOrDefault(s => s.Name == c.Name && s.ContainerID.EndsWith("//" + c.Id, StringComparison.Ordinal));
            Add(ProbeKind.Startup, spec.StartupProbe, before?.Started == true);
            Add(ProbeKind.Liveness, pod.Metadata.DeletionTimestamp is null ? spec.LivenessProbe : null, false);
            Add(ProbeKind.Readiness, spec.ReadinessProbe, before?.Ready == true);

            void Add(ProbeKind kind, Probe? probe, bool succeeded)
            {
                if (probe is null || _probes.ContainsKey((c.Id, kind))) return;
                var state = new ProbeState(pod, spec, c.Id, kind, probe, c.StartedAt ?? time.GetUtcNow(), succeeded);
                if (_probes.TryAdd((c.Id, kind), state)) Schedule(state, Max(state.First, time.GetUtcNow()));
            }
        }
    }

    public void Remove(string containerId)
    {
        foreach (var kind in Enum.GetValues<ProbeKind>()) _probes.TryRemove((containerId, kind), out _);
    }

    /// <summary>A Pod that is on its way out is not killed by probes any more; readiness goes on being asked.</summary>
    public void StopKilling(RuntimePod runtime)
    {
        foreach (var c in runtime.Containers)
            foreach (var kind in (ReadOnlySpan<ProbeKind>)[ProbeKind.Startup, ProbeKind.Liveness])
                if (_probes.TryGetValue((c.Id, kind), out var state)) state.Hold();
    }

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            ProbeState? next = null;
            long turn = 0;
            var wait = Timeout.InfiniteTimeSpan;
            lock (_due)
            {
                if (_due.TryPeek(out _, out var at))
                {
                    wait = at - time.GetUtcNow();
                    if (wait <= TimeSpan.Zero) (next, turn) = _due.Dequeue();
                }
            }
            if (next is null)
            {
                await _wake.WaitAsync(wait == Timeout.InfiniteTimeSpan ? TimeSpan.FromHours(1) : wait, time, ct).ConfigureAwait(false);
                continue;
            }
            if (!_probes.TryGetValue((next.ContainerId, next.Kind), out var current) || current != next || !Stands(next, turn)) continue; // forgotten, or due at another time since
            await _slots.WaitAsync(ct).ConfigureAwait(false);
            _ = OneAsync(next, turn, ct);
        }
    }

    bool Stands(ProbeState state, long turn) { lock (_due) return state.Turn == turn; }

    async Task OneAsync(ProbeState state, long turn, CancellationToken ct)
    {
        var began = time.GetUtcNow();
        try { await AskAsync(state, ct).ConfigureAwait(false); }
        catch (OperationCanceledException) { }
        finally
        {
            _slots.Release();
            if (state.Kind != ProbeKind.Startup || state.Result == ProbeVerdict.Unknown) Schedule(state, Max(began + state.Period, time.GetUtcNow()), turn);
        }
    }

    /// <summary>One question, its answer counted and told.</summary>
    internal async Task AskAsync(ProbeState state, CancellationToken ct)
    {
        if (!state.Wanted(Get(state.ContainerId, ProbeKind.Startup))) return;
        long began = time.GetTimestamp();
        var (verdict, output) = await ProbeAsync(state, ct).ConfigureAwait(false);
        bool warned = verdict == ProbeVerdict.Warning;
        if (warned) verdict = ProbeVerdict.Success;
        state.Count(verdict, time.GetElapsedTime(began));
        if (!_probes.ContainsKey((state.ContainerId, state.Kind))) return; // ended meanwhile
        if (warned) events.Event(state.Pod, "Warning", "ProbeWarning", $"{state.Kind} probe warning: {output}", state.Pod.Spec.FieldPath(state.Container.Name));
        if (verdict != ProbeVerdict.Success)
        {
            string message = verdict == ProbeVerdict.Failure ? $"{state.Kind} probe failed: {output}" : $"{state.Kind} probe errored and resulted in unknown state: {output}";
            events.Event(state.Pod, "Warning", "Unhealthy", message, state.Pod.Spec.FieldPath(state.Container.Name));
        }
        if (!state.Add(verdict)) return;
        if (state.Kind == ProbeKind.Startup && verdict == ProbeVerdict.Success)
            // The others begin at once, not when their period, which ran meanwhile, happens to be over.
            foreach (var kind in (ReadOnlySpan<ProbeKind>)[ProbeKind.Readiness, ProbeKind.Liveness])
                if (_probes.TryGetValue((state.ContainerId, kind), out var held)) Schedule(held, Max(held.First, time.GetUtcNow()));
        Changed(state.Pod.Metadata.Uid);
    }

    async Task<(ProbeVerdict, string)> ProbeAsync(ProbeState state, CancellationToken ct)
    {
        var (probe, container) = (state.Probe, state.Container);
        try
        {
            if (probe.Exec is { } exec) return await ExecAsync(state, exec, ct).ConfigureAwait(false);
            string address = addressOf(state.Pod);
            if (probe.HttpGet is { } http)
                return await HttpProbe.RunAsync(ProbeTarget.Http(http, container, address, "kube-probe/1.36"), state.Timeout, time, ct).ConfigureAwait(false);
            if (probe.TcpSocket is { } tcp)
                return await TcpProbe.RunAsync(tcp.Host.Length > 0 ? tcp.Host : address, ProbeTarget.Port(tcp.Port, container), state.Timeout, time, ct).ConfigureAwait(false);
            if (probe.Grpc is { } grpc) return await GrpcProbe.RunAsync(address, grpc.Port, grpc.Service ?? "", state.Timeout, time, ct).ConfigureAwait(false);
            return (ProbeVerdict.Unknown, "missing probe handler");
        }
        catch (FormatException e) { return (ProbeVerdict.Unknown, e.Message); }
    }

    async Task<(ProbeVerdict, string)> ExecAsync(ProbeState state, ExecAction exec, CancellationToken ct)
    {
        try
        {
            var result = await cri.ExecSyncAsync(state.ContainerId, exec.Command, state.Timeout, ct).ConfigureAwait(false);
            string output = result.Stdout.ToStringUtf8() + result.Stderr.ToStringUtf8();
            return (result.ExitCode == 0 ? ProbeVerdict.Success : ProbeVerdict.Failure, output);
        }
        catch (GrpcException e) when (e.Status == GrpcStatus.DeadlineExceeded)
        {
            return (ProbeVerdict.Failure, $"command timed out: \"{string.Join(' ', exec.Command)}\" timed out after {RestartBackoff.Go(state.Timeout)}");
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested) { return (ProbeVerdict.Unknown, e.Message); }
    }

    /// <param name="after">The turn that this one follows; it gives way to any that came in between.</param>
    void Schedule(ProbeState state, DateTimeOffset at, long? after = null)
    {
        if (!_probes.ContainsKey((state.ContainerId, state.Kind))) return;
        lock (_due)
        {
            if (after is { } turn && turn != state.Turn) return;
            _due.Enqueue((state, ++state.Turn), at);
        }
        _wake.Set();
    }

    static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
