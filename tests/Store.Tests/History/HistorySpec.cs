using Hanbae.Kit;
using Hanbae.Store.History;

namespace Hanbae.Store.Tests.History;

/// <summary>What every history keeps to.</summary>
public abstract class HistorySpec
{
    protected FakeTime Time { get; } = new();
    int _revision;

    protected abstract IHistory Open(HistoryLimits limits);

    protected Deed Deed(string key, string verb = "update", int replaced = 0, int bytes = 10) =>
        new(new("/registry/" + key), new(++_revision), Time.GetUtcNow(), "ann", verb, "kubectl", "", new(replaced), replaced == 0 ? null : new StoredVersion(new byte[bytes]));

    static async Task<IEnumerable<long>> RevisionsAsync(IHistory history, string key) =>
        (await history.OfAsync(new("/registry/" + key), default)).Select(d => d.Revision.Value);

    [Fact]
    public async Task Deeds_are_told_oldest_first_and_whole()
    {
        await using var history = Open(new());
        Deed[] deeds = [Deed("pods/a", "create"), Deed("pods/b", "create"), Deed("pods/a", replaced: 1) with { Subresource = "status", User = "ü" }, Deed("pods/a", "delete", replaced: 3, bytes: 20)];
        foreach (var deed in deeds) history.Note(deed);

        var told = await history.OfAsync(new("/registry/pods/a"), default);

        Assert.Equal([1, 3, 4], told.Select(d => d.Revision.Value));
        Assert.Equal(["create", "update", "delete"], told.Select(d => d.Verb));
        Assert.Equal(("ann", "kubectl", ""), (told[0].User, told[0].Manager, told[0].Subresource));
        Assert.Equal(("ü", "status", Time.GetUtcNow()), (told[1].User, told[1].Subresource, told[1].Time));
        Assert.Null(told[0].Before);
        Assert.Equal([(0, null), (1, 10), (3, 20)], told.Select(d => (d.Replaced.Value, d.Before?.Stored().Length)));
    }

    [Fact]
    public async Task What_was_never_written_has_no_history()
    {
        await using var history = Open(new());
        Assert.Empty(await history.OfAsync(new("/registry/pods/a"), default));
    }

    [Fact]
    public async Task An_object_keeps_its_newest_deeds()
    {
        await using var history = Open(new() { KeepEach = 3 });
        history.Note(Deed("pods/b"));
        for (int i = 0; i < 10; i++) history.Note(Deed("pods/a"));
        Assert.Equal([9, 10, 11], await RevisionsAsync(history, "pods/a"));
        Assert.Equal([1], await RevisionsAsync(history, "pods/b"));
    }

    [Fact]
    public async Task Writes_of_status_push_out_nothing_that_people_did()
    {
        await using var history = Open(new() { KeepEach = 3 });
        void Write(int times, string subresource = "")
        {
            for (int i = 0; i < times; i++) history.Note(Deed("pods/a", replaced: _revision) with { Subresource = subresource });
        }
        for (int i = 0; i < 2; i++)
        {
            Write(1);
            Write(10, "status");
        }
        // 2 and 13 hold what 1 and 12 made.
        Assert.Equal([1, 2, 12, 13, 20, 21, 22], await RevisionsAsync(history, "pods/a"));
        Assert.All((await history.OfAsync(new("/registry/pods/a"), default)).Skip(1), d => Assert.NotNull(d.Before));

        // Nor the other way round; and what 2 and 13 held goes with those that made it.
        Write(4);
        Assert.Equal([20, 21, 22, 24, 25, 26], await RevisionsAsync(history, "pods/a"));
    }

    [Fact]
    public async Task The_oldest_go_when_there_are_too_many_bytes()
    {
        await using var history = Open(new() { KeepBytes = 100 });
        for (int i = 0; i < 10; i++) history.Note(Deed("pods/" + i, replaced: 1, bytes: 30));
        for (int i = 0; i < 7; i++) Assert.Empty(await RevisionsAsync(history, "pods/" + i));
        for (int i = 7; i < 10; i++) Assert.Single(await RevisionsAsync(history, "pods/" + i));
    }

    [Fact]
    public async Task The_old_go_with_the_next_deed()
    {
        await using var history = Open(new() { KeepFor = TimeSpan.FromHours(1) });
        history.Note(Deed("pods/a"));
        Time.Advance(TimeSpan.FromMinutes(50));
        history.Note(Deed("pods/a"));
        Time.Advance(TimeSpan.FromMinutes(50));
        history.Note(Deed("pods/b"));
        Assert.Equal([2], await RevisionsAsync(history, "pods/a"));
    }
}

public sealed class MemoryHistoryTests : HistorySpec
{
    protected override IHistory Open(HistoryLimits limits) => new MemoryHistory(limits, Time);
}

public sealed class SqliteHistoryTests : HistorySpec, IDisposable
{
    readonly TemporaryFolder _folder = new();

    protected override IHistory Open(HistoryLimits limits) => SqliteHistory.Open(_folder.Path, limits, Time);

    [Fact]
    public async Task History_outlives_its_process()
    {
        await using (var first = Open(new())) first.Note(Deed("pods/a"));
        await using var second = Open(new());
        Assert.Single(await second.OfAsync(new("/registry/pods/a"), default));
    }

    [Fact]
    public async Task A_damaged_file_is_moved_away_and_history_begins_anew()
    {
        string file = Path.Combine(_folder.Path, SqliteHistory.FileName);
        await File.WriteAllTextAsync(file, new string('x', 8192));
        await using var history = Open(new());
        history.Note(Deed("pods/a"));
        Assert.Single(await history.OfAsync(new("/registry/pods/a"), default));
        Assert.True(File.Exists(file + ".damaged"));
    }

    public void Dispose() => _folder.Dispose();
}
