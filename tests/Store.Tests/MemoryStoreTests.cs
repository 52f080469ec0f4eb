using Hanbae.Store.Memory;
using Hanbae.Store.Spec;

namespace Hanbae.Store.Tests;

public sealed class MemoryStoreTests : StoreSpec
{
    protected override Task<IStore> OpenAsync(int watchBuffer) => Task.FromResult<IStore>(new MemoryStore(new MemoryOptions { WatchBuffer = watchBuffer }));
}

public sealed class MemoryHistoryTests
{
    [Fact]
    public async Task A_new_store_is_at_revision_1()
    {
        await using var store = new MemoryStore();
        Assert.Equal(Revision.First, await store.CurrentAsync(default));
    }

    [Fact]
    public async Task The_past_is_bounded_without_anyone_compacting()
    {
        await using var store = new MemoryStore(new MemoryOptions { History = 100 });
        var key = new Key("/registry/pods/default/a");
        var at = Revision.None;
        for (int i = 0; i < 1000; i++) at = (await store.PutIfAsync(key, new byte[] { 1 }, at, default)).Entry!.ModRevision;

        Assert.Single((await store.ListAsync(KeyRange.All, new Revision(901), 0, default)).Entries);
        var thrown = await Assert.ThrowsAsync<CompactedException>(async () => await store.ListAsync(KeyRange.All, new Revision(900), 0, default));
        Assert.Equal((901, 1001), (thrown.Oldest.Value, thrown.Current.Value));
    }
}
