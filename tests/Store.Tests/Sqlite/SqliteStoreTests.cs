using Hanbae.Store.Spec;
using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Tests.Sqlite;

public sealed class SqliteStoreTests : StoreSpec
{
    readonly TemporaryFolder _folder = new();
    int _opened;

    protected override Task<IStore> OpenAsync(int watchBuffer) =>
        Task.FromResult<IStore>(SqliteStore.Open(new SqliteOptions { Folder = _folder[$"{_opened++}"], WatchBuffer = watchBuffer }));

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
