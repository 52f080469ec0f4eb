using System.Text;
using Hanbae.Store;
using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Crash;

/// <summary>Writes to a store, says each acknowledged write on standard output, and does so until it is killed.</summary>
/// <remarks>Lines: <c>revision key value</c>, the value <c>-</c> for a delete. Values are as long as the revision makes them, so that pages split and overflow.</remarks>
static class Program
{
    const int Writers = 8, KeysPerWriter = 12;

    static async Task Main(string[] args)
    {
        await using var store = SqliteStore.Open(new SqliteOptions { Folder = args[0], History = 2_000, CheckpointPages = 100 });
        using var output = Console.OpenStandardOutput();
        var random = new Random(int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture));
        int[] seeds = [.. Enumerable.Range(0, Writers).Select(_ => random.Next())];
        await Task.WhenAll(seeds.Select((seed, w) => Task.Run(() => WriteAsync(store, output, w, new Random(seed)))));
    }

    static async Task WriteAsync(SqliteStore store, Stream output, int writer, Random random)
    {
        for (int i = 0; ; i++)
        {
            var key = new Key($"/registry/pods/w{writer}/{random.Next(KeysPerWriter)}");
            var now = await store.GetAsync(key, default);
            if (now is not null && random.Next(5) == 0)
            {
                var delete = await store.DeleteIfAsync(key, now.ModRevision, default);
                Say(output, $"{delete.Revision} {key} -\n");
            }
            else
            {
                string value = $"{writer}.{i}.{random.Next()}";
                byte[] bytes = Encoding.UTF8.GetBytes(value.PadRight(random.Next(20) == 0 ? 9_000 : random.Next(20, 3_000)));
                var put = await store.PutIfAsync(key, bytes, now?.ModRevision ?? Revision.None, default);
                Say(output, $"{put.Entry!.ModRevision} {key} {value}\n");
            }
        }
    }

    static void Say(Stream output, string line)
    {
        lock (output) output.Write(Encoding.UTF8.GetBytes(line));
    }
}
