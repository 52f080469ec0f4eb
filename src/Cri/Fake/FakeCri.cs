using Google.Protobuf;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

/// <summary>Runs pods for tests and simulated nodes without any container: states, addresses, errors and events as containerd's, programs by script.</summary>
/// <remarks>
/// All state is guarded by one lock, nothing awaits under it; programs end on <see cref="FakeCriOptions.Time"/>, never on a thread of their own.
/// </remarks>
public sealed partial class FakeCri : ICri, IDisposable
{
    readonly Lock _gate = new();
    readonly FakeCriOptions _options;
    readonly TimeProvider _time;
    readonly IdTable<FakeSandbox> _sandboxes = new("sandbox");
    readonly IdTable<FakeContainer> _containers = new("container");
    readonly ImageShelf _images;
    readonly EventFeed _events = new();
    List<AddressPool> _pools;

    public FakeCri(FakeCriOptions? options = null)
    {
        _options = options ?? new();
        _time = _options.Time;
        _pools = [.. _options.PodCidrs.Select(c => new AddressPool(c))];
        _images = new(_options);
    }

    /// <summary>Asked at the start of every call, by its name on the wire; an error returned is thrown instead of the call being made.</summary>
    public Func<string, GrpcException?>? Fault { get; set; }

    long Now => (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    public Task<VersionResponse> VersionAsync(CancellationToken ct) =>
        Do("Version", ct, () => new VersionResponse { Version = "0.1.0", RuntimeName = "fake", RuntimeVersion = "2.1.0", RuntimeApiVersion = "v1" });

    public Task<StatusResponse> StatusAsync(bool verbose, CancellationToken ct) => Do("Status", ct, () =>
    {
        var network = new RuntimeCondition { Type = "NetworkReady", Status = _pools.Count > 0 };
        if (!network.Status)
            (network.Reason, network.Message) = ("NetworkPluginNotReady", "Network plugin returns error: cni plugin not initialized");
        return new StatusResponse
        {
            Status = new() { Conditions = { new RuntimeCondition { Type = "RuntimeReady", Status = true }, network } },
            RuntimeHandlers = { _options.Handlers.Prepend("").Select(h => new RuntimeHandler { Name = h, Features = new() }) },
            Features = new(),
        };
    });

    public Task<RuntimeConfigResponse?> RuntimeConfigAsync(CancellationToken ct) =>
        Do("RuntimeConfig", ct, () => (RuntimeConfigResponse?)new RuntimeConfigResponse { Linux = new() { CgroupDriver = _options.CgroupDriver } });

    /// <summary>Gives the runtime its pod range, unless it was made with one: as a CNI template would.</summary>
    public Task UpdateRuntimeConfigAsync(string podCidr, CancellationToken ct) => Do("UpdateRuntimeConfig", ct, () =>
    {
        if (_pools.Count == 0) _pools = [.. podCidr.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(c => new AddressPool(c.Trim()))];
        return true;
    });

    /// <summary>Subscribes when the enumeration starts, not before.</summary>
    public IAsyncEnumerable<ContainerEventResponse> GetContainerEventsAsync(CancellationToken ct) =>
        Fault?.Invoke("GetContainerEvents") is { } fault ? throw fault : _events.SubscribeAsync(ct);

    /// <summary>Lets a running container's program end now.</summary>
    public void Exit(string containerId, int code, bool oomKilled = false)
    {
        lock (_gate)
        {
            Exited(Running(containerId, ""), code, oomKilled);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var container in _containers.All) container.Timer?.Dispose();
        }
    }

    /// <summary>One call: its fault, its cancellation, its work under the lock.</summary>
    Task<T> Do<T>(string call, CancellationToken ct, Func<T> work)
    {
        if (ct.IsCancellationRequested) return Task.FromCanceled<T>(ct);
        if (Fault?.Invoke(call) is { } fault) return Task.FromException<T>(fault);
        try
        {
            lock (_gate) return Task.FromResult(work());
        }
        catch (GrpcException e)
        {
            return Task.FromException<T>(e);
        }
    }

    void Tell(ContainerEventType type, string id, FakeSandbox sandbox)
    {
        if (!_events.HasSubscribers) return;
        _events.Publish(new()
        {
            ContainerId = id, ContainerEventType = type, CreatedAt = Now, PodSandboxStatus = sandbox.ToStatus(),
            ContainersStatuses = { sandbox.Containers.Select(c => c.ToStatus()) },
        });
    }

    static bool Match(Google.Protobuf.Collections.MapField<string, string> wanted, Google.Protobuf.Collections.MapField<string, string> labels) =>
        wanted.All(w => labels.TryGetValue(w.Key, out string? value) && value == w.Value);

    string Stream(IMessage request) => _options.Streaming is { } streaming
        ? streaming(request)
        : throw new GrpcException(GrpcStatus.Unimplemented, "this runtime has no streaming server");
}
