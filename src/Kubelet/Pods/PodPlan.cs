using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Pods;

/// <summary>A container to be ended, and why.</summary>
/// <param name="Message">For the event <c>Killing</c>.</param>
/// <param name="Probe">The probe that condemned it: its own grace period counts.</param>
sealed record Kill(RuntimeContainer Container, string Message, ProbeKind? Probe = null);

/// <summary>What has to be done to a Pod's sandbox and containers, decided from its spec and what the runtime has of it.</summary>
sealed record PodPlan
{
    /// <summary>End everything of the Pod first; together with <see cref="CreateSandbox"/>, then begin anew.</summary>
    public bool KillPod { get; init; }
    public bool CreateSandbox { get; init; }
    public uint Attempt { get; init; }
    public ImmutableArray<Kill> Kill { get; init; } = [];
    /// <summary>In the order to be started; a plain init container is always the last one.</summary>
    public ImmutableArray<Container> StartInit { get; init; } = [];
    public ImmutableArray<Container> Start { get; init; } = [];
    public ImmutableArray<Container> StartEphemeral { get; init; } = [];

    /// <param name="probes">What probes say of running containers.</param>
    /// <param name="resizing">Containers that were ended to be started with other resources.</param>
    public static PodPlan For(Pod pod, RuntimePod runtime, IProbeResults probes, IReadOnlySet<string>? resizing = null)
    {
        var sandbox = runtime.Sandbox;
        bool usable = sandbox is { Ready: true } && runtime.Sandboxes.Count(s => s.Ready) == 1
            && sandbox.HostNetwork == pod.Spec.HostNetwork && (sandbox.HostNetwork || !sandbox.IPs.IsEmpty);
        return usable ? Within(pod, runtime, probes, resizing) : Anew(pod, runtime);
    }

    static PodPlan Anew(Pod pod, RuntimePod runtime)
    {
        var plan = new PodPlan { KillPod = true, CreateSandbox = true, Attempt = runtime.Sandbox is { } old ? old.Attempt + 1 : 0 };
        bool never = pod.Spec.RestartPolicyOr() == "Never";
        if (never && plan.Attempt != 0 && !runtime.Containers.IsEmpty) return plan with { CreateSandbox = false };

        var start = pod.Spec.Containers.Where(c => !(runtime.Newest(c.Name) is { State: RuntimeState.Exited, Past: false } ended && !pod.RestartsAfter(c, ended.ExitCode))).ToImmutableArray();
        if (start.IsEmpty && pod.Spec.Containers.Exists(c => runtime.Newest(c.Name) is not null)) return plan with { CreateSandbox = false };
        return pod.Spec.InitContainers.IsEmpty ? plan with { Start = start } : plan with { StartInit = [pod.Spec.InitContainers[0]] };
    }

    static PodPlan Within(Pod pod, RuntimePod runtime, IProbeResults probes, IReadOnlySet<string>? resizing)
    {
        var kill = ImmutableArray.CreateBuilder<Kill>();
        var startInit = ImmutableArray.CreateBuilder<Container>();
        ImmutableArray<Container> ephemeral = [.. pod.Spec.EphemeralContainers.Where(e => runtime.Newest(e.Name) is null).Select(PodContainers.AsContainer)];

        bool initialized = Initialize(pod, runtime, probes, startInit, kill, out bool failed);
        if (failed) return new() { KillPod = true };
        var plan = new PodPlan { Kill = kill.ToImmutable(), StartInit = startInit.ToImmutable(), StartEphemeral = ephemeral };
        if (!initialized) return plan;

        var start = ImmutableArray.CreateBuilder<Container>();
        int kept = 0;
        foreach (var container in pod.Spec.Containers)
        {
            var newest = runtime.Newest(container.Name) is { Past: false } now ? now : null;
            if (newest is not { State: RuntimeState.Running } || newest.SandboxId != runtime.Sandbox!.Id)
            {
                if (!pod.ShouldRestart(container, newest) && resizing?.Contains(container.Name) != true) continue;
                if (newest is { State: RuntimeState.Unknown }) kill.Add(new(newest, "Container is in \"unknown\" state, try killing it before restart"));
                start.Add(container);
            }
            else if (Condemn(container, newest, probes) is not { } verdict) kept++;
            else
            {
                bool again = verdict.Changed || pod.RestartsAfter(container, 137);
                kill.Add(new(newest, again ? verdict.Message + ", will be restarted" : verdict.Message, verdict.Probe));
                if (again) start.Add(container);
            }
        }
        if (kept == 0 && start.Count == 0) return new() { KillPod = true };
        return plan with { Kill = kill.ToImmutable(), Start = start.ToImmutable() };
    }

    static (string Message, ProbeKind? Probe, bool Changed)? Condemn(Container container, RuntimeContainer running, IProbeResults probes) =>
        running.Hash != PodContainers.HashOf(container) ? ($"Container {container.Name} definition changed", null, true)
        : probes.Get(running.Id, ProbeKind.Liveness) == ProbeVerdict.Failure ? ($"Container {container.Name} failed liveness probe", ProbeKind.Liveness, false)
        : probes.Get(running.Id, ProbeKind.Startup) == ProbeVerdict.Failure ? ($"Container {container.Name} failed startup probe", ProbeKind.Startup, false)
        : null;

    /// <summary>One step of initialization: the furthest init container decides; sidecars behind it are kept alive.</summary>
    /// <returns>Whether app containers may run.</returns>
    static bool Initialize(Pod pod, RuntimePod runtime, IProbeResults probes, ImmutableArray<Container>.Builder start, ImmutableArray<Kill>.Builder kill, out bool failed)
    {
        failed = false;
        var inits = pod.Spec.InitContainers;
        if (inits.IsEmpty) return true;

        bool begun = pod.Spec.Containers.Exists(c => runtime.Current(c.Name) is not null);
        int furthest = inits.Count - 1;
        if (!begun) while (furthest >= 0 && runtime.Current(inits[furthest].Name) is null) furthest--;
        if (furthest < 0)
        {
            start.Add(inits[0]);
            return false;
        }

        for (int i = 0; i < furthest; i++) if (inits[i].IsSidecar()) KeepAlive(inits[i]);
        var last = inits[furthest];
        var state = runtime.Current(last.Name);
        if (last.IsSidecar() || begun)
        {
            if (last.IsSidecar()) KeepAlive(last);
            if (begun) return true;
            bool started = state is { State: RuntimeState.Running } && Condemn(last, state, probes) is null
                && (last.StartupProbe is null || probes.Get(state.Id, ProbeKind.Startup) == ProbeVerdict.Success);
            return started && Next();
        }
        switch (state!.State)
        {
            case RuntimeState.Running: return false;
            case RuntimeState.Exited when state.ExitCode == 0: return Next();
            case RuntimeState.Exited when !pod.RestartsAfter(last, state.ExitCode):
                failed = true;
                return false;
            case RuntimeState.Unknown:
                kill.Add(new(state, $"Init container is in \"unknown\" state, try killing it before restart"));
                break;
        }
        start.Add(last);
        return false;

        bool Next()
        {
            if (furthest == inits.Count - 1) return true;
            start.Add(inits[furthest + 1]);
            return false;
        }

        void KeepAlive(Container sidecar)
        {
            var now = runtime.Current(sidecar.Name);
            if (now is not { State: RuntimeState.Running })
            {
                if (now is { State: RuntimeState.Unknown }) kill.Add(new(now, $"Init container is in \"unknown\" state, try killing it before restart"));
                start.Add(sidecar);
            }
            else if (Condemn(sidecar, now, probes) is { } verdict)
            {
                kill.Add(new(now, verdict.Message.Replace("Container ", "Init container ", StringComparison.Ordinal), verdict.Probe));
                start.Add(sidecar);
            }
        }
    }
}
