using System.Diagnostics;
using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Tests.Sqlite;

public sealed class SizeTests : SqliteFixture
{
    [Fact]
    public async Task Churn_does_not_grow_the_files()
    {
        // About 0.6 MB live and, with 500 revisions of 3 KB kept, 2 MB of past; 80 MB are written.
        await using var store = Open(o => o with { History = 500, CheckpointPages = 500 });
        await FillAsync(store, 0, 200);
        for (int round = 0; round < 100; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(i => ReplaceAsync(store, Pod(i), round * 1000 + i)));
            // The log may be four times 500 pages of 4 KiB and a group longer; the file has what is live, what is kept, and room to work in.
            Assert.InRange(BytesOnDisk(), 1, 24 << 20);
            Assert.InRange(new FileInfo(Database).Length, 1, 8 << 20);
        }

        Assert.Equal(200, (await store.ListAsync(KeyRange.All, null, 0, default)).Entries.Count);
    }

    [Fact]
    public async Task Compaction_after_deletes_gives_the_room_back_to_the_disk()
    {
        await using (var store = Open())
        {
            await FillAsync(store, 0, 5_000);
            var deletes = await Task.WhenAll((await store.ListAsync(KeyRange.All, null, 0, default)).Entries.Skip(100).Select(e => store.DeleteIfAsync(e.Key, e.ModRevision, default).AsTask()));
            Assert.All(deletes, d => Assert.True(d.Succeeded));
            Assert.True(new FileInfo(Database).Length > 15_000_000);
            await store.CompactAsync(await store.CurrentAsync(default), default);
        }

        Assert.InRange(new FileInfo(Database).Length, 1, 10_000_000);
        await using var again = Open();
        await CheckFilledAsync(again, 0, 100);
    }

    [Fact]
    public async Task Nothing_is_left_of_what_was_deleted_and_compacted()
    {
        await using (var store = Open())
        {
            await FillAsync(store, 0, 700);
            foreach (var entry in (await store.ListAsync(KeyRange.All, null, 0, default)).Entries) await store.DeleteIfAsync(entry.Key, entry.ModRevision, default);
            await FillAsync(store, 0, 3);
            await store.CompactAsync(new(1401), default);
        }
        using var connection = Connection.Open(Database);
        Assert.Equal((3, 3), (connection.Number("SELECT count(*) FROM keys"), connection.Number("SELECT count(*) FROM log")));
    }

    [Fact]
    public async Task A_full_file_fails_writes_that_do_not_fit_and_loses_nothing()
    {
        await using (var store = Open(o => o with { MaxPages = 400 }))
        {
            await FillAsync(store, 0, 100);
            await FillUpAsync(store);
            // What is read is still there, and a write that fits is made.
            await CheckFilledAsync(store, 0, 100);
        }
        await using var roomier = Open();
        await CheckFilledAsync(roomier, 0, 100);
        await FillAsync(roomier, 100, 1000);
        await CheckFilledAsync(roomier, 0, 1100);
    }

    /// <summary>A real full disk: a small tmpfs of our own, which takes root to mount.</summary>
    [RootFact]
    public async Task A_full_disk_fails_writes_until_there_is_room_and_loses_nothing()
    {
        Directory.CreateDirectory(DataFolder);
        Run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", DataFolder);
        try
        {
            string ballast = Path.Combine(DataFolder, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[2 << 20]);
            await using (var store = Open())
            {
                await FillAsync(store, 0, 100);
                await FillUpAsync(store);
                await CheckFilledAsync(store, 0, 100);

                File.Delete(ballast);
                await FillAsync(store, 100, 100);
                await CheckFilledAsync(store, 0, 200);
                Assert.Equal(201, (await store.CurrentAsync(default)).Value);
            }
            await using var again = Open();
            await CheckFilledAsync(again, 0, 200);
        }
        finally
        {
            Run("umount", DataFolder);
        }
    }

    /// <summary>Writes a thing too large again and again, and takes it away when it fitted after all.</summary>
    static async Task FillUpAsync(SqliteStore store)
    {
        var before = await store.CurrentAsync(default);
        for (int i = 0; i < 5; i++)
        {
            var thrown = await Assert.ThrowsAsync<UnavailableException>(async () => await store.PutIfAsync(Pod(999_999), new byte[4 << 20], Revision.None, default));
            Assert.Equal(Unavailable.DiskFull, thrown.Reason);
            Assert.Contains("works again once there is room", thrown.Message, StringComparison.Ordinal);
        }
        Assert.Equal(before, await store.CurrentAsync(default));
        Assert.Null(await store.GetAsync(Pod(999_999), default));
    }

    static async Task ReplaceAsync(IStore store, Key key, int seed)
    {
        var now = (await store.GetAsync(key, default))!;
        if (seed % 3 != 0)
        {
            Assert.True((await store.PutIfAsync(key, Value(seed), now.ModRevision, default)).Succeeded);
            return;
        }
        Assert.True((await store.DeleteIfAsync(key, now.ModRevision, default)).Succeeded);
        Assert.True((await store.PutIfAsync(key, Value(seed), Revision.None, default)).Succeeded);
    }

    static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
