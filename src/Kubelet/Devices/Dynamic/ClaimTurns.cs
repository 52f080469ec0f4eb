namespace Hanbae.Kubelet.Devices.Dynamic;

/// <summary>Lets one Pod at a time work on a claim: a shared one must not be taken back while another Pod has it made ready.</summary>
/// <remarks>Bound: an entry per claim that somebody works on or waits for.</remarks>
sealed class ClaimTurns
{
    readonly Lock _gate = new();
    readonly Dictionary<string, (SemaphoreSlim Turn, int Users)> _turns = [];

    /// <summary>Waits for all of them, in one order for everybody, so that nobody waits in a circle.</summary>
    public async Task<IDisposable> TakeAsync(IEnumerable<string> claims, CancellationToken ct)
    {
        var taken = new Taken(this);
        try
        {
            foreach (string claim in claims.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                SemaphoreSlim turn;
                lock (_gate)
                {
                    var (known, users) = _turns.GetValueOrDefault(claim, (new(1, 1), 0));
                    _turns[claim] = (turn = known, users + 1);
                }
                try { await turn.WaitAsync(ct).ConfigureAwait(false); }
                catch
                {
                    Leave(claim, held: false);
                    throw;
                }
                taken.Claims.Add(claim);
            }
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    void Leave(string claim, bool held)
    {
        lock (_gate)
        {
            var (turn, users) = _turns[claim];
            if (held) turn.Release();
            if (users == 1) _turns.Remove(claim);
            else _turns[claim] = (turn, users - 1);
        }
    }

    sealed class Taken(ClaimTurns turns) : IDisposable
    {
        public List<string> Claims { get; } = [];

        public void Dispose()
        {
            foreach (string claim in Claims) turns.Leave(claim, held: true);
            Claims.Clear();
        }
    }
}
