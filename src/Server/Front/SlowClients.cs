using Hanbae.Server.FlowControl;

namespace Hanbae.Server.Front;

/// <summary>Ends requests whose clients draw them out: who sends or reads byte by byte, or holds a window shut, does not keep what the server keeps for it.</summary>
/// <remarks>
/// A request is answered, and its answer taken, within <see cref="ServerOptions.AnswerWithin"/>, whether flow control is on or not. Of a watch that is true
/// until it has sent what it begins with; after that its client has as long for what it is sent at once. Logs and other streams, which people hold in
/// pagers, are waited for as long as upstream's kubelet waits for idle ones. Looked at every ninth of the time; a place in a list is all it costs a request.
/// </remarks>
sealed class SlowClients : IDisposable
{
    static readonly TimeSpan s_streams = TimeSpan.FromHours(4);

    readonly Lock _gate = new();
    readonly TimeProvider _time;
    readonly long _within, _streams;
    readonly ITimer _timer;
    HttpRequestContext? _newest;

    public SlowClients(TimeSpan within, TimeProvider time)
    {
        _time = time;
        (_within, _streams) = (Ticks(within), Ticks(s_streams));
        _timer = time.CreateTimer(static state => ((SlowClients)state!).Look(), this, within / 9, within / 9);
    }

    long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    /// <summary>From here until the last byte of the answer is taken, which may be long after it was given.</summary>
    public void Enter(HttpRequestContext request)
    {
        (request.Slow, request.Entered) = (this, _time.GetTimestamp());
        lock (_gate)
        {
            (request.Older, _newest) = (_newest, request);
            if (request.Older is { } older) older.Newer = request;
        }
        request.Http.Response.OnCompleted(static state =>
        {
            var request = (HttpRequestContext)state;
            request.Slow!.Leave(request);
            return Task.CompletedTask;
        }, request);
    }

    /// <summary>The client has not taken what it was sent last.</summary>
    public void Wait(HttpRequestContext request) => request.Unread = Math.Max(1, _time.GetTimestamp());

    void Leave(HttpRequestContext request)
    {
        lock (_gate) Unlink(request);
    }

    void Unlink(HttpRequestContext request)
    {
        if (request.Newer is { } newer) newer.Older = request.Older;
        else if (_newest == request) _newest = request.Older;
        if (request.Older is { } older) older.Newer = request.Newer;
        (request.Older, request.Newer) = (null, null);
    }

    void Look()
    {
        long now = _time.GetTimestamp();
        // Under the lock, since a context that has left the list is soon another request's.
        lock (_gate)
            for (var request = _newest; request is not null;)
            {
                var next = request.Older;
                if (IsSlow(request, now))
                {
                    Unlink(request);
                    request.Abort();
                }
                request = next;
            }
    }

    bool IsSlow(HttpRequestContext request, long now)
    {
        bool watches = request.Info is { IsResourceRequest: true, Verb: "watch" };
        if (!watches && !LongRunning.Is(request) || watches && !request.HasBegun) return now - request.Entered > _within;
        return request.Unread is not 0 and var since && now - since > (watches ? _within : _streams);
    }

    public void Dispose() => _timer.Dispose();
}
