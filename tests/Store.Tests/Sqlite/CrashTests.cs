using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Tests.Sqlite;

/// <summary>Kills a writing process again and again, at any moment, and looks whether all that it had said was written is there.</summary>
/// <remarks>SIGKILL takes the process, not the page cache: what a power loss adds is SQLite's synchronous=FULL, which no test here can unplug.</remarks>
public sealed class CrashTests : IDisposable
{
    /// <summary>More of them for a long look: <c>HANBAE_CRASH_KILLS=500 dotnet test tests/Store.Tests --filter CrashTests</c>.</summary>
    static readonly int s_kills = int.TryParse(Environment.GetEnvironmentVariable("HANBAE_CRASH_KILLS"), CultureInfo.InvariantCulture, out int kills) ? kills : 25;

    readonly TemporaryFolder _folder = new();

    readonly record struct Acked(Revision Revision, string Key, string Value);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_acknowledged_write_survives_a_kill_and_revisions_stay_contiguous()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        var acked = new Dictionary<string, Acked>(StringComparer.Ordinal);
        var seen = Revision.First;
        for (int kill = 0; kill < s_kills; kill++)
        {
            var fresh = await WriteUntilKilledAsync(random.Next(), acks: random.Next(1, 600));
            foreach (var ack in fresh.OrderBy(a => a.Revision.Value)) acked[ack.Key] = ack;
            try
            {
                seen = await CheckAsync(seen, fresh, acked);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, kill {kill}: {e}");
            }
        }
        Assert.True(seen.Value > s_kills);
    }

    [Fact]
    public async Task A_second_process_is_told_that_the_folder_is_in_use()
    {
        await using var store = SqliteStore.Open(new SqliteOptions { Folder = _folder.Path });
        using var second = StartWriter(seed: 1);
        string said = await second.StandardError.ReadToEndAsync();
        await second.WaitForExitAsync();

        Assert.NotEqual(0, second.ExitCode);
        Assert.Contains($"{_folder.Path} is in use by another process", said, StringComparison.Ordinal);
    }

    Process StartWriter(int seed)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        string program = Path.Combine(AppContext.BaseDirectory, "Hanbae.Store.Crash.dll");
        return Process.Start(new ProcessStartInfo(host, [program, _folder.Path, seed.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    async Task<List<Acked>> WriteUntilKilledAsync(int seed, int acks)
    {
        using var writer = StartWriter(seed);
        var complaints = writer.StandardError.ReadToEndAsync();
        string said = "";
        try
        {
            var output = writer.StandardOutput.BaseStream;
            var text = new StringBuilder();
            byte[] buffer = new byte[4096];
            int lines = 0, read;
            while (lines < acks && (read = await output.ReadAsync(buffer)) > 0)
            {
                lines += buffer.AsSpan(0, read).Count((byte)'\n');
                text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
            writer.Kill();
            while ((read = await output.ReadAsync(buffer)) > 0) text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            said = text.ToString();
        }
        finally
        {
            writer.Kill();
            await writer.WaitForExitAsync();
        }
        Assert.True(said.Count(c => c == '\n') >= acks, "the writer ended by itself: " + await complaints);
        // A last line without its end was cut by the kill.
        return [.. said[..(said.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
            .Select(words => new Acked(new(long.Parse(words[0], CultureInfo.InvariantCulture)), words[1], words[2]))];
    }

    /// <returns>The newest revision.</returns>
    async Task<Revision> CheckAsync(Revision seen, List<Acked> fresh, Dictionary<string, Acked> acked)
    {
        await using var store = SqliteStore.Open(new SqliteOptions { Folder = _folder.Path, History = 2_000 });
        var current = await store.CurrentAsync(default);
        Assert.True(fresh.TrueForAll(a => a.Revision <= current), $"acknowledged {fresh.Max(a => a.Revision.Value)} but the store is at {current}");

        var changes = await ChangesAsync(store, seen);
        Assert.Equal(Enumerable.Range(0, changes.Count).Select(i => current.Value - changes.Count + 1 + i), changes.Select(c => c.Revision.Value));
        var byRevision = changes.ToDictionary(c => c.Revision);
        foreach (var ack in fresh.Where(a => a.Revision.Value > current.Value - changes.Count))
            Assert.Equal((ack.Key, ack.Value), (byRevision[ack.Revision].Key.Path, Said(byRevision[ack.Revision])));

        var entries = (await store.ListAsync(KeyRange.All, null, 0, default)).Entries.ToDictionary(e => e.Key.Path);
        foreach (var ack in acked.Values)
        {
            // A write that was not acknowledged may have come after; then the log has it.
            bool newer = changes.Any(c => c.Key.Path == ack.Key && c.Revision > ack.Revision);
            if (entries.TryGetValue(ack.Key, out var entry)) Assert.True(newer || (entry.ModRevision == ack.Revision && Text(entry.Value) == ack.Value), $"{ack} became {entry.ModRevision}");
            else Assert.True(newer || ack.Value == "-", $"{ack} is gone");
        }
        foreach (var change in changes.GroupBy(c => c.Key).Select(g => g.Last()))
            Assert.Equal(change.Kind == ChangeKind.Put ? change.Revision : null, entries.GetValueOrDefault(change.Key.Path)?.ModRevision);
        // What was written but not acknowledged is there now, and must stay.
        foreach (var change in changes) acked[change.Key.Path] = new(change.Revision, change.Key.Path, Said(change));
        return current;
    }

    /// <summary>All changes since, or since the oldest that is kept.</summary>
    static async Task<List<Change>> ChangesAsync(SqliteStore store, Revision after)
    {
        var changes = new List<Change>();
        try
        {
            await foreach (var change in store.WatchAsync(KeyRange.All, after, default))
            {
                if (change.Kind == ChangeKind.Progress) break;
                changes.Add(change);
            }
            return changes;
        }
        catch (CompactedException e) when (e.Oldest > after)
        {
            return await ChangesAsync(store, e.Oldest);
        }
    }

    static string Said(Change change) => change.Kind == ChangeKind.Delete ? "-" : Text(change.Value);
    static string Text(ReadOnlyMemory<byte> value) => Encoding.UTF8.GetString(value.Span).TrimEnd();
}
