using Hanbae.Cri.Devices;
using Hanbae.Grpc;

namespace Hanbae.Kubelet.Devices;

/// <summary>One vendor's plugin, which offers devices under the name of one resource, and the way to call it.</summary>
sealed class DevicePlugin(string resource, string socket, TimeProvider time) : IDisposable
{
    static readonly TimeSpan s_start = TimeSpan.FromSeconds(30); // as upstream for PreStartContainer, which may wipe a device
    static readonly TimeSpan s_answer = TimeSpan.FromSeconds(30);

    readonly GrpcChannel _channel = new("unix://" + socket, new() { Time = time, ConnectTimeout = TimeSpan.FromSeconds(10) });

    public string Resource => resource;
    public string Socket => socket;
    /// <summary>What it wants to be asked, by its own word.</summary>
    public DevicePluginOptions Options { get; private set; } = new();
    /// <summary>Ends what is asked of it for long.</summary>
    public CancellationTokenSource Stop { get; } = new();

    /// <exception cref="GrpcException"/>
    public async Task AskOptionsAsync(CancellationToken ct) => Options = await _channel.UnaryAsync(DevicePluginMethods.GetDevicePluginOptions, new(), new(s_answer), ct).ConfigureAwait(false);

    /// <summary>All its devices, again each time that one of them changes; ends with the plugin.</summary>
    public IAsyncEnumerable<ListAndWatchResponse> ListAndWatchAsync(CancellationToken ct) => _channel.ServerStreamAsync(DevicePluginMethods.ListAndWatch, new(), default, ct);

    /// <exception cref="GrpcException"/>
    public Task<AllocateResponse> AllocateAsync(IEnumerable<string> ids, CancellationToken ct) =>
        _channel.UnaryAsync(DevicePluginMethods.Allocate, new() { ContainerRequests = { new ContainerAllocateRequest { DevicesIds = { ids } } } }, new(s_answer), ct);

    /// <summary>None when it has no opinion.</summary>
    /// <exception cref="GrpcException"/>
    public async Task<IReadOnlyCollection<string>> PreferAsync(IEnumerable<string> available, IEnumerable<string> must, int size, CancellationToken ct)
    {
        if (!Options.GetPreferredAllocationAvailable) return [];
        var request = new ContainerPreferredAllocationRequest { AvailableDeviceIDs = { available }, MustIncludeDeviceIDs = { must }, AllocationSize = size };
        var answer = await _channel.UnaryAsync(DevicePluginMethods.GetPreferredAllocation, new() { ContainerRequests = { request } }, new(s_answer), ct).ConfigureAwait(false);
        return [.. answer.ContainerResponses.FirstOrDefault()?.DeviceIDs ?? []];
    }

    /// <exception cref="GrpcException"/>
    public async Task BeforeStartAsync(IEnumerable<string> ids, CancellationToken ct)
    {
        if (Options.PreStartRequired) await _channel.UnaryAsync(DevicePluginMethods.PreStartContainer, new() { DevicesIds = { ids } }, new(s_start), ct).ConfigureAwait(false);
    }

    public void Dispose()
    {
        Stop.Cancel();
        _channel.Dispose();
    }
}
