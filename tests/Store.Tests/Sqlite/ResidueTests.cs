using System.Text;
using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Tests.Sqlite;

/// <summary>What was forgotten is nowhere on the disk: a Secret from before encryption was turned on would else stay in free pages for good.</summary>
public sealed class ResidueTests : SqliteFixture
{
    static readonly byte[] s_mark = Encoding.ASCII.GetBytes("s3cr3t-in-plain");

    static Key Secret(int number) => new($"/registry/secrets/default/{number:d6}");

    /// <summary>Of a few bytes, of a page, and of many.</summary>
    static byte[] Plain(int number) => [.. Value(number, 10), .. s_mark, .. Value(number, (number % 7) switch { 0 => 20, 1 => 300, 2 => 2_000, 3 => 3_900, 4 => 4_200, 5 => 9_000, _ => 40_000 }), .. s_mark];

    /// <summary>How often it stands in the files of the store, as anybody finds it who gets hold of them.</summary>
    /// <remarks>Copied by another process: SQLite's locks end when this one closes a file of its own accord.</remarks>
    int Found()
    {
        string copy = Folder["copy"];
        using (var copying = System.Diagnostics.Process.Start("cp", ["-rT", DataFolder, copy])) copying.WaitForExit();
        int found = 0;
        foreach (string file in Directory.GetFiles(copy, "store.db*"))
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (var rest = bytes.AsSpan(); rest.IndexOf(s_mark) is >= 0 and var at; rest = rest[(at + s_mark.Length)..]) found++;
        }
        Directory.Delete(copy, recursive: true);
        return found;
    }

    static async Task<Entry> PutAsync(IStore store, int number, byte[] value)
    {
        var there = await store.GetAsync(Secret(number), default);
        var put = await store.PutIfAsync(Secret(number), value, there?.ModRevision ?? Revision.None, default);
        Assert.True(put.Succeeded);
        return put.Entry!;
    }

    [Fact]
    public async Task What_was_overwritten_or_deleted_is_gone_with_the_compaction()
    {
        const int Count = 70;
        await using var store = Open();
        for (int round = 0; round < 3; round++)
            for (int i = 0; i < Count; i++) await PutAsync(store, i, Plain(i + round));
        Assert.NotEqual(0, Found());
        // Encrypted now; some are not there any more.
        for (int i = 0; i < Count; i++)
        {
            var newest = await PutAsync(store, i, Value(i, 500));
            if (i % 5 == 0) Assert.True((await store.DeleteIfAsync(Secret(i), newest.ModRevision, default)).Succeeded);
        }
        await store.CompactAsync(await store.CurrentAsync(default), default);
        Assert.Equal(0, Found());
        Assert.Equal(Count - Count / 5, (await store.ListAsync(KeyRange.All, null, 0, default)).Entries.Count);
    }

    [Fact]
    public async Task A_reader_that_holds_the_log_delays_it_and_no_write()
    {
        await using var store = Open();
        for (int i = 0; i < 10; i++) await PutAsync(store, i, Plain(i));
        using (var reader = Connection.Open(Database))
        {
            reader.Execute("BEGIN");
            Assert.Equal(10, reader.Number("SELECT count(*) FROM log"));
            for (int i = 0; i < 10; i++) await PutAsync(store, i, Value(i, 500));
            await store.CompactAsync(await store.CurrentAsync(default), default);
            Assert.NotEqual(0, Found());
            reader.Execute("COMMIT");
        }
        // With the next writes, since nobody tells when a reader is done.
        for (int i = 0; i < 1_000 && Found() > 0; i++) await PutAsync(store, 20, Value(i, 50));
        Assert.Equal(0, Found());
    }
}
