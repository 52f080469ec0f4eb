using System.Text;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Devices;
using Hanbae.Cri.Devices.PodResources;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Placement.Memory;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging;
using CDIDevice = Hanbae.Cri.Devices.PodResources.CDIDevice;
using ContainerResources = Hanbae.Cri.Devices.PodResources.ContainerResources;
using NUMANode = Hanbae.Cri.Devices.PodResources.NUMANode;

namespace Hanbae.Kubelet.Devices;

/// <summary>Tells monitors of the node who has which devices, at <c>pod-resources/kubelet.sock</c> (KEP-606): metrics of a device become metrics of a Pod by it.</summary>
/// <remarks>Bound: a hundred calls a second over all callers, ten at once; the others are refused, as upstream.</remarks>
sealed class PodResourcesServer(string folder, PodDevices devices, Placements? placements, Func<IEnumerable<Pod>> pods, DeviceMetrics metrics, TimeProvider time, ILogger log)
{
    const int LongestPath = 107; // of a socket, in the kernel
    const double PerSecond = 100, AtOnce = 10;

    readonly Lock _gate = new();
    double _tokens = AtOnce;
    long _filled = time.GetTimestamp();

    string Socket => Path.Combine(folder, "kubelet.sock");

    /// <summary>Serves until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        if (Encoding.UTF8.GetByteCount(Socket) > LongestPath)
        {
            log.SocketNotServed(Socket, $"its path has more than {LongestPath} bytes: choose a shorter data folder");
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false);
        }
        File.Delete(Socket);
        await using var server = await GrpcServer.StartAsync("unix://" + Socket, Service(), ct: ct).ConfigureAwait(false);
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false);
    }

    public GrpcService Service() => new GrpcService()
        .Unary(PodResourcesMethods.List, (_, _) => Answer("list", () => new ListPodResourcesResponse { PodResources = { pods().Where(Active).Select(Of) } }))
        .Unary(PodResourcesMethods.ListAlpha, (_, _) => Answer("list", () => new ListPodResourcesResponse { PodResources = { pods().Where(Active).Select(OfAlpha) } }, "v1alpha1"))
        .Unary(PodResourcesMethods.GetAllocatableResources, (_, _) => Answer("get_allocatable", Allocatable))
        .Unary(PodResourcesMethods.Get, (request, _) => Answer("get", () => new GetPodResourcesResponse { PodResources = Of(Find(request)) }));

    Task<T> Answer<T>(string method, Func<T> answer, string version = "v1")
    {
        metrics.Count("kubelet_pod_resources_endpoint_requests_total", ("server_api_version", version));
        metrics.Count("kubelet_pod_resources_endpoint_requests_" + method, ("server_api_version", version));
        try
        {
            Take();
            return Task.FromResult(answer());
        }
        catch (GrpcException)
        {
            metrics.Count("kubelet_pod_resources_endpoint_errors_" + method, ("server_api_version", version));
            throw;
        }
    }

    void Take()
    {
        lock (_gate)
        {
            _tokens = Math.Min(AtOnce, _tokens + time.GetElapsedTime(_filled).TotalSeconds * PerSecond);
            _filled = time.GetTimestamp();
            if (_tokens < 1) throw new GrpcException(GrpcStatus.ResourceExhausted, "rejected by rate limit");
            _tokens--;
        }
    }

    Pod Find(GetPodResourcesRequest request)
    {
        var pod = pods().Where(p => p.Metadata.Namespace == request.PodNamespace && p.Metadata.Name == request.PodName).MaxBy(p => p.Metadata.CreationTimestamp)
            ?? throw new GrpcException(GrpcStatus.Unknown, $"pod {request.PodName} in namespace {request.PodNamespace} not found");
        return Active(pod) ? pod : throw new GrpcException(GrpcStatus.Unknown, $"pod {request.PodName} in namespace {request.PodNamespace} is not active");
    }

    static bool Active(Pod pod) => pod.Status.Phase is not ("Succeeded" or "Failed");

    PodResources Of(Pod pod)
    {
        var grants = devices.Plugins.Of(pod.Metadata.Uid);
        var resources = new PodResources { Name = pod.Metadata.Name, Namespace = pod.Metadata.Namespace };
        // Plain init containers have nothing any more by the time that anybody asks.
        foreach (var container in pod.Spec.InitContainers.Where(PodContainers.IsSidecar).Concat(pod.Spec.Containers))
        {
            var of = new ContainerResources { Name = container.Name };
            foreach (var grant in grants.Where(g => g.Container == container.Name))
                of.Devices.Add(grant.Devices.Select(d => Told(grant.Resource, d.Key, d.Value)));
            if (placements is not null)
            {
                of.CpuIds.Add(placements.Cpus.ExclusiveOf(pod.Metadata.Uid, container.Name).Select(id => (long)id));
                of.Memory.Add(placements.Memory.Of(pod.Metadata.Uid, container.Name).Select(Told));
            }
            foreach (var claim in devices.Claims.Of(pod, container))
            {
                var told = new DynamicResource { ClaimName = claim.Name, ClaimNamespace = claim.Namespace };
                foreach (var (driver, device) in claim.Devices)
                {
                    var resource = new ClaimResource { DriverName = driver, PoolName = device.Pool, DeviceName = device.Name, CdiDevices = { device.CdiIds.Select(i => new CDIDevice { Name = i }) } };
                    if (device.ShareId.Length > 0) resource.ShareId = device.ShareId;
                    told.ClaimResources.Add(resource);
                }
                of.DynamicResources.Add(told);
            }
            resources.Containers.Add(of);
        }
        return resources;
    }

    PodResources OfAlpha(Pod pod)
    {
        var resources = Of(pod);
        foreach (var container in resources.Containers)
        {
            container.CpuIds.Clear();
            container.Memory.Clear();
            container.DynamicResources.Clear();
            foreach (var device in container.Devices) device.Topology = null;
        }
        return resources;
    }

    AllocatableResourcesResponse Allocatable() => new()
    {
        CpuIds = { placements?.Cpus.Policy?.Allocatable.Select(id => (long)id) ?? [] },
        Memory = { placements?.Memory is { Policy: { } policy } memory ? policy.Allocatable(memory.State).Select(Told) : [] },
        Devices = { devices.Plugins.Kinds.All.SelectMany(k => k.Value.Devices.Where(d => d.Value.Healthy).Select(d => Told(k.Key, d.Key, d.Value.Nodes))) },
    };

    static ContainerMemory Told(MemoryBlock block) =>
        new() { MemoryType = block.Type, Size = (ulong)block.Size, Topology = new() { Nodes = { block.Nodes.Select(n => new NUMANode { ID = n }) } } };

    static ContainerDevices Told(string resource, string id, IEnumerable<long> nodes)
    {
        var told = new ContainerDevices { ResourceName = resource, DeviceIds = { id } };
        if (nodes.Any()) told.Topology = new() { Nodes = { nodes.Select(n => new NUMANode { ID = n }) } };
        return told;
    }
}
