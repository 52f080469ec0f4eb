namespace Hanbae.Client;

/// <summary>How long an item that failed has to wait: longer with each failure in a row, and never more of all together than the bucket lets out.</summary>
/// <remarks>client-go's default for controllers: 5 ms doubling to 1,000 s for an item; 10 a second after a burst of 100 for all. Not thread-safe: guarded by the queue.</remarks>
sealed class RetryDelays<T>(TimeProvider time, RetryOptions options) where T : notnull
{
    readonly Dictionary<T, int> _failures = [];
    readonly TokenBucket _all = new(time, options.PerSecond, options.Burst);

    public TimeSpan Next(T item)
    {
        int failures = _failures.GetValueOrDefault(item);
        _failures[item] = failures + 1;
        double own = options.First.TotalSeconds * Math.Pow(2, Math.Min(failures, 62));
        var delay = own < options.Longest.TotalSeconds ? TimeSpan.FromSeconds(own) : options.Longest;
        var turn = _all.Reserve();
        return turn > delay ? turn : delay;
    }

    public int Count => _failures.Count;
    public int Failures(T item) => _failures.GetValueOrDefault(item);
    public void Forget(T item) => _failures.Remove(item);
}

/// <summary>The numbers of <see cref="RetryDelays{T}"/>.</summary>
public sealed record RetryOptions
{
    /// <summary>client-go's numbers.</summary>
    public static RetryOptions Default { get; } = new();
    /// <summary>How long an item waits that failed once; each failure in a row doubles it.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromMilliseconds(5);
    /// <summary>No item waits longer.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(1000);
    /// <summary>So many retries of all items together come back a second.</summary>
    public double PerSecond { get; init; } = 10;
    /// <summary>So many retries come back before that counts.</summary>
    public int Burst { get; init; } = 100;
}

/// <summary>Lets so much through at once, and then so much a second.</summary>
/// <remarks>Not thread-safe: guarded by its owner.</remarks>
sealed class TokenBucket(TimeProvider time, double perSecond, double burst)
{
    /// <summary>What is gone of the burst; more than all of it when the future is reserved.</summary>
    double _taken;
    long _at = time.GetTimestamp();

    /// <summary>Takes a token if there is one.</summary>
    public bool TryTake()
    {
        Refill();
        if (_taken > burst - 1) return false;
        _taken++;
        return true;
    }

    /// <summary>Takes a token, if need be from the future.</summary>
    /// <returns>How far in the future.</returns>
    public TimeSpan Reserve()
    {
        Refill();
        _taken++;
        return _taken <= burst ? TimeSpan.Zero : TimeSpan.FromSeconds((_taken - burst) / perSecond);
    }

    void Refill()
    {
        long now = time.GetTimestamp();
        _taken = Math.Max(0, _taken - time.GetElapsedTime(_at, now).TotalSeconds * perSecond);
        _at = now;
    }
}
