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

    /// <summary>Not every revision is kept as a tree: each one that is kept is made again as it was.</summary>
    [Theory]
    [InlineData(10_000)]
    [InlineData(300)]
    [InlineData(10)]
    public async Task Every_kept_revision_reads_as_it_was(int bound)
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var store = new MemoryStore(new MemoryOptions { History = bound });
        SortedDictionary<string, (byte Value, Revision At)> model = new(StringComparer.Ordinal);
        List<string> states = ["", ""];
        for (int i = 0; i < 700; i++)
        {
            string path = "/registry/pods/default/" + random.Next(30);
            var known = model.GetValueOrDefault(path);
            if (known.At != Revision.None && random.Next(3) == 0)
            {
                Assert.True((await store.DeleteIfAsync(new(path), known.At, default)).Succeeded);
                model.Remove(path);
            }
            else model[path] = ((byte)i, (await store.PutIfAsync(new(path), new[] { (byte)i }, known.At, default)).Entry!.ModRevision);
            states.Add(string.Join(' ', model.Select(m => $"{m.Key}={m.Value.Value}@{m.Value.At}")));
            if (i == 500) await store.CompactAsync(new(150), default);
        }
        int oldest = Math.Max(150, states.Count - 1 - bound);
        for (int revision = 1; revision < states.Count; revision++)
        {
            var read = async () => string.Join(' ', (await store.ListAsync(KeyRange.All, new Revision(revision), 0, default)).Entries.Select(e => $"{e.Key}={e.Value.Span[0]}@{e.ModRevision}"));
            if (revision < oldest) await Assert.ThrowsAsync<CompactedException>(read);
            else Assert.True(states[revision] == await read(), $"seed {seed}, revision {revision}");
        }
    }
}
