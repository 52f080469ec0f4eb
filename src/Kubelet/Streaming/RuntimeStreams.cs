using System.Globalization;
using System.Text;
using Hanbae.Kubelet.Streaming.Spdy;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Connects a client's session with the streaming server of the container runtime.</summary>
/// <remarks>
/// Always SPDY towards the runtime: of its protocols it is the one whose streams end separately, which v5's half-close needs.
/// A URL is good for one connection.
/// </remarks>
public static class RuntimeStreams
{
    const int MaxStatus = 64 * 1024;
    const string V4 = "v4.channel.k8s.io";

    /// <summary>Runs an exec or attach until the runtime reports its end or the client is gone; the session is closed afterwards.</summary>
    /// <param name="url">As returned by CRI for the same streams and tty as the session's.</param>
    public static async Task ExecAsync(Uri url, RemoteCommandSession session, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, session.Disconnected);
        try
        {
            RemoteCommandStatus status;
            try
            {
                await using var runtime = await RuntimeConnection.OpenAsync(url, V4, over.Token).ConfigureAwait(false);
                status = await BridgeAsync(runtime, session, over.Token).ConfigureAwait(false);
            }
            catch (IOException e) { status = RemoteCommandStatus.InternalError(e.Message); }
            await session.CompleteAsync(status, ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { } // the client is gone, and the runtime was told by the end of its connection
        finally { await session.DisposeAsync().ConfigureAwait(false); }
    }

    static async Task<RemoteCommandStatus> BridgeAsync(SpdySession runtime, RemoteCommandSession session, CancellationToken ct)
    {
        // The order of kubectl; the runtime waits for all of them.
        var error = await OpenAsync(runtime, "error", ct).ConfigureAwait(false);
        var stdin = session.Stdin is null ? null : await OpenAsync(runtime, "stdin", ct).ConfigureAwait(false);
        var stdout = session.Stdout is null ? null : await OpenAsync(runtime, "stdout", ct).ConfigureAwait(false);
        var stderr = session.Stderr is null ? null : await OpenAsync(runtime, "stderr", ct).ConfigureAwait(false);
        var resize = session.Tty ? await OpenAsync(runtime, "resize", ct).ConfigureAwait(false) : null;

        using var inputs = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var input = session.Stdin is { } typed ? FeedAsync(typed, stdin!, inputs.Token) : Task.CompletedTask;
        var sizes = resize is null ? Task.CompletedTask : ResizeAsync(session, resize, inputs.Token);
        stdin?.StopReading();
        resize?.StopReading();
        try
        {
            var outputs = Task.WhenAll(
                session.Stdout is { } shown ? StreamPump.RunAsync(stdout!, shown, ct) : Task.CompletedTask,
                session.Stderr is { } complained ? StreamPump.RunAsync(stderr!, complained, ct) : Task.CompletedTask);
            var ended = StreamPump.ReadMessageAsync(error, MaxStatus, ct);
            await outputs.ConfigureAwait(false);
            return RemoteCommandStatus.FromJson(await ended.ConfigureAwait(false));
        }
        finally
        {
            await inputs.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(input, sizes).ConfigureAwait(false);
        }
    }

    static Task<SpdyStream> OpenAsync(SpdySession runtime, string type, CancellationToken ct) =>
        runtime.OpenAsync(new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["streamType"] = type }, ct);

    /// <summary>Standard input fails quietly: a command may end, or close it, before it has read everything.</summary>
    static async Task FeedAsync(Stream from, DuplexStream to, CancellationToken ct)
    {
        try { await StreamPump.RunAsync(from, to, ct).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or OperationCanceledException) { (from as DuplexStream)?.StopReading(); }
    }

    static async Task ResizeAsync(RemoteCommandSession session, SpdyStream resize, CancellationToken ct)
    {
        try
        {
            await foreach (var size in session.ResizesAsync(ct).ConfigureAwait(false)) await resize.WriteAsync(size.ToJson(), ct).ConfigureAwait(false);
            await resize.CompleteWritesAsync(ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException) { }
    }

    /// <summary>Forwards each connection of the client until it hangs up; the session is closed afterwards.</summary>
    public static async Task PortForwardAsync(Uri url, PortForwardSession session, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, session.Disconnected);
        var forwarding = new HashSet<Task>();
        try
        {
            await using var runtime = await RuntimeConnection.OpenAsync(url, PortForwardServer.Protocol, over.Token).ConfigureAwait(false);
            using var lost = runtime.Closed.Register(over.Cancel);
            try
            {
                int request = 0;
                await foreach (var connection in session.ConnectionsAsync(over.Token).ConfigureAwait(false))
                {
                    forwarding.RemoveWhere(done => done.IsCompleted);
                    forwarding.Add(ForwardAsync(runtime, connection, request++, over.Token));
                }
                await Task.WhenAll(forwarding).ConfigureAwait(false);
                await session.CloseAsync().ConfigureAwait(false);
            }
            finally
            {
                await over.CancelAsync().ConfigureAwait(false);
                await Task.WhenAll(forwarding).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { } // either end is gone; closing tells the other
        catch (IOException e)
        {
            // The runtime is unreachable: say so on the first connection rather than close without a word.
            await foreach (var connection in session.ConnectionsAsync(ct).ConfigureAwait(false))
            {
                await connection.CompleteAsync($"error forwarding port {connection.Port}: {e.Message}", ct).ConfigureAwait(false);
                break;
            }
        }
        finally { await session.DisposeAsync().ConfigureAwait(false); }
    }

    static async Task ForwardAsync(SpdySession runtime, PortForwardConnection connection, int request, CancellationToken ct)
    {
        string? failure = null;
        SpdyStream? error = null, data = null;
        using var up = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var upward = Task.CompletedTask;
        try
        {
            error = await runtime.OpenAsync(Headers("error"), ct).ConfigureAwait(false);
            await error.CompleteWritesAsync(ct).ConfigureAwait(false); // nothing to say on it; kubectl does the same
            data = await runtime.OpenAsync(Headers("data"), ct).ConfigureAwait(false);
            upward = FeedOrResetAsync(connection.Data, data, up.Token);
            await StreamPump.RunAsync(data, connection.Data, ct).ConfigureAwait(false);
            var said = await StreamPump.ReadMessageAsync(error, MaxStatus, ct).ConfigureAwait(false);
            if (said.Length > 0) failure = Encoding.UTF8.GetString(said);
        }
        catch (IOException) when (connection.Data.WasReset) { } // kubectl's way to end a connection whose local side is gone
        catch (IOException e) { failure = $"error forwarding port {connection.Port}: {e.Message}"; }
        catch (OperationCanceledException) { }
        finally
        {
            await up.CancelAsync().ConfigureAwait(false);
            await upward.ConfigureAwait(false);
            foreach (var stream in new[] { data, error }) if (stream is not null) await QuietlyAsync(stream.AbortAsync(CancellationToken.None)).ConfigureAwait(false);
            await QuietlyAsync(new(connection.CompleteAsync(failure, ct))).ConfigureAwait(false);
        }

        Dictionary<string, string> Headers(string type) => new(StringComparer.OrdinalIgnoreCase)
        {
            ["streamType"] = type,
            ["port"] = connection.Port.ToString(CultureInfo.InvariantCulture),
            ["requestID"] = request.ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>A client that breaks a connection off breaks it off in the Pod too, instead of leaving it half open.</summary>
    static async Task FeedOrResetAsync(DuplexStream from, DuplexStream to, CancellationToken ct)
    {
        try
        {
            await from.CopyToAsync(to, ct).ConfigureAwait(false);
            if (from.WasReset) await to.AbortAsync(ct).ConfigureAwait(false);
            else await to.CompleteWritesAsync(ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            from.StopReading(); // the Pod takes no more: what the client still sends must not hold up its other connections
        }
    }

    static async Task QuietlyAsync(ValueTask ending)
    {
        try { await ending.ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException) { }
    }
}
