namespace Hanbae.Store.Sqlite;

/// <summary>Where writes wait for the writer. What came together is taken together: that makes the group of a group commit.</summary>
/// <remarks>Bounded: beyond <paramref name="bound"/> writes or 256 MiB of values waiting, the next one is refused, as etcd does.</remarks>
sealed class WriteQueue(int bound)
{
    const long MaxBytes = 256 << 20;

    readonly object _gate = new();
    List<Write> _waiting = [];
    long _bytes;
    bool _woken;
    Exception? _closed;

    public void Add(Write write)
    {
        lock (_gate)
        {
            if (_closed is not null) throw _closed;
            if (_waiting.Count >= bound || _bytes + write.Value.Length > MaxBytes)
                throw new UnavailableException(Unavailable.Overloaded, $"{_waiting.Count} writes wait for the disk already; try again");
            _waiting.Add(write);
            _bytes += write.Value.Length;
            if (_waiting.Count == 1) Monitor.Pulse(_gate);
        }
    }

    /// <summary>Lets the writer look for other work.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (_closed is not null) throw _closed;
            _woken = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>No more writes; those waiting are still taken.</summary>
    public void Close(Exception why)
    {
        lock (_gate)
        {
            _closed ??= why;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Swaps all waiting writes for the empty <paramref name="taken"/>; false when closed and empty.</summary>
    /// <param name="wait">Whether to wait for a write or a wake-up.</param>
    public bool Take(ref List<Write> taken, bool wait)
    {
        lock (_gate)
        {
            while (wait && _waiting.Count == 0 && !_woken && _closed is null) Monitor.Wait(_gate);
            (_waiting, taken) = (taken, _waiting);
            _bytes = 0;
            _woken = false;
            return taken.Count > 0 || _closed is null;
        }
    }
}
