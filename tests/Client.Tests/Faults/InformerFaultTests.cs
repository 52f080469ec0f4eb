using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client.Tests.Faults;

/// <summary>Whatever happens to a watch, the informer ends where the server is, and its subscribers hear no lie on the way.</summary>
public sealed class InformerFaultTests
{
    /// <summary>Additions, changes, deletions, one made again under its name, a bookmark.</summary>
    static readonly (string Type, ConfigMap Object)[] s_history =
    [
        ("ADDED", Make.Map("a", "1")), ("ADDED", Make.Map("b", "2")), ("ADDED", Make.Map("c", "3")), ("MODIFIED", Make.Map("a", "4", value: "ü")),
        ("DELETED", Make.Map("b", "5")), ("ADDED", Make.Map("d", "6")), ("ADDED", Make.Map("b", "7", uid: "another")), ("BOOKMARK", Make.Bookmark("8")),
        ("MODIFIED", Make.Map("c", "9", value: "x\ny")), ("DELETED", Make.Map("a", "10")), ("MODIFIED", Make.Map("b", "11", uid: "another", value: "late")), ("ADDED", Make.Map("z", "12")),
    ];

    const int First = 3;

    static async Task ConvergesAsync(RecordedServer server, bool initialEvents, string what)
    {
        using var stop = new CancellationTokenSource();
        var informer = new Informer<ConfigMap>(server, ListQuery.All, new Impatient(), new() { InitialEvents = initialEvents });
        var mirror = new Dictionary<string, ConfigMap>();
        var there = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Exception? lie = null;
        informer.Cache.Subscribe(e =>
        {
            try { Believer.Hear(mirror, e); }
            catch (Exception error) { lie ??= error; there.TrySetResult(); }
            // The last of the history, whatever it took to come so far.
            if (e.New?.Metadata is { Name: "z" }) there.TrySetResult();
        });
        var run = informer.RunAsync(stop.Token);
        try { await there.Task.WaitAsync(TimeSpan.FromSeconds(60)); }
        catch (TimeoutException) { Assert.Fail($"{what}: the informer never came to the end"); }
        // A list tells in no order: the rest of the same list follows.
        await stop.CancelAsync();
        await run;
        Assert.True(lie is null, $"{what}: {lie?.Message}");
        Assert.Equal(server.At(server.Newest).Values, informer.Cache.All.OrderBy(m => m.Metadata.Name, StringComparer.Ordinal));
        Assert.Equal(server.At(server.Newest).Values, mirror.Values.OrderBy(m => m.Metadata.Name, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task A_watch_may_be_cut_at_every_byte(bool proto, bool initialEvents)
    {
        int length = -1;
        for (int cut = 0; length < 0 || cut <= length; cut++)
        {
            int at = cut;
            foreach (var end in (Exception?[])[null, new IOException("reset")])
            {
                var server = new RecordedServer(s_history, First, proto)
                {
                    Fault = (connection, all) =>
                    {
                        if (connection > 0) return (all.Length, null);
                        length = all.Length;
                        return (Math.Min(at, all.Length), end);
                    },
                };
                await ConvergesAsync(server, initialEvents, $"cut after byte {at}, {end?.Message ?? "closed"}");
            }
        }
        Assert.True(length > 400);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task A_revision_may_expire_at_any_moment(bool initialEvents)
    {
        for (int told = 0; told <= s_history.Length; told++)
            foreach (bool whileOpen in (bool[])[true, false])
            {
                int many = told;
                var server = new RecordedServer(s_history, First, proto: false)
                {
                    // The first connection breaks after some events, with 410 itself, or so that the next is refused with it.
                    Send = (connection, events) => connection == 0 ? events.Take(many) : events,
                    Fault = (connection, all) => connection > 0 ? (all.Length, null) : (all.Length, whileOpen ? new ApiException(Make.Error(410, "Expired")) : new IOException("reset")),
                    Expired = (connection, _) => connection == 1 && !whileOpen,
                };
                await ConvergesAsync(server, initialEvents, $"410 after {many} events");
            }
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Events_that_come_twice_or_late_change_nothing(bool proto)
    {
        int seed = Environment.TickCount;
        for (int i = 0; i < 200; i++)
        {
            var random = new Random(seed + i);
            var server = new RecordedServer(s_history, First, proto)
            {
                Send = (_, events) => Stutter(events.ToArray(), random),
            };
            await ConvergesAsync(server, initialEvents: false, $"seed {seed + i}");
        }
    }

    /// <summary>Each event in its turn, with others before it told again in between.</summary>
    static IEnumerable<(string, ConfigMap)> Stutter((string, ConfigMap)[] events, Random random)
    {
        for (int i = 0; i < events.Length; i++)
        {
            yield return events[i];
            for (int n = random.Next(3); n > 0; n--) yield return events[random.Next(i + 1)];
        }
    }

    [Fact]
    public async Task A_stream_of_bookmarks_only_moves_the_place_to_go_on_from()
    {
        string from = "";
        var server = new RecordedServer([.. s_history[..3], ("BOOKMARK", Make.Bookmark("20")), ("BOOKMARK", Make.Bookmark("30")), ("ADDED", Make.Map("z", "31"))], First, proto: true)
        {
            Send = (connection, events) => connection == 0 ? events.Where(e => e.Type == "BOOKMARK") : events,
            Fault = (connection, all) => (all.Length, connection == 0 ? new IOException("reset") : null),
            Expired = (connection, after) => { if (connection == 1) from = $"{after}"; return false; },
        };
        await ConvergesAsync(server, initialEvents: false, "bookmarks");
        Assert.Equal("30", from);
    }
}
