using System.Diagnostics;
using System.Runtime.InteropServices;
using Hanbae.Store;
using Hanbae.Store.Memory;
using Hanbae.Store.Sqlite;

namespace Hanbae.Bench.Store;

/// <summary>Durable writes beside what the disk can do: <c>dotnet run -c Release --project bench/store [-- folder]</c>.</summary>
static partial class Program
{
    /// <summary>About a Pod as stored: 3.6 KB.</summary>
    const int ValueBytes = 3_600;

    static async Task<int> Main(string[] args)
    {
        string folder = Path.Combine(args.Length > 0 ? args[0] : Path.GetTempPath(), $"hanbae-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            Console.WriteLine(Measure.Header);
            Console.WriteLine(await SyncRateAsync(folder));
            await using (var memory = new MemoryStore()) await WritesAsync("memory", memory);
            await using (var sqlite = SqliteStore.Open(new SqliteOptions { Folder = Path.Combine(folder, "writes") })) await WritesAsync("sqlite", sqlite);
            await using (var memory = new MemoryStore()) await WatchAsync("memory", memory);
            await using (var sqlite = SqliteStore.Open(new SqliteOptions { Folder = Path.Combine(folder, "watches") })) await WatchAsync("sqlite", sqlite);
            await LoadAsync(Path.Combine(folder, "verified"), 15_000);
            await LoadAsync(Path.Combine(folder, "load"), 100_000);
            Console.WriteLine(await SyncRateAsync(folder));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Overwrites 8 KiB and waits for the disk, again and again: the least a durable write on its own costs.</summary>
    static Task<Measure> SyncRateAsync(string folder) => Measure.OfAsync("disk: 8 KiB overwritten + fdatasync", 1500, each =>
    {
        using var file = File.OpenHandle(Path.Combine(folder, "sync"), FileMode.OpenOrCreate, FileAccess.ReadWrite);
        byte[] block = new byte[8192];
        for (int i = 0; i < 512; i++) RandomAccess.Write(file, block, i * 8192L);
        Sync((int)file.DangerousGetHandle());
        for (int i = 0; i < each!.Length; i++)
        {
            long begun = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, block, i % 512 * 8192L);
            if (Sync((int)file.DangerousGetHandle()) != 0) throw new IOException("fdatasync failed");
            each[i] = Stopwatch.GetElapsedTime(begun);
        }
        return Task.CompletedTask;
    });

    static async Task WritesAsync(string name, IStore store)
    {
        await CreateAsync(store, "warm", 64, 6_000, null);
        Console.WriteLine(await Measure.OfAsync($"{name}: create, one at a time", 3_000, each => CreateAsync(store, "one", 1, each!.Length, each)));
        Console.WriteLine(await Measure.OfAsync($"{name}: create, 16 at a time", 20_000, each => CreateAsync(store, "sixteen", 16, each!.Length, each)));
        Console.WriteLine(await Measure.OfAsync($"{name}: create, 64 at a time", 40_000, each => CreateAsync(store, "sixtyfour", 64, each!.Length, each)));
        Console.WriteLine(await Measure.OfAsync($"{name}: update, 64 at a time", 40_000, each => UpdateAsync(store, 64, each!)));
    }

    static Task CreateAsync(IStore store, string name, int ways, int count, TimeSpan[]? each) => Task.WhenAll(Enumerable.Range(0, ways).Select(way => Task.Run(async () =>
    {
        for (int i = way; i < count; i += ways)
        {
            var value = Value(i);
            long begun = Stopwatch.GetTimestamp();
            var put = await store.PutIfAsync(new Key($"/registry/pods/bench/{name}-{(uint)i * 2654435761u:x8}-{i:x}"), value, Revision.None, default);
            if (!put.Succeeded) throw new InvalidOperationException("a create was refused");
            if (each is not null) each[i] = Stopwatch.GetElapsedTime(begun);
        }
    })));

    static Task UpdateAsync(IStore store, int ways, TimeSpan[] each) => Task.WhenAll(Enumerable.Range(0, ways).Select(way => Task.Run(async () =>
    {
        var key = new Key($"/registry/pods/bench/updated-{way}");
        var at = Revision.None;
        for (int i = way; i < each.Length; i += ways)
        {
            var value = Value(i);
            long begun = Stopwatch.GetTimestamp();
            at = (await store.PutIfAsync(key, value, at, default)).Entry!.ModRevision;
            each[i] = Stopwatch.GetElapsedTime(begun);
        }
    })));

    /// <summary>What one event costs to one of many watchers of a range, the write taken in.</summary>
    static async Task WatchAsync(string name, IStore store)
    {
        const int watchers = 200, writes = 3_000;
        using var stop = new CancellationTokenSource();
        var ready = new CountdownEvent(watchers);
        var watching = Enumerable.Range(0, watchers).Select(_ => Task.Run(async () =>
        {
            await foreach (var change in store.WatchAsync(KeyRange.Prefix("/registry/pods/"), Revision.First, default))
            {
                if (change.Kind == ChangeKind.Progress) ready.Signal();
                if (change.Revision.Value == writes + 1) return;
            }
        })).ToArray();
        ready.Wait();
        Console.WriteLine(await Measure.OfAsync($"{name}: an event to one of {watchers} watchers", watchers * writes, async _ =>
        {
            await CreateAsync(store, "watched", 16, writes, null);
            await Task.WhenAll(watching);
        }, latencies: false));
    }

    static async Task LoadAsync(string folder, int entries)
    {
        var options = new SqliteOptions { Folder = folder };
        await using (var store = SqliteStore.Open(options)) await CreateAsync(store, "load", 256, entries, null);

        long begun = Stopwatch.GetTimestamp();
        await using var again = SqliteStore.Open(options);
        Console.WriteLine($"sqlite: open with {entries:n0} entries: {Stopwatch.GetElapsedTime(begun).TotalMilliseconds:n0} ms, {new FileInfo(Path.Combine(folder, "store.db")).Length >> 20} MiB");
        Console.WriteLine(await Measure.OfAsync("sqlite: read all at start, per entry", entries, async _ =>
        {
            int seen = 0;
            await foreach (var page in again.ReadAsync(KeyRange.All, null, default)) seen += page.Entries.Count;
            if (seen != entries) throw new InvalidOperationException($"read {seen}");
        }, latencies: false));
    }

    static byte[] Value(int seed)
    {
        byte[] value = new byte[ValueBytes];
        new Random(seed).NextBytes(value.AsSpan(0, 512));
        return value;
    }

    [LibraryImport("libc", EntryPoint = "fdatasync")]
    private static partial int Sync(int fd);
}
