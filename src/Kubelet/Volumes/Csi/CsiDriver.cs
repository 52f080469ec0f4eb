using System.Collections.Frozen;
using Google.Protobuf;
using Hanbae.Api;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>One storage driver that registered on this node, and the way to call it.</summary>
public sealed class CsiDriver : IDisposable
{
    /// <summary>As upstream waits for a driver.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);

    readonly GrpcChannel _channel;
    readonly TimeProvider _time;
    volatile FrozenSet<NodeServiceCapability.Types.RPC.Types.Type>? _node;

    public CsiDriver(string name, string endpoint, TimeProvider time)
    {
        (Name, Endpoint, _time) = (name, endpoint, time);
        _channel = new("unix://" + endpoint, new() { Time = time });
    }

    public string Name { get; }
    /// <summary>The path of its socket.</summary>
    public string Endpoint { get; }
    /// <summary>What the driver calls this node.</summary>
    public string NodeId { get; internal set; } = "";
    /// <summary>Where this node is, as far as the driver's volumes go.</summary>
    public Map<string> Topology { get; internal set; }

    /// <exception cref="GrpcException">It refused, or did not answer in time.</exception>
    public async Task<TResponse> CallAsync<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, TRequest request, CancellationToken ct, TimeSpan? timeout = null)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse>
    {
        long began = _time.GetTimestamp();
        GrpcException? error = null;
        try { return await _channel.UnaryAsync(method, request, new(timeout ?? Timeout), ct).ConfigureAwait(false); }
        catch (GrpcException e)
        {
            error = e;
            throw;
        }
        finally { Called?.Invoke(method.Path, _time.GetElapsedTime(began), error); }
    }

    /// <summary>Is told of each call that has ended.</summary>
    internal Action<string, TimeSpan, GrpcException?>? Called { get; set; }

    /// <summary>What its node side can do; asked once.</summary>
    /// <exception cref="GrpcException"/>
    public async Task<FrozenSet<NodeServiceCapability.Types.RPC.Types.Type>> NodeCapabilitiesAsync(CancellationToken ct) =>
        _node ??= (await CallAsync(CsiMethods.NodeGetCapabilities, new(), ct).ConfigureAwait(false)).Capabilities.Where(c => c.Rpc is not null).Select(c => c.Rpc.Type).ToFrozenSet();

    /// <summary>Whether a call that ended so has done nothing and goes on doing nothing: after others the driver may still be at it, and what it did has to be taken back.</summary>
    public static bool IsFinal(GrpcException e) =>
        e.Status is not (GrpcStatus.Canceled or GrpcStatus.DeadlineExceeded or GrpcStatus.Unavailable or GrpcStatus.ResourceExhausted or GrpcStatus.Aborted);

    public void Dispose() => _channel.Dispose();
}
