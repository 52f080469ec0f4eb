using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Statuses;
using Hanbae.Kubelet.Volumes;
using Hanbae.Machinery.Nodes;
using PodStatus = Hanbae.Api.Core.V1.PodStatus;

namespace Hanbae.Kubelet.Pods;

/// <summary>Makes one Pod what it is to be, one step after the other: reads the runtime, plans, acts, tells.</summary>
/// <remarks>Never two steps at once. What it keeps in memory is only what may be lost: back-offs, the last errors, the last status told.</remarks>
sealed partial class PodWorker(PodContext context, Pod first)
{
    /// <summary>Conditions that nobody but the kubelet knows.</summary>
    static readonly string[] s_own = ["Initialized", "ContainersReady", "Ready", "PodReadyToStartContainers", "AllContainersRestarting"];

    readonly RestartBackoff _restarts = new(context.Options.RestartBackoff, context.Options.RestartBackoffMax);
    readonly PullBackoff _pulls = new(context.Options.PullBackoff, context.Options.PullBackoffMax);
    readonly Dictionary<string, Waiting> _errors = []; // as many as the Pod's containers
    readonly RuntimeReader _reader = new(context.Cri);
    readonly PodKiller _killer = new(context);
    readonly WholeRestart _wholes = new(context.Options.Folders.Pod(first.Metadata.Uid));
    readonly PodStartup _startup = new(first, context.Figures, context.Time);
    readonly Lock _gate = new();
    Pod _pod = first;
    bool _removed;
    readonly long _seen = context.Time.GetTimestamp();
    readonly bool _new = first.Status.Phase is "" or "Pending";
    bool _ran;
    string _handler = "";
    bool _placed;
    // One that has started was let in before, by this kubelet or the one that it replaces.
    bool _fits = first.Status.StartTime is not null || first.Metadata.DeletionTimestamp is not null;
    int _obstacles;
    RuntimePod? _runtime;
    PodStatus? _status;
    Waiting? _failed;
    string? _disruption;
    long? _grace;
    IDisposable? _following;
    CancellationTokenSource? _step;
    CancellationToken _whole; // of the worker, not of its step: for what must not be broken off by a deletion

    public string Uid { get; } = first.Metadata.Uid;
    public WakeUp Wake { get; } = new();
    /// <summary>Nothing is left to do for ever: the loop has ended.</summary>
    public bool Done { get; private set; }
    /// <summary>Nobody wants it any more: neither the API nor a file has it.</summary>
    public bool Removed
    {
        get { lock (_gate) return _removed; }
    }
    /// <summary>As last told.</summary>
    public PodStatus? Status => _status;
    public RuntimePod? Runtime => _runtime;
    /// <summary>It takes nothing of the node any more, or is about to take nothing.</summary>
    public bool Ended => _failed is not null || (_status ?? Pod.Status).IsFinished();
    public Pod Pod
    {
        get { lock (_gate) return _pod; }
    }

    /// <summary>A newer Pod from the API. A deletion, or less patience with one, breaks into the step that runs.</summary>
    public void Update(Pod pod)
    {
        lock (_gate)
        {
            bool urgent = pod.Metadata.DeletionTimestamp is not null && (_pod.Metadata.DeletionTimestamp is null || pod.GraceSeconds() < _pod.GraceSeconds());
            bool same = Same(_pod, pod);
            ResizeFigures.Count(context.Figures, _pod, pod);
            _pod = pod;
            _startup.Seen(pod);
            if (urgent) _step?.Cancel();
            if (_status is { } told && IsUndone(told, pod.Status)) context.Reports.Report(pod, told);
            if (same) return;
        }
        Wake.Set();
    }

    /// <summary>Whether only what the kubelet itself wrote has changed: its own status coming back is no reason to look again.</summary>
    static bool Same(Pod a, Pod b) =>
        a.Metadata.DeletionTimestamp == b.Metadata.DeletionTimestamp && a.Metadata.DeletionGracePeriodSeconds == b.Metadata.DeletionGracePeriodSeconds
        && a.Metadata.Generation == b.Metadata.Generation && a.Metadata.Labels == b.Metadata.Labels && a.Metadata.Annotations == b.Metadata.Annotations && a.Spec == b.Spec
        && a.Spec.ReadinessGates.All(g => a.Status.Conditions.Find(c => c.Type == g.ConditionType)?.Status == b.Status.Conditions.Find(c => c.Type == g.ConditionType)?.Status);

    /// <summary>Whether the API has another phase or readiness than was told: it is behind, or somebody else wrote it.</summary>
    static bool IsUndone(PodStatus told, PodStatus seen) =>
        told.Phase != seen.Phase || s_own.Any(type => told.Conditions.Find(c => c.Type == type)?.Status != seen.Conditions.Find(c => c.Type == type)?.Status);

    /// <summary>The API no longer has the Pod: whatever is left of it must go.</summary>
    /// <param name="grace">Gone without a deletion that we saw means force: least patience, as upstream.</param>
    public void Remove(long grace = 1)
    {
        lock (_gate)
        {
            _grace ??= grace;
            bool urgent = _pod.Metadata.DeletionTimestamp is null;
            _removed = true;
            if (urgent) _step?.Cancel();
        }
        Wake.Set();
    }

    /// <summary>Ends the Pod by the kubelet's own decision (deadline, admission, eviction).</summary>
    /// <param name="disruption">For the condition <c>DisruptionTarget</c> (KEP-3329): the Pod did nothing wrong.</param>
    /// <param name="grace">In place of the Pod's own, in seconds.</param>
    public void Fail(Waiting why, string? disruption = null, long? grace = null)
    {
        lock (_gate)
        {
            if (_failed is null) (_disruption, _grace) = (disruption, grace);
            _failed ??= why;
            _step?.Cancel();
        }
        Wake.Set();
    }

    public async Task RunAsync(CancellationToken ct)
    {
        int troubles = 0;
        while (!Done && !ct.IsCancellationRequested)
        {
            TimeSpan wait;
            try
            {
                var again = await SyncAsync(ct).ConfigureAwait(false);
                wait = again - context.Time.GetUtcNow();
                troubles = 0;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                wait = troubles++ == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(1); // broken into: look again at once
            }
            catch (Exception e) when (e is GrpcException or IOException or VolumeException or UnauthorizedAccessException or Hanbae.Api.Rest.ApiException or HttpRequestException or DeviceException)
            {
                wait = TimeSpan.FromSeconds(Math.Min(1 << Math.Min(troubles++, 4), 15));
                context.Log.PodStep(Pod.Metadata.Namespace, Pod.Metadata.Name, e.Message, wait.TotalSeconds);
                context.Events.Event(Pod, "Warning", "FailedSync", $"error determining status: {e.Message}");
            }
            if (!Done) await Wake.WaitAsync(wait, context.Time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>One step.</summary>
    /// <returns>When to come again at the latest.</returns>
    public async Task<DateTimeOffset> SyncAsync(CancellationToken ct)
    {
        using var step = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Pod pod;
        bool removed, over = false, fresh = _status is null;
        long began = context.Time.GetTimestamp();
        if (fresh) context.Figures.Observe("kubelet_pod_worker_start_duration_seconds", context.Time.GetElapsedTime(_seen, began));
        lock (_gate) (_step, _whole, pod, removed) = (step, ct, _pod, _removed);
        try
        {
            _runtime = await ReadAsync(pod, step.Token).ConfigureAwait(false);
            if (DeadlineOf(pod) is { } deadline && context.Time.GetUtcNow() >= deadline)
                _failed ??= new("DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
            if (await UnfitAsync(pod, step.Token).ConfigureAwait(false) is { } unfit) _failed ??= unfit;
            Tell(pod, terminal: false);
            over = removed || pod.Metadata.DeletionTimestamp is not null || _failed is not null || Computed(pod, false).IsFinished();
            if (over) Unfollow();
            return over ? await TerminateAsync(pod, removed, step.Token).ConfigureAwait(false) : await AdvanceAsync(pod, step.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _step = null;
            context.Figures.Observe("kubelet_pod_worker_duration_seconds", context.Time.GetElapsedTime(began), ("operation_type", over ? "kill" : fresh ? "create" : "sync"));
            if (!_ran && _status is { Phase: "Running" })
            {
                _ran = true;
                // One that ran before this kubelet did says nothing of how long it takes.
                if (_new) context.Figures.Observe("kubelet_pod_start_duration_seconds", context.Time.GetElapsedTime(_seen));
            }
        }
    }

    void Unfollow()
    {
        _following?.Dispose();
        _following = null;
    }

    /// <summary>One step towards a running Pod.</summary>
    async Task<DateTimeOffset> AdvanceAsync(Pod pod, CancellationToken ct)
    {
        var now = context.Time.GetUtcNow();
        if (!pod.Spec.HostNetwork && context.NetworkTrouble() is { } trouble)
        {
            context.Events.Event(pod, "Warning", "NetworkNotReady", "network is not ready: " + trouble);
            return now + Pause();
        }
        if (await PlaceAsync(pod, ct).ConfigureAwait(false) is { } refusal)
        {
            lock (_gate) _failed ??= refusal;
            return now;
        }
        Directory.CreateDirectory(context.Options.Folders.Pod(Uid));
        if (pod.Spec.RuntimeClassName is { Length: > 0 } && pod.Spec.All().Any(c => c.VolumeMounts.Exists(m => m.RecursiveReadOnly is not null))) _handler = await context.RuntimeHandler(pod, ct).ConfigureAwait(false);
        pod = Allocate(pod);
        await EnsureCgroupAsync(pod, InForce(pod), ct).ConfigureAwait(false);
        // Before they are read: a change between the two would be told to nobody.
        _following ??= context.Objects.Follow(pod, Wake.Set);
        PreparedVolumes volumes;
        try
        {
            volumes = await context.Volumes.PrepareAsync(pod, ct).ConfigureAwait(false);
            if (_runtime!.IsRunning) await context.Volumes.RefreshAsync(pod, ct).ConfigureAwait(false);
        }
        catch (VolumeException e) when (e.Refusal.Length > 0 && !_runtime!.IsRunning)
        {
            var refused = Refused(pod, new(e.Refusal, e.Message));
            lock (_gate) _failed ??= refused;
            return now;
        }
        catch (VolumeException e)
        {
            context.Events.Event(pod, "Warning", e.Event, e.Message);
            return now + Pause();
        }
        await RestartAllAsync(pod, ct).ConfigureAwait(false);
        await ResizeAsync(pod, ct).ConfigureAwait(false);
        var again = await ActAsync(pod, PodPlan.For(pod, _runtime!, context.Prober, _resizing), volumes, ct).ConfigureAwait(false);
        _runtime = await ReadAsync(pod, ct).ConfigureAwait(false);
        await PruneAsync(ct).ConfigureAwait(false);
        Tell(pod, terminal: false);
        if (Computed(pod, false).IsFinished()) return context.Time.GetUtcNow();
        if (DeadlineOf(pod) is { } deadline && deadline < again) again = deadline;
        return again;
    }

    async Task<DateTimeOffset> ActAsync(Pod pod, PodPlan plan, PreparedVolumes volumes, CancellationToken ct)
    {
        var again = context.Time.GetUtcNow() + context.Options.SyncPeriod;
        if (plan.KillPod)
        {
            if (plan.CreateSandbox && _runtime!.Sandbox is { Ready: false }) context.Events.Event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
            if (_runtime!.Sandboxes.Any(s => s.Ready) || _runtime.IsRunning) await _killer.KillPodAsync(pod, _runtime, null, ct).ConfigureAwait(false);
            if (!plan.CreateSandbox) return again;
        }
        await Task.WhenAll(plan.Kill.Select(k => _killer.KillAsync(pod, k.Container, GraceOf(pod, k), k.Message, Task.CompletedTask, ct))).ConfigureAwait(false);

        string resolv = File.Exists(context.Options.ResolvConf) ? await File.ReadAllTextAsync(context.Options.ResolvConf, ct).ConfigureAwait(false) : "";
        uint attempt = plan.CreateSandbox ? plan.Attempt : _runtime!.Sandbox?.Attempt ?? 0;
        Cri.V1.PodSandboxConfig sandbox;
        try
        {
            sandbox = SandboxConfigs.For(pod, attempt, context.Options, resolv);
            sandbox.Linux.SecurityContext.NamespaceOptions.UsernsOptions = context.UserNamespaces?.Of(Uid);
            if (plan.CreateSandbox)
            {
                if (context.Devices is { } devices) await devices.Claims.PrepareAsync(pod, ct).ConfigureAwait(false);
                Directory.CreateDirectory(sandbox.LogDirectory);
                string handler = await context.RuntimeHandler(pod, ct).ConfigureAwait(false);
                sandbox.Linux.SecurityContext.NamespaceOptions.UsernsOptions = context.UserNamespaces?.For(pod, handler);
                ct.ThrowIfCancellationRequested();
                context.Figures.Count("kubelet_started_pods_total");
                if (pod.Spec.HostUsers == false) context.Figures.Count("kubelet_started_user_namespaced_pods_total");
                long began = context.Time.GetTimestamp();
                string id = await context.Cri.RunPodSandboxAsync(sandbox, handler, _whole).ConfigureAwait(false);
                context.Figures.Observe("kubelet_run_podsandbox_duration_seconds", context.Time.GetElapsedTime(began), ("runtime_handler", handler));
                if (await context.Cgroups.DisagreementAsync(pod, id, context.Cri, context.RuntimeVersion(), ct).ConfigureAwait(false) is { } why) TellOfDrivers(pod, why);
            }
        }
        catch (DeviceException e)
        {
            context.Events.Event(pod, "Warning", "FailedPrepareDynamicResources", "Failed to prepare dynamic resources: " + e.Message);
            return context.Time.GetUtcNow() + Pause();
        }
        catch (Exception e) when (e is GrpcException or ContainerConfigException && !ct.IsCancellationRequested)
        {
            context.Figures.Count("kubelet_started_pods_errors_total");
            if (pod.Spec.HostUsers == false) context.Figures.Count("kubelet_started_user_namespaced_pods_errors_total");
            if (e is GrpcException) context.Figures.Count("kubelet_run_podsandbox_errors_total", ("runtime_handler", ""));
            context.Events.Event(pod, "Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: " + e.Message);
            if (DriverMismatch.IsIt(e.Message)) TellOfDrivers(pod, DriverMismatch.Describe(context.Options, context.RuntimeVersion()));
            return context.Time.GetUtcNow() + Pause();
        }
        _obstacles = 0;
        if (plan.CreateSandbox || !plan.Kill.IsEmpty) _runtime = await ReadAsync(pod, ct).ConfigureAwait(false);
        if (plan.CreateSandbox) Tell(pod, terminal: false);

        var known = pod with { Status = _status! };
        await WriteHostsAsync(pod, ct).ConfigureAwait(false);
        var starter = new ContainerStarter(context, _restarts, _pulls, _whole) { Startup = _startup };
        foreach (var container in plan.StartEphemeral.Concat(plan.StartInit).Concat(plan.Start))
        {
            try
            {
                await starter.StartAsync(known, container, _runtime!, sandbox, volumes, ct).ConfigureAwait(false);
                _errors.Remove(container.Name);
                _resizing.Remove(container.Name);
                context.Allocations.PutInForce(pod, container.Name, container.Resources);
                if (plan.StartInit.Contains(container)) again = context.Time.GetUtcNow(); // there may be a next one
            }
            catch (StartException e)
            {
                _errors[container.Name] = e.Waiting;
                var at = e.Again ?? context.Time.GetUtcNow() + TimeSpan.FromSeconds(10);
                if (at < again) again = at;
                if (plan.StartInit.Contains(container) && !container.IsSidecar()) break;
            }
        }
        return again;
    }

    /// <summary>Gives the Pod its devices, CPUs and memory, once in the life of this worker: one that runs has its own from the kubelet before this one.</summary>
    async Task<Waiting?> PlaceAsync(Pod pod, CancellationToken ct)
    {
        if (_placed || context.Placements is not { } placements) return null;
        var granted = context.Allocations.Of(pod);
        if (_runtime!.IsRunning) placements.Restore(granted);
        else if (await placements.AdmitAsync(granted, ct).ConfigureAwait(false) is { } why) return Refused(pod, why);
        _placed = true;
        return null;
    }

    /// <summary>Whoever bound a new Pod to this node may not have asked whether it wants to be here.</summary>
    async Task<Waiting?> UnfitAsync(Pod pod, CancellationToken ct)
    {
        if (_fits) return null;
        // What is known of the node may be some seconds old: no Pod is refused by that alone.
        if (!Ended && context.Objects.Node is { } known && !NodeTerms.Allows(pod.Spec, known)
            && await context.Objects.NodeNowAsync(ct).ConfigureAwait(false) is { } now && !NodeTerms.Allows(pod.Spec, now))
            return Refused(pod, new("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"));
        _fits = true;
        return null;
    }

    Waiting Refused(Pod pod, Waiting why)
    {
        context.Events.Event(pod, "Warning", why.Reason, why.Message);
        context.Rejections.Count(why.Reason);
        context.Log.Refused(pod.Metadata.Namespace, pod.Metadata.Name, why.Reason, why.Message);
        return new(why.Reason, "Pod was rejected: " + why.Message);
    }

    /// <summary>The classic fault of an installation is told in full: by the Pod, and in the log.</summary>
    void TellOfDrivers(Pod pod, string message)
    {
        context.Events.Event(pod, "Warning", "CgroupDriverMismatch", message);
        context.Log.DriverMismatch(message);
    }

    async Task EnsureCgroupAsync(Pod pod, Pod? also, CancellationToken ct)
    {
        long began = context.Time.GetTimestamp();
        await context.Cgroups.EnsureAsync(pod, also, context.Placements?.HasOwnCpus(Uid) == true, ct).ConfigureAwait(false);
        context.Figures.Observe("kubelet_cgroup_manager_duration_seconds", context.Time.GetElapsedTime(began), ("operation_type", "update"));
    }

    static long? GraceOf(Pod pod, Kill kill) => kill.Probe is not { } probe || pod.Spec.Find(kill.Container.Name) is not { } container ? null
        : (probe == ProbeKind.Liveness ? container.LivenessProbe : container.StartupProbe)?.TerminationGracePeriodSeconds;

    /// <summary>Before the next look at what stands in the way of the Pod's sandbox: soon at first, then every ten seconds.</summary>
    TimeSpan Pause() => TimeSpan.FromSeconds(Math.Min(0.5 * (1 << Math.Min(_obstacles++, 5)), 10));

    async Task<RuntimePod> ReadAsync(Pod pod, CancellationToken ct)
    {
        var read = await _reader.ReadAsync(Uid, pod.Metadata.Namespace, pod.Metadata.Name, _runtime, ct).ConfigureAwait(false);
        // What had ended before this kubelet first looked was counted by another.
        if (_runtime is { } before)
            foreach (var c in read.Containers)
                if (c.State == RuntimeState.Exited && !before.Containers.Any(b => b.Id == c.Id && b.State == RuntimeState.Exited))
                    context.Figures.Count("kubelet_terminated_containers_total", ("container_type", pod.Spec.KindOf(c.Name)), ("exit_code", c.ExitCode.ToString(CultureInfo.InvariantCulture)));
        return _wholes.Marked(read);
    }

    /// <summary>Ends all containers at once, without hooks and patience, when one of them had an end that says so; the plan then starts them as if none had run.</summary>
    async Task RestartAllAsync(Pod pod, CancellationToken ct)
    {
        if (WholeRestart.Cause(pod, _runtime!) is not { } cause) return;
        await Task.WhenAll(WholeRestart.Running(pod, _runtime!).Select(c =>
            _killer.KillAsync(pod, c, 0, $"Stopping container {c.Name}: all containers are restarted, for container {cause.Name} exited with {cause.ExitCode}", Task.CompletedTask, ct))).ConfigureAwait(false);
        _runtime = await ReadAsync(pod, ct).ConfigureAwait(false);
        if (!WholeRestart.Running(pod, _runtime).Any()) _runtime = _wholes.End(pod, _runtime);
        Tell(pod, terminal: false);
    }

    async Task WriteHostsAsync(Pod pod, CancellationToken ct)
    {
        string path = context.Options.Folders.Hosts(Uid);
        string host = pod.Spec.HostNetwork && File.Exists("/etc/hosts") ? await File.ReadAllTextAsync("/etc/hosts", ct).ConfigureAwait(false) : "";
        string text = HostsFile.For(pod, _runtime!.Sandbox?.IPs ?? default, context.Options.ClusterDomain, host);
        // In place, not by a rename: the file is bound into containers that run.
        if (!File.Exists(path) || await File.ReadAllTextAsync(path, ct).ConfigureAwait(false) != text) await File.WriteAllTextAsync(path, text, ct).ConfigureAwait(false);
    }

    /// <summary>From the API's start time, so that a restart of the kubelet gives no more time.</summary>
    DateTimeOffset? DeadlineOf(Pod pod) =>
        pod.Spec.ActiveDeadlineSeconds is { } seconds && (_status ?? pod.Status).StartTime is { } start ? start + TimeSpan.FromSeconds(seconds) : null;
}
