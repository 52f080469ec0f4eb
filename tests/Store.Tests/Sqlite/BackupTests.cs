using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Tests.Sqlite;

public sealed class BackupTests : SqliteFixture
{
    [Fact]
    public async Task A_backup_made_while_others_write_is_the_store_at_one_revision()
    {
        await using var store = Open();
        await FillAsync(store, 0, 500);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (int i = 500; !stop.IsCancellationRequested; i++) Assert.True((await store.PutIfAsync(Pod(i), Value(i), Revision.None, default)).Succeeded);
        });
        await store.BackupAsync(Folder["backup"], default);
        await stop.CancelAsync();
        await writing;

        await Backup.RestoreAsync(Folder["backup"], Folder["other"], replace: false, bump: 0, default);
        await using var restored = SqliteStore.Open(new SqliteOptions { Folder = Folder["other"] });
        // Creates only: revision 501 + n has Pods 0 … 499 + n.
        int count = (int)(await restored.CurrentAsync(default)).Value - 1;
        Assert.True(count >= 500);
        await CheckFilledAsync(restored, 0, count);
        Assert.Empty(Directory.GetFiles(Folder.Path, "*.partial"));
    }

    [Fact]
    public async Task Restoring_brings_back_what_was_and_moves_what_is_aside()
    {
        await using (var store = Open())
        {
            await FillAsync(store, 0, 100);
            await store.BackupAsync(Folder["backup"], default);
            await FillAsync(store, 100, 100);
            var inUse = await Assert.ThrowsAsync<UnavailableException>(() => Backup.RestoreAsync(Folder["backup"], DataFolder, replace: true, bump: 0, default));
            Assert.Equal(Unavailable.InUse, inUse.Reason);
        }
        await Assert.ThrowsAsync<IOException>(() => Backup.RestoreAsync(Folder["backup"], DataFolder, replace: false, bump: 0, default));
        await Backup.RestoreAsync(Folder["backup"], DataFolder, replace: true, bump: 0, default);

        await using (var restored = Open()) await CheckFilledAsync(restored, 0, 100);
        Assert.True(File.Exists(Database + ".replaced"));
    }

    [Fact]
    public async Task Restoring_over_a_store_that_was_killed_takes_nothing_from_its_log()
    {
        await using (var store = Open())
        {
            await FillAsync(store, 0, 100);
            await store.BackupAsync(Folder["backup"], default);
            await FillAsync(store, 100, 100);
            // What a kill leaves: the file, and a log that nobody copied into it.
            Directory.CreateDirectory(Folder["killed"]);
            foreach (string file in new[] { Database, Database + "-wal" }) File.Copy(file, Path.Combine(Folder["killed"], Path.GetFileName(file)));
        }
        await Backup.RestoreAsync(Folder["backup"], Folder["killed"], replace: true, bump: 0, default);

        await using var restored = SqliteStore.Open(new SqliteOptions { Folder = Folder["killed"] });
        await CheckFilledAsync(restored, 0, 100);
    }

    [Fact]
    public async Task A_restored_store_is_ahead_of_all_that_was_seen_and_tells_watchers_to_list_again()
    {
        await using (var store = Open())
        {
            await FillAsync(store, 0, 10);
            await store.BackupAsync(Folder["backup"], default);
        }
        await Backup.RestoreAsync(Folder["backup"], DataFolder, replace: true, Backup.DefaultBump, default);
        await using var restored = Open();

        Assert.Equal(11 + Backup.DefaultBump, (await restored.CurrentAsync(default)).Value);
        await Assert.ThrowsAsync<CompactedException>(async () => await restored.WatchAsync(KeyRange.All, new(11), default).GetAsyncEnumerator().MoveNextAsync());
        await CheckFilledAsync(restored, 0, 10);
        var first = (await restored.GetAsync(Pod(0), default))!;
        var put = await restored.PutIfAsync(Pod(0), Value(0), first.ModRevision, default);
        Assert.Equal(12 + Backup.DefaultBump, put.Entry!.ModRevision.Value);
    }

    [Fact]
    public async Task What_is_no_backup_is_not_restored()
    {
        await File.WriteAllBytesAsync(Folder["not"], Value(1, 100_000));
        await using (var store = Open()) await FillAsync(store, 0, 10);

        var thrown = await Assert.ThrowsAsync<UnavailableException>(() => Backup.RestoreAsync(Folder["not"], DataFolder, replace: true, bump: 0, default));

        Assert.Equal(Unavailable.Damaged, thrown.Reason);
        await using var still = Open();
        await CheckFilledAsync(still, 0, 10);
    }

    [Fact]
    public async Task A_backup_overwrites_nothing()
    {
        await using var store = Open();
        await File.WriteAllTextAsync(Folder["backup"], "mine");
        await Assert.ThrowsAsync<IOException>(() => store.BackupAsync(Folder["backup"], default));
        Assert.Equal("mine", await File.ReadAllTextAsync(Folder["backup"]));
    }
}
