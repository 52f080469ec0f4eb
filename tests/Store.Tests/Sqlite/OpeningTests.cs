using Hanbae.Store.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Store.Tests.Sqlite;

public sealed class OpeningTests : SqliteFixture
{
    [Fact]
    public async Task A_new_store_is_at_revision_1()
    {
        await using var store = Open();
        Assert.Equal(Revision.First, await store.CurrentAsync(default));
    }

    [Fact]
    public async Task A_reopened_store_goes_on_where_it_was()
    {
        await using (var store = Open())
        {
            await FillAsync(store, 0, 50);
            await store.DeleteIfAsync(Pod(49), (await store.GetAsync(Pod(49), default))!.ModRevision, default);
            // The newest revision is a delete, which compaction takes away: the store must remember it nevertheless.
            await store.CompactAsync(new(52), default);
        }
        await using var again = Open();

        Assert.Equal(52, (await again.CurrentAsync(default)).Value);
        await CheckFilledAsync(again, 0, 49);
        Assert.Equal(53, (await again.PutIfAsync(Pod(49), Value(49), Revision.None, default)).Entry!.ModRevision.Value);
        await Assert.ThrowsAsync<CompactedException>(async () => await again.ListAsync(KeyRange.All, new(51), 0, default));
    }

    [Fact]
    public async Task A_folder_is_open_once_at_a_time()
    {
        await using (var store = Open())
        {
            var thrown = Assert.Throws<UnavailableException>(() => Open());
            Assert.Equal(Unavailable.InUse, thrown.Reason);
            Assert.Contains(DataFolder, thrown.Message, StringComparison.Ordinal);
            Assert.Contains("in use by another process", thrown.Message, StringComparison.Ordinal);
        }
        await using var again = Open();
    }

    [Fact]
    public async Task Writes_that_wait_when_the_store_is_closed_are_made()
    {
        var store = Open();
        var writes = Enumerable.Range(0, 200).Select(i => store.PutIfAsync(Pod(i), Value(i), Revision.None, default).AsTask()).ToArray();
        await store.DisposeAsync();

        Assert.All(await Task.WhenAll(writes), w => Assert.True(w.Succeeded));
        await using var again = Open();
        await CheckFilledAsync(again, 0, 200);
    }

    [Fact]
    public async Task More_waiting_writes_than_allowed_are_refused_and_the_others_made()
    {
        await using var store = Open(o => o with { MaxWaitingWrites = 10 });
        int made = 0, refused = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(way => Task.Run(async () =>
        {
            var waiting = new List<Task>();
            for (int i = 0; i < 500; i++)
            {
                try
                {
                    waiting.Add(store.PutIfAsync(Pod(way * 1000 + i), Value(i), Revision.None, default).AsTask());
                    Interlocked.Increment(ref made);
                }
                catch (UnavailableException e) when (e.Reason == Unavailable.Overloaded)
                {
                    Interlocked.Increment(ref refused);
                }
            }
            await Task.WhenAll(waiting);
        })));

        Assert.True(refused > 0);
        Assert.Equal(made, (await store.ListAsync(KeyRange.All, null, 0, default)).Entries.Count);
    }

    [Theory]
    [InlineData("garbage from the first byte on")]
    [InlineData("cut to half")]
    [InlineData("cut inside the first page")]
    [InlineData("zeros in the middle")]
    [InlineData("noise in the middle")]
    [InlineData("gone, but its log is there")]
    public async Task A_damaged_file_is_named_with_the_way_out(string damage)
    {
        await using (var store = Open()) await FillAsync(store, 0, 300);
        Damage(damage);

        var thrown = Assert.Throws<UnavailableException>(() => Open());

        Assert.Equal(Unavailable.Damaged, thrown.Reason);
        Assert.Contains(Database, thrown.Message, StringComparison.Ordinal);
        Assert.Contains("restore it from a backup, or move it", thrown.Message, StringComparison.Ordinal);

        // The way out works.
        foreach (string file in Directory.GetFiles(DataFolder, "store.db*")) File.Move(file, file + ".bad");
        await using var empty = Open();
        Assert.Equal(Revision.First, await empty.CurrentAsync(default));
    }

    [Fact]
    public async Task Damage_that_opening_does_not_look_for_is_found_where_it_is_read()
    {
        await using (var store = Open()) await FillAsync(store, 0, 300);
        Damage("noise in the middle");
        await using var again = Open(o => o with { MaxBytesToVerify = 0 });

        var thrown = await Assert.ThrowsAsync<UnavailableException>(async () => await again.ListAsync(KeyRange.All, null, 0, default));

        Assert.Equal(Unavailable.Damaged, thrown.Reason);
        Assert.Contains(Database, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_half_made_file_is_made_again()
    {
        Directory.CreateDirectory(DataFolder);
        await File.WriteAllBytesAsync(Database, []);
        await using var store = Open();
        await FillAsync(store, 0, 3);
    }

    void Damage(string how)
    {
        byte[] bytes = File.ReadAllBytes(Database);
        Assert.True(bytes.Length > 500_000);
        if (how.StartsWith("gone", StringComparison.Ordinal))
        {
            File.Move(Database, Database + "-wal");
            return;
        }
        using SafeFileHandle file = File.OpenHandle(Database, FileMode.Open, FileAccess.ReadWrite);
        switch (how)
        {
            case "garbage from the first byte on":
                RandomAccess.Write(file, Value(1, bytes.Length), 0);
                break;
            case "cut to half":
                RandomAccess.SetLength(file, bytes.Length / 2);
                break;
            case "cut inside the first page":
                RandomAccess.SetLength(file, 1000);
                break;
            case "zeros in the middle":
                RandomAccess.Write(file, new byte[100_000], bytes.Length / 2);
                break;
            case "noise in the middle":
                RandomAccess.Write(file, Value(2, 100_000), bytes.Length / 2);
                break;
            default:
                throw new ArgumentException(how);
        }
    }
}
