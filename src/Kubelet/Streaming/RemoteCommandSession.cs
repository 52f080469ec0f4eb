using System.Text;

namespace Hanbae.Kubelet.Streaming;

/// <summary>The client's side of an exec or attach, whatever protocol it came by.</summary>
public sealed class RemoteCommandSession : IAsyncDisposable
{
    readonly IStreamConnection _connection;
    readonly DuplexStream _error;
    readonly DuplexStream? _resize;
    readonly bool _statusAsJson;
    readonly TimeSpan _linger;

    internal RemoteCommandSession(IStreamConnection connection, RemoteCommandOptions options, bool statusAsJson,
        DuplexStream? stdin, DuplexStream? stdout, DuplexStream? stderr, DuplexStream error, DuplexStream? resize)
    {
        (_connection, _error, _resize, _statusAsJson, _linger) = (connection, error, resize, statusAsJson, options.Timeouts.Linger);
        (Stdin, Stdout, Stderr, Tty) = (stdin, stdout, stderr, options.Tty);
    }

    /// <summary>Ends when the client has no more input; fails when the connection does.</summary>
    public DuplexStream? Stdin { get; }
    public DuplexStream? Stdout { get; }
    public DuplexStream? Stderr { get; }
    public bool Tty { get; }

    /// <summary>Signalled once the client is gone.</summary>
    public CancellationToken Disconnected => _connection.Closed;

    /// <summary>The terminal's sizes as they change; empty without a terminal. To be read once.</summary>
    public IAsyncEnumerable<TerminalSize> ResizesAsync(CancellationToken ct) =>
        _resize is null ? AsyncEnumerable.Empty<TerminalSize>() : TerminalSize.ReadAllAsync(_resize, ct);

    /// <summary>Ends the outputs, says how the command ended and closes the connection.</summary>
    /// <remarks>What the client still sends is thrown away until it hangs up or the linger time is over.</remarks>
    public async Task CompleteAsync(RemoteCommandStatus status, CancellationToken ct)
    {
        Stdin?.StopReading();
        _resize?.StopReading();
        try
        {
            if (Stdout is not null) await Stdout.CompleteWritesAsync(ct).ConfigureAwait(false);
            if (Stderr is not null) await Stderr.CompleteWritesAsync(ct).ConfigureAwait(false);
            if (_statusAsJson) await _error.WriteAsync(status.Json, ct).ConfigureAwait(false);
            else if (status.Message is { } message) await _error.WriteAsync(Encoding.UTF8.GetBytes(message), ct).ConfigureAwait(false);
            await _error.CompleteWritesAsync(ct).ConfigureAwait(false);
        }
        catch (IOException) { } // the client is gone: nobody is left to be told
        await _connection.CloseAsync(_linger).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
