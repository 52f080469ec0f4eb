namespace Hanbae.Store.Spec;

/// <summary>A watch read step by step.</summary>
public sealed class Watching(IAsyncEnumerable<Change> watch, CancellationToken ct) : IAsyncDisposable
{
    readonly IAsyncEnumerator<Change> _changes = watch.GetAsyncEnumerator(ct);

    public async Task<Change> NextAsync()
    {
        Assert.True(await _changes.MoveNextAsync(), "the watch ended without saying why");
        return _changes.Current;
    }

    /// <summary>Takes changes up to and with the first progress.</summary>
    public async Task<List<Change>> UntilProgressAsync()
    {
        var taken = new List<Change>();
        do taken.Add(await NextAsync());
        while (taken[^1].Kind != ChangeKind.Progress);
        return taken;
    }

    /// <summary>Takes until it has seen all up to a revision; progress is left out.</summary>
    public async Task<List<Change>> UntilAsync(Revision revision)
    {
        var taken = new List<Change>();
        Change change;
        do
        {
            change = await NextAsync();
            if (change.Kind != ChangeKind.Progress) taken.Add(change);
        }
        while (change.Revision < revision);
        return taken;
    }

    public ValueTask DisposeAsync() => _changes.DisposeAsync();
}
