using System.Globalization;
using System.Threading.Channels;
using Hanbae.Kubelet.Streaming.Spdy;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Puts the data and the error stream that SPDY clients open for each forwarded connection together.</summary>
/// <remarks>They share a request id; a stream whose partner stays away is given up after the creation timeout, as upstream does.</remarks>
internal sealed class PortForwardPairs(StreamingTimeouts timeouts)
{
    // As many as a session may have streams: the writer never waits, and what does not fit is refused.
    readonly Channel<PortForwardConnection> _complete = Channel.CreateBounded<PortForwardConnection>(512);
    readonly Dictionary<string, Half> _halves = new(StringComparer.Ordinal);
    readonly Lock _lock = new();

    public ChannelReader<PortForwardConnection> Complete => _complete.Reader;

    /// <summary>Whether the stream is one of a port-forward; called by the session's reading loop for each new one.</summary>
    public bool Take(SpdyStream stream)
    {
        if (!ushort.TryParse(stream.Headers.GetValueOrDefault("port"), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0) return false;
        var type = stream.Headers.GetValueOrDefault("streamtype");
        if (type is not ("data" or "error")) return false;
        // Clients older than request ids open the error stream first and the data stream right after it.
        var request = stream.Headers.GetValueOrDefault("requestid") ?? $"{(type == "error" ? stream.Id : stream.Id - 2)}";
        lock (_lock)
        {
            if (!_halves.Remove(request, out var half))
            {
                _halves[request] = new(stream, type, timeouts.Time.CreateTimer(_ => GiveUp(request, stream), null, timeouts.Creation, Timeout.InfiniteTimeSpan));
                return true;
            }
            half.Timer.Dispose();
            if (half.Type == type)
            {
                _halves[request] = half with { Timer = timeouts.Time.CreateTimer(_ => GiveUp(request, half.Stream), null, timeouts.Creation, Timeout.InfiniteTimeSpan) };
                return false;
            }
            var (data, error) = type == "data" ? (stream, half.Stream) : (half.Stream, stream);
            error.StopReading();
            return _complete.Writer.TryWrite(new(port, data, error));
        }
    }

    public void End()
    {
        _complete.Writer.TryComplete();
        lock (_lock)
        {
            foreach (var half in _halves.Values) half.Timer.Dispose();
            _halves.Clear();
        }
    }

    void GiveUp(string request, SpdyStream stream)
    {
        lock (_lock)
        {
            if (!_halves.TryGetValue(request, out var half) || half.Stream != stream) return;
            _halves.Remove(request);
            half.Timer.Dispose();
        }
        _ = AbortAsync(stream);
    }

    static async Task AbortAsync(SpdyStream stream)
    {
        try { await stream.AbortAsync(CancellationToken.None).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException) { } // the session ended meanwhile, and the stream with it
    }

    sealed record Half(SpdyStream Stream, string Type, ITimer Timer);
}
