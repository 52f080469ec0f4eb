using System.Text;

namespace Hanbae.Store.Spec;

/// <summary>What every store keeps to. Subclass it with a way to open an empty store; add no rules there.</summary>
/// <remarks>Rules count from <see cref="Start"/>, never from 1: a store that serves several tests at once passes too.</remarks>
public abstract partial class StoreSpec : IAsyncLifetime
{
    /// <summary>Only so that a broken store fails a test instead of hanging it.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    readonly CancellationTokenSource _patience = new(s_patience);
    IStore? _store;

    /// <param name="watchBuffer">Ends a watcher that has more changes than this waiting.</param>
    protected abstract Task<IStore> OpenAsync(int watchBuffer);

    /// <summary>Where the store was before the test.</summary>
    protected Revision Start { get; private set; }
    protected IStore Store => _store!;
    protected CancellationToken Ct => _patience.Token;

    public virtual async Task InitializeAsync() => await UseAsync(watchBuffer: 10_000);

    public virtual async Task DisposeAsync()
    {
        if (_store is not null) await _store.DisposeAsync();
        _patience.Dispose();
    }

    protected async Task UseAsync(int watchBuffer)
    {
        if (_store is not null) await _store.DisposeAsync();
        _store = await OpenAsync(watchBuffer);
        Start = await _store.CurrentAsync(Ct);
    }

    protected static Key Pod(string name) => new("/registry/pods/default/" + name);
    protected static KeyRange Pods => KeyRange.Prefix("/registry/pods/");
    protected static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);
    protected static string Text(ReadOnlyMemory<byte> value) => Encoding.UTF8.GetString(value.Span);
    protected Revision After(int writes) => new(Start.Value + writes);

    /// <summary>Puts whatever is there now.</summary>
    protected async Task<Entry> PutAsync(Key key, string value)
    {
        while (true)
        {
            var now = await Store.GetAsync(key, Ct);
            var put = await Store.PutIfAsync(key, Bytes(value), now?.ModRevision ?? Revision.None, Ct);
            if (put.Succeeded) return put.Entry!;
        }
    }

    protected async Task<Revision> DeleteAsync(Key key)
    {
        var delete = await Store.DeleteIfAsync(key, (await Store.GetAsync(key, Ct))!.ModRevision, Ct);
        Assert.True(delete.Succeeded);
        return delete.Revision;
    }

    /// <summary>One page as <c>key-end=value</c> words.</summary>
    protected static string Words(IEnumerable<Entry> entries) => string.Join(' ', entries.Select(e => $"{e.Key.Path[(e.Key.Path.LastIndexOf('/') + 1)..]}={Text(e.Value)}"));

    protected async Task<string> ListAsync(KeyRange range, Revision? at = null) => Words((await Store.ListAsync(range, at, 0, Ct)).Entries);

    protected Watching Watch(KeyRange range, Revision after) => new(Store.WatchAsync(range, after, Ct), Ct);
}
