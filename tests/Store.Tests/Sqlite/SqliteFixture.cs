using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Tests.Sqlite;

/// <summary>A folder for an embedded store, and the few calls that tests of its files make.</summary>
public abstract class SqliteFixture : IDisposable
{
    protected TemporaryFolder Folder { get; } = new();
    protected string DataFolder => Folder["data"];
    protected string Database => Path.Combine(DataFolder, "store.db");

    protected SqliteStore Open(Func<SqliteOptions, SqliteOptions>? with = null)
    {
        var options = new SqliteOptions { Folder = DataFolder };
        return SqliteStore.Open(with?.Invoke(options) ?? options);
    }

    protected static Key Pod(int number) => new($"/registry/pods/default/{number:d6}");

    protected static byte[] Value(int seed, int bytes = 3_000)
    {
        byte[] value = new byte[bytes];
        new Random(seed).NextBytes(value);
        return value;
    }

    /// <summary>Creates Pods of these numbers.</summary>
    protected static async Task FillAsync(IStore store, int from, int count)
    {
        var puts = await Task.WhenAll(Enumerable.Range(from, count).Select(i => store.PutIfAsync(Pod(i), Value(i), Revision.None, default).AsTask()));
        Assert.All(puts, p => Assert.True(p.Succeeded));
    }

    protected static async Task CheckFilledAsync(IStore store, int from, int count)
    {
        var page = await store.ListAsync(KeyRange.All, null, 0, default);
        Assert.Equal(Enumerable.Range(from, count).Select(Pod), page.Entries.Select(e => e.Key));
        for (int i = 0; i < count; i++) Assert.True(page.Entries[i].Value.Span.SequenceEqual(Value(from + i)));
    }

    protected long BytesOnDisk() => Directory.GetFiles(DataFolder).Sum(f => new FileInfo(f).Length);

    public virtual void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
