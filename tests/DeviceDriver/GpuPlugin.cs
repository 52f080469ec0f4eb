using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Google.Protobuf;
using Hanbae.Cri.Devices;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;

namespace Hanbae.DeviceDriver;

/// <summary>Offers GPUs that are none: a device plugin as a vendor's, whose devices fall ill when they are told to.</summary>
public sealed class GpuPlugin
{
    readonly Lock _gate = new();
    readonly Dictionary<string, (bool Healthy, long[] Nodes)> _gpus = [];
    readonly List<ChannelWriter<ListAndWatchResponse>> _watchers = [];

    /// <summary>Each with the NUMA nodes that it is near to.</summary>
    public GpuPlugin(params ReadOnlySpan<(string Id, long[] Nodes)> gpus)
    {
        foreach (var (id, nodes) in gpus) _gpus[id] = (true, nodes);
    }

    public DevicePluginOptions Options { get; init; } = new();

    /// <summary>What was asked, in order: the call and the devices.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();
    /// <summary>May throw what the caller is to get.</summary>
    public Func<string, IMessage, Task> Before { get; set; } = (_, _) => Task.CompletedTask;
    /// <summary>Which it prefers of the available ones.</summary>
    public Func<IEnumerable<string>, int, IEnumerable<string>> Prefers { get; init; } = (available, size) => available.Reverse().Take(size);
    /// <summary>What is to be done for devices.</summary>
    public Func<IReadOnlyList<string>, ContainerAllocateResponse> Answers { get; init; } = ids => new()
    {
        Envs = { ["GPU_IDS"] = string.Join(',', ids) },
        Devices = { ids.Select(id => new DeviceSpec { ContainerPath = "/dev/" + id, HostPath = "/dev/zero", Permissions = "r" }) },
    };

    public void Put(string id, bool healthy) => Change(() => _gpus[id] = (healthy, _gpus.TryGetValue(id, out var known) ? known.Nodes : []));

    public void Remove(string id) => Change(() => _gpus.Remove(id));

    /// <summary>As if the plugin's process had ended for all that the kubelet sees of it.</summary>
    public void EndStreams()
    {
        lock (_gate) foreach (var watcher in _watchers) watcher.TryComplete();
    }

    public GrpcService Service() => new GrpcService()
        .Unary(DevicePluginMethods.GetDevicePluginOptions, (_, _) => Task.FromResult(Options))
        .ServerStream(DevicePluginMethods.ListAndWatch, (_, ct) => WatchAsync(ct))
        .Unary(DevicePluginMethods.GetPreferredAllocation, async (request, _) =>
        {
            var asked = request.ContainerRequests.Single();
            await NoteAsync($"prefer {asked.AllocationSize} of {string.Join(',', asked.AvailableDeviceIDs)} with {string.Join(',', asked.MustIncludeDeviceIDs)}", request);
            return new PreferredAllocationResponse { ContainerResponses = { new ContainerPreferredAllocationResponse { DeviceIDs = { Prefers(asked.AvailableDeviceIDs, asked.AllocationSize) } } } };
        })
        .Unary(DevicePluginMethods.Allocate, async (request, _) =>
        {
            await NoteAsync("allocate " + string.Join(';', request.ContainerRequests.Select(c => string.Join(',', c.DevicesIds))), request);
            return new AllocateResponse { ContainerResponses = { request.ContainerRequests.Select(c => Answers(c.DevicesIds)) } };
        })
        .Unary(DevicePluginMethods.PreStartContainer, async (request, _) =>
        {
            await NoteAsync("start " + string.Join(',', request.DevicesIds), request);
            return new PreStartContainerResponse();
        });

    /// <summary>Asks the kubelet to take it in.</summary>
    public static async Task RegisterAsync(string kubelet, string resource, string endpoint, string version = DevicePluginMethods.Version, CancellationToken ct = default)
    {
        using var channel = new GrpcChannel("unix://" + kubelet);
        await channel.UnaryAsync(DevicePluginMethods.Register, new() { Version = version, Endpoint = endpoint, ResourceName = resource }, new(TimeSpan.FromSeconds(60)), ct);
    }

    async Task NoteAsync(string call, IMessage request)
    {
        Asked.Enqueue(call);
        await Before(call, request);
    }

    void Change(Action change)
    {
        lock (_gate)
        {
            change();
            foreach (var watcher in _watchers) watcher.TryWrite(All());
        }
    }

    ListAndWatchResponse All() => new()
    {
        Devices =
        {
            _gpus.Select(g =>
            {
                var device = new Device { ID = g.Key, Health = g.Value.Healthy ? "Healthy" : "Unhealthy" };
                if (g.Value.Nodes.Length > 0) device.Topology = new() { Nodes = { g.Value.Nodes.Select(n => new NUMANode { ID = n }) } };
                return device;
            }),
        },
    };

    async IAsyncEnumerable<ListAndWatchResponse> WatchAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var told = Channel.CreateUnbounded<ListAndWatchResponse>(); // as many as a test makes
        lock (_gate)
        {
            told.Writer.TryWrite(All());
            _watchers.Add(told.Writer);
        }
        try
        {
            await foreach (var all in told.Reader.ReadAllAsync(ct)) yield return all;
        }
        finally
        {
            lock (_gate) _watchers.Remove(told.Writer);
        }
    }
}
