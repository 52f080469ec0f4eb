using System.Net.Sockets;
using Google.Protobuf;
using Hanbae.Cri.Devices;
using Hanbae.Cri.Devices.Dynamic;
using Hanbae.Cri.Devices.Health;
using Hanbae.Grpc;

namespace Hanbae.Kubelet.Devices.Dynamic;

/// <summary>One driver of dynamic resources that registered on this node, and the way to call it.</summary>
sealed class DraDriver(string name, string endpoint, DraMethods methods, DeviceMetrics metrics, TimeProvider time) : IDisposable
{
    static readonly TimeSpan s_answer = TimeSpan.FromSeconds(45); // as upstream
    static readonly TimeSpan s_again = TimeSpan.FromSeconds(1), s_longest = TimeSpan.FromSeconds(10);

    readonly GrpcChannel _channel = new("unix://" + endpoint, new() { Time = time });
    readonly CancellationTokenSource _stop = new();
    volatile bool _connected;

    public string Name => name;
    public string Endpoint => endpoint;
    /// <summary>Somebody serves its socket.</summary>
    public bool Connected => _connected;
    public CancellationToken Stopped => _stop.Token;

    /// <exception cref="GrpcException"/>
    public Task<NodePrepareResourcesResponse> PrepareAsync(IEnumerable<Claim> claims, CancellationToken ct) => CallAsync(methods.Prepare, new() { Claims = { claims } }, ct);

    /// <exception cref="GrpcException"/>
    public Task<NodeUnprepareResourcesResponse> UnprepareAsync(IEnumerable<Claim> claims, CancellationToken ct) => CallAsync(methods.Unprepare, new() { Claims = { claims } }, ct);

    public IAsyncEnumerable<NodeWatchResourcesResponse> HealthAsync(CancellationToken ct) => _channel.ServerStreamAsync(DraMethods.WatchHealth, new(), default, ct);

    /// <summary>Tells when somebody serves the socket and when nobody does, until the driver is let go.</summary>
    /// <remarks>A connection on which nothing is said: its end is the driver's, also when it was killed and left its socket lying there.</remarks>
    public async Task FollowAsync(Action changed)
    {
        var pause = s_again;
        byte[] nothing = new byte[1];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(endpoint), _stop.Token).ConfigureAwait(false);
                Put(true);
                // A server may send its settings first, and end a connection on which nothing comes; then it is only dialled anew.
                while (await socket.ReceiveAsync(nothing, _stop.Token).ConfigureAwait(false) > 0) pause = s_again;
                continue;
            }
            catch (SocketException) { }
            catch (OperationCanceledException) { return; }
            Put(false);
            await Task.Delay(pause, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < s_longest ? pause * 2 : s_longest;
        }

        void Put(bool connected)
        {
            if (_connected == connected) return;
            _connected = connected;
            changed();
        }
    }

    async Task<TResponse> CallAsync<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, TRequest request, CancellationToken ct)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse>
    {
        long began = time.GetTimestamp();
        var status = GrpcStatus.OK;
        try { return await _channel.UnaryAsync(method, request, new(s_answer), ct).ConfigureAwait(false); }
        catch (GrpcException e)
        {
            status = e.Status;
            throw;
        }
        finally { metrics.Observe("dra_grpc_operations_duration_seconds", time.GetElapsedTime(began), ("driver_name", name), ("grpc_status_code", status.ToString()), ("method_name", method.Path)); }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _channel.Dispose();
    }
}
