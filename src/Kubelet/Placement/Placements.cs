using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Placement.Cpus;
using Hanbae.Kubelet.Placement.Memory;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Statuses;
using Microsoft.Extensions.Logging;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Placement;

/// <summary>The one place where Pods are given what the node has only once: devices, CPUs, memory, near to each other as the topology policy asks; or are refused.</summary>
/// <remarks>One Pod at a time, as upstream's topology manager; Pods that ask for nothing of the kind do not wait.</remarks>
sealed class Placements
{
    readonly TopologyPolicy _policy;
    readonly IPlacer[] _placers;
    readonly TimeProvider _time;
    readonly SemaphoreSlim _turn = new(1, 1);

    /// <param name="devices">Null for a node without any.</param>
    /// <exception cref="PlacementSettingsException">The settings cannot be, or are not those of the state that was kept.</exception>
    public Placements(KubeletOptions options, Topology machine, DevicePlugins? devices, TimeProvider time, ILogger log)
    {
        _time = time;
        _policy = TopologyPolicy.Of(options, machine);
        Cpus = new(options, machine, _policy, Metrics, log);
        Memory = new(options, machine, Metrics, log);
        // In upstream's order.
        _placers = devices is null ? [Cpus, Memory] : [new DevicePlacer(devices, machine), Cpus, Memory];
    }

    public PlacementMetrics Metrics { get; } = new();
    public ExclusiveCpus Cpus { get; }
    public PinnedMemory Memory { get; }

    /// <summary>Somebody's CPUs have become his own, or everybody's again.</summary>
    public Action SharedChanged { get; set; } = () => { };

    public IEnumerable<string> Pods => _placers.SelectMany(p => p.Pods).Distinct();

    /// <summary>Gives the Pod what it asks for; asked again, it has it already.</summary>
    /// <returns>Why the node does not take the Pod, in upstream's words; null when it does.</returns>
    public async Task<Waiting?> AdmitAsync(Pod pod, CancellationToken ct)
    {
        if (!_placers.Any(p => p.Concerns(pod))) return null;
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        long began = _time.GetTimestamp();
        Metrics.Admission();
        try
        {
            await (_policy.PodScope && _policy.Name != TopologyPolicy.None ? PlaceWholeAsync(pod, ct) : PlaceEachAsync(pod, ct)).ConfigureAwait(false);
            SharedChanged();
            return null;
        }
        catch (Exception e) when (e is PlacementException or DeviceException or NotEnoughCpusException or GrpcException or InvalidOperationException && !ct.IsCancellationRequested)
        {
            Metrics.AdmissionFailed();
            Release(pod.Metadata.Uid);
            return e is PlacementException own ? new(own.Reason, own.Message) : new("UnexpectedAdmissionError", $"Allocate failed due to {e.Message}, which is unexpected");
        }
        finally
        {
            Metrics.AdmissionTook(_time.GetElapsedTime(began));
            _turn.Release();
        }
    }

    async Task PlaceEachAsync(Pod pod, CancellationToken ct)
    {
        foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers))
        {
            var hint = _policy.Name == TopologyPolicy.None ? TopologyHint.None : Merged(_placers.Select(p => p.HintsFor(pod, container)), "container");
            await AllocateAsync(pod, container, hint, ct).ConfigureAwait(false);
            if (_policy.IsStrict) Metrics.Aligned("container", "numa_node");
        }
    }

    async Task PlaceWholeAsync(Pod pod, CancellationToken ct)
    {
        var hint = Merged(_placers.Select(p => p.HintsFor(pod)), "pod");
        foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers)) await AllocateAsync(pod, container, hint, ct).ConfigureAwait(false);
        if (_policy.IsStrict) Metrics.Aligned("pod", "numa_node");
    }

    TopologyHint Merged(IEnumerable<IReadOnlyList<ResourceHints>> hints, string scope)
    {
        var (hint, admit) = _policy.Merge(hints);
        if (admit) return hint;
        if (_policy.IsStrict) Metrics.NotAligned(scope, "numa_node");
        throw new PlacementException("TopologyAffinityError", "Resources cannot be allocated with Topology locality");
    }

    async Task AllocateAsync(Pod pod, Container container, TopologyHint hint, CancellationToken ct)
    {
        foreach (var placer in _placers) await placer.AllocateAsync(pod, container, hint, ct).ConfigureAwait(false);
    }

    /// <summary>For a Pod that ran before this kubelet did.</summary>
    public void Restore(Pod pod)
    {
        foreach (var placer in _placers) placer.Restore(pod);
        SharedChanged();
    }

    /// <summary>Nothing of the Pod runs any more: what it had is free.</summary>
    public void Release(string podUid)
    {
        bool own = !Cpus.State.Of(podUid).IsEmpty;
        foreach (var placer in _placers) placer.Release(podUid);
        if (own) SharedChanged();
    }

    /// <summary>Whether a container of the Pod has CPUs for itself: then no quota may slow them (as upstream since 1.33).</summary>
    public bool HasOwnCpus(string podUid) => !Cpus.State.Of(podUid).IsEmpty;

    /// <summary>Puts what the container was given into what the runtime is asked for.</summary>
    public void AddTo(LinuxContainerResources resources, Pod pod, Container container)
    {
        string uid = pod.Metadata.Uid;
        resources.CpusetCpus = Cpus.For(uid, container.Name).ToString();
        resources.CpusetMems = string.Join(',', Memory.Of(uid, container.Name).SelectMany(b => b.Nodes).Distinct().Order().Select(n => n.ToString(CultureInfo.InvariantCulture)));
        if (resources.CpuQuota != 0 && !Cpus.ExclusiveOf(uid, container.Name).IsEmpty) resources.CpuQuota = -1;
    }

    /// <summary>Why a running Pod's resources cannot become what it asks for: those that it was placed by cannot; null when they can.</summary>
    public ResizeRefusal? RefuseResize(Pod granted, Pod wanted)
    {
        if (PodQos.Of(wanted.Spec) != "Guaranteed") return null;
        if (Cpus.Policy is not null && Differ("cpu"))
            return new("Infeasible", $"Resize is infeasible for Guaranteed Pods alongside CPU Manager policy \"{ExclusiveCpus.Static}\"", "guaranteed_pod_cpu_manager_static_policy");
        return Memory.Policy is null || !Differ("memory") ? null
            : new("Infeasible", $"Resize is infeasible for Guaranteed Pods alongside Memory Manager policy \"{PinnedMemory.Static}\"", "guaranteed_pod_memory_manager_static_policy");

        bool Differ(string resource) => wanted.Spec.InitContainers.Concat(wanted.Spec.Containers).Any(c => granted.Spec.Find(c.Name) is { } had && had.Resources.Requests[resource] != c.Resources.Requests[resource]);
    }
}
