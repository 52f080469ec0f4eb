namespace Hanbae.Kubelet.Volumes;

/// <summary>One at a time for each name. Bound: names that somebody has or waits for at this moment.</summary>
sealed class Turns
{
    readonly Dictionary<string, (SemaphoreSlim Gate, int Users)> _gates = [];

    /// <summary>How many names are remembered.</summary>
    public int Count { get { lock (_gates) return _gates.Count; } }

    public async Task<T> AloneAsync<T>(string name, Func<Task<T>> work, CancellationToken ct)
    {
        var gate = Enter(name);
        try
        {
            await gate.WaitAsync(ct).ConfigureAwait(false);
            try { return await work().ConfigureAwait(false); }
            finally { gate.Release(); }
        }
        finally { Leave(name); }
    }

    public Task AloneAsync(string name, Func<Task> work, CancellationToken ct) => AloneAsync(name, async () =>
    {
        await work().ConfigureAwait(false);
        return true;
    }, ct);

    SemaphoreSlim Enter(string name)
    {
        lock (_gates)
        {
            var (gate, users) = _gates.TryGetValue(name, out var entry) ? entry : (new SemaphoreSlim(1), 0);
            _gates[name] = (gate, users + 1);
            return gate;
        }
    }

    void Leave(string name)
    {
        lock (_gates)
        {
            var (gate, users) = _gates[name];
            if (users == 1) _gates.Remove(name); else _gates[name] = (gate, users - 1);
        }
    }
}
