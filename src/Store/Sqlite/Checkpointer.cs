namespace Hanbae.Store.Sqlite;

/// <summary>Copies the write-ahead log into the file beside the writer, so that writes need not wait for it.</summary>
/// <remarks>
/// The log begins anew only when all of it is copied and no write came meanwhile. Under constant load that never happens by itself: each run
/// leaves what was written during it, less each time. When little is left, or the log is four times as long as it should be, the writer
/// copies the rest itself, which is quick then.
/// </remarks>
sealed class Checkpointer(string path, Connection writer, int pages) : IDisposable
{
    /// <summary>So few pages the writer copies itself.</summary>
    const int Little = 250;

    readonly Lazy<Connection> _beside = new(() => Open(path));
    Task<int>? _running;
    int _log, _since;

    /// <summary>On the writer's thread, after each group.</summary>
    /// <param name="written">Pages that the group wrote to the log.</param>
    public void Step(int written)
    {
        _log += written;
        _since += written;
        if (_running is { IsCompleted: true })
        {
            int left = TakeResult() + _since;
            if (left <= Little) Finish();
            else Begin();
        }
        if (_log >= pages * 4L) Finish();
        else if (_running is null && _since >= pages) Begin();
    }

    public void Dispose()
    {
        // How it ends does not matter any more: what it does not copy is in the log.
        if (_running is not null) Task.WaitAny(_running);
        if (_beside.IsValueCreated) _beside.Value.Dispose();
    }

    void Begin()
    {
        _since = 0;
        _running = Task.Run(() => _beside.Value.Checkpoint());
    }

    void Finish()
    {
        if (_running is not null) TakeResult();
        _since = 0;
        // A reader that is still in the log keeps it: then it grows until the reader is done, and each group tries again.
        if (writer.Checkpoint() == 0) _log = 0;
    }

    int TakeResult()
    {
        var running = _running!;
        _running = null;
        return running.GetAwaiter().GetResult();
    }

    static Connection Open(string path)
    {
        var connection = Connection.Open(path);
        Schema.Configure(connection, cacheKiB: 64);
        return connection;
    }
}
