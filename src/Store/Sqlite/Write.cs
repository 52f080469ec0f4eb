using System.Threading.Tasks.Sources;

namespace Hanbae.Store.Sqlite;

/// <summary>A put or delete on its way through the writer, and the task that its caller awaits.</summary>
sealed class Write(Key key, ReadOnlyMemory<byte> value, bool isDelete, Revision expected, CancellationToken ct) : IValueTaskSource<PutResult>, IValueTaskSource<DeleteResult>
{
    internal readonly record struct Outcome(bool Succeeded, Entry? Entry, Revision Revision);

    // Continuations run on the pool, unless who tells is on it already: the writer has the next group to commit.
    ManualResetValueTaskSourceCore<Outcome> _done = new() { RunContinuationsAsynchronously = true };

    public Key Key { get; } = key;
    public ReadOnlyMemory<byte> Value { get; } = value;
    public bool IsDelete { get; } = isDelete;
    public Revision Expected { get; } = expected;
    public CancellationToken Ct { get; } = ct;
    /// <summary>Decided by the writer, told when the group is on the disk.</summary>
    public Outcome Decided { get; set; }

    public ValueTask<PutResult> AsPut() => new(this, _done.Version);
    public ValueTask<DeleteResult> AsDelete() => new(this, _done.Version);

    /// <summary>Has the caller go on: on this thread, which therefore is not the writer's.</summary>
    public void Tell()
    {
        _done.RunContinuationsAsynchronously = false;
        if (Ct.IsCancellationRequested && Decided == default) _done.SetException(new OperationCanceledException(Ct));
        else _done.SetResult(Decided);
    }

    public void Fail(Exception why) => _done.SetException(why);

    PutResult IValueTaskSource<PutResult>.GetResult(short token) => _done.GetResult(token) is var o ? new(o.Succeeded, o.Entry) : default;
    DeleteResult IValueTaskSource<DeleteResult>.GetResult(short token) => _done.GetResult(token) is var o ? new(o.Succeeded, o.Entry, o.Revision) : default;
    ValueTaskSourceStatus IValueTaskSource<PutResult>.GetStatus(short token) => _done.GetStatus(token);
    ValueTaskSourceStatus IValueTaskSource<DeleteResult>.GetStatus(short token) => _done.GetStatus(token);
    void IValueTaskSource<PutResult>.OnCompleted(Action<object?> c, object? s, short t, ValueTaskSourceOnCompletedFlags f) => _done.OnCompleted(c, s, t, f);
    void IValueTaskSource<DeleteResult>.OnCompleted(Action<object?> c, object? s, short t, ValueTaskSourceOnCompletedFlags f) => _done.OnCompleted(c, s, t, f);
}
