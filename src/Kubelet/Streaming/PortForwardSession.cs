using System.Threading.Channels;

namespace Hanbae.Kubelet.Streaming;

/// <summary>A client's port-forward, whatever protocol it came by: connections one after the other or at once, until it hangs up.</summary>
public sealed class PortForwardSession : IAsyncDisposable
{
    readonly IStreamConnection _connection;
    readonly ChannelReader<PortForwardConnection> _connections;
    readonly TimeSpan _linger;

    internal PortForwardSession(IStreamConnection connection, ChannelReader<PortForwardConnection> connections, TimeSpan linger) =>
        (_connection, _connections, _linger) = (connection, connections, linger);

    /// <summary>Signalled once the client is gone.</summary>
    public CancellationToken Disconnected => _connection.Closed;

    /// <summary>Ends when the client is gone, or after the last connection where their number is fixed (WebSocket channels).</summary>
    public IAsyncEnumerable<PortForwardConnection> ConnectionsAsync(CancellationToken ct) => _connections.ReadAllAsync(ct);

    public Task CloseAsync() => _connection.CloseAsync(_linger);

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
