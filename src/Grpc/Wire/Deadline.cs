namespace Hanbae.Grpc.Wire;

/// <summary>Ends a call at its deadline, at the caller's cancellation or when the call is given up, and tells these apart afterwards.</summary>
internal sealed class Deadline : IDisposable
{
    readonly CancellationTokenSource _source;
    readonly CancellationTokenRegistration _caller;
    readonly CancellationToken _callerToken;
    readonly bool _timed;
    volatile bool _abandoned;

    public Deadline(TimeSpan? timeout, TimeProvider time, CancellationToken caller)
    {
        _timed = timeout is { } t && t != Timeout.InfiniteTimeSpan;
        _source = _timed ? new(timeout!.Value > TimeSpan.Zero ? timeout.Value : TimeSpan.Zero, time) : new();
        _callerToken = caller;
        _caller = caller.UnsafeRegister(static s => ((CancellationTokenSource)s!).Cancel(), _source);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Resets the stream if it is still open.</summary>
    public void Abandon()
    {
        _abandoned = true;
        _source.Cancel();
    }

    /// <summary>Lets a token given to one read or write end the whole call: a stream cannot be cancelled in halves.</summary>
    public CancellationTokenRegistration Follow(CancellationToken ct) =>
        ct == _callerToken ? default : ct.UnsafeRegister(static s => ((CancellationTokenSource)s!).Cancel(), _source);

    /// <summary>What the caller of a failed call is told.</summary>
    public Exception Explain(Exception fault, string target, CancellationToken ct)
    {
        if (fault is GrpcException || !_source.IsCancellationRequested) return Statuses.FromFault(fault, target);
        if (ct.IsCancellationRequested) return new OperationCanceledException(fault.Message, fault, ct);
        if (_callerToken.IsCancellationRequested) return new OperationCanceledException(fault.Message, fault, _callerToken);
        return _timed && !_abandoned
            ? new GrpcException(GrpcStatus.DeadlineExceeded, "context deadline exceeded", fault)
            : new GrpcException(GrpcStatus.Canceled, "the call was closed", fault);
    }

    public void Dispose()
    {
        _caller.Dispose();
        _source.Dispose();
    }
}
