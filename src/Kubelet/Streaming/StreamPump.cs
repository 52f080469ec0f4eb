namespace Hanbae.Kubelet.Streaming;

/// <summary>Moves one direction of a stream to another stream and passes its end on.</summary>
internal static class StreamPump
{
    const int Buffer = 32 * 1024;

    /// <summary>Copies until the source ends, then ends the target's sending half.</summary>
    public static async Task RunAsync(Stream from, DuplexStream to, CancellationToken ct)
    {
        await from.CopyToAsync(to, Buffer, ct).ConfigureAwait(false);
        await to.CompleteWritesAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Reads a short message to its end, which may be that of the connection; what is beyond the bound is dropped.</summary>
    public static async Task<byte[]> ReadMessageAsync(DuplexStream from, int bound, CancellationToken ct)
    {
        var buffer = new byte[bound];
        int have = 0;
        try
        {
            while (have < bound && await from.ReadAsync(buffer.AsMemory(have), ct).ConfigureAwait(false) is > 0 and var n) have += n;
        }
        catch (IOException) when (have > 0) { }
        from.StopReading();
        return buffer[..have];
    }
}
