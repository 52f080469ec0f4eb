using System.Text;

namespace Hanbae.Kubelet.Streaming;

/// <summary>One connection a client wants forwarded to a port of a Pod.</summary>
/// <param name="port">In the Pod.</param>
/// <param name="data">The bytes of the connection, both ways.</param>
/// <param name="error">Where the client learns why the connection failed; whatever is written there is shown to the user.</param>
public sealed class PortForwardConnection(int port, DuplexStream data, DuplexStream error)
{
    public int Port => port;
    public DuplexStream Data => data;
    public DuplexStream Error => error;

    /// <summary>Ends the connection; a client waits for the end of both streams.</summary>
    /// <param name="failure">Null when all went well.</param>
    public async Task CompleteAsync(string? failure, CancellationToken ct)
    {
        data.StopReading();
        error.StopReading();
        try
        {
            if (failure is not null) await error.WriteAsync(Encoding.UTF8.GetBytes(failure), ct).ConfigureAwait(false);
            await error.CompleteWritesAsync(ct).ConfigureAwait(false);
            await data.CompleteWritesAsync(ct).ConfigureAwait(false);
        }
        catch (IOException) { } // the client reset a stream or is gone: it needs no telling
    }
}
