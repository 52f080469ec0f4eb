using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Informer;

public sealed class InformerTests : IAsyncDisposable
{
    const string ListFirst = "GET /api/v1/configmaps";
    static string WatchFrom(string version) => $"GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion={version}";

    readonly ScriptedTransport _server = new();
    readonly FakeTime _time = new();
    readonly CancellationTokenSource _stop = new();
    readonly Informer<ConfigMap> _informer;
    readonly System.Threading.Channels.Channel<string> _seen = System.Threading.Channels.Channel.CreateBounded<string>(100);
    Task _run = Task.CompletedTask;

    public InformerTests()
    {
        _informer = new(_server, ListQuery.All, _time);
        _informer.Cache.Subscribe(e => _seen.Writer.TryWrite(
            e.Old is null ? "+" + e.New!.Metadata.Name : e.New is null ? "-" + e.Old.Metadata.Name : $"{e.Old.Metadata.ResourceVersion}>{e.New.Metadata.ResourceVersion}"));
    }

    void Start() => _run = _informer.RunAsync(_stop.Token);

    async Task SeesAsync(params string[] expected)
    {
        foreach (string one in expected) Assert.Equal(one, await _seen.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    [Fact]
    public async Task A_list_fills_the_cache_and_a_watch_follows_it()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10", Make.Map("a", "5"), Make.Map("b", "6"));
        await _informer.Cache.WhenSyncedAsync(CancellationToken.None);
        await SeesAsync("+a", "+b");

        var watch = await _server.ExpectAsync(WatchFrom("10"));
        watch.Send("MODIFIED", Make.Map("a", "11"));
        watch.Send("ADDED", Make.Map("c", "12"));
        watch.Send("DELETED", Make.Map("b", "13"));
        await SeesAsync("5>11", "+c", "-b");

        Assert.Equal(["a", "c"], _informer.Cache.All.Select(m => m.Metadata.Name).Order());
        Assert.Equal("11", _informer.Cache.Find(new("default", "a"))?.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task A_watch_that_ends_goes_on_from_the_last_revision_bookmarks_included()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10", Make.Map("a", "5"));
        var watch = await _server.ExpectAsync(WatchFrom("10"));
        watch.Send("MODIFIED", Make.Map("a", "11"));
        watch.Send("BOOKMARK", Make.Bookmark("20"));
        watch.Close();
        await _server.ExpectAsync(WatchFrom("20"));
        await SeesAsync("+a", "5>11");
    }

    [Fact]
    public async Task A_watch_that_brought_nothing_is_not_opened_again_at_once()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10");
        (await _server.ExpectAsync(WatchFrom("10"))).Close();
        await _time.WhenSetAsync();
        Assert.True(_server.Quiet);
        Assert.InRange(_time.AdvanceToNext(), TimeSpan.FromMilliseconds(800), TimeSpan.FromMilliseconds(1600));
        await _server.ExpectAsync(WatchFrom("10"));
    }

    [Fact]
    public async Task An_expired_watch_lists_again_and_what_is_missing_was_deleted()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10", Make.Map("a", "5"), Make.Map("b", "6"), Make.Map("c", "7"));
        await SeesAsync("+a", "+b", "+c");
        var watch = await _server.ExpectAsync(WatchFrom("10"));
        watch.Send("MODIFIED", Make.Map("a", "11"));
        watch.Close(new ApiException(Make.Error(410, "Expired")));
        await SeesAsync("5>11");
        (await _server.ExpectAsync("GET /api/v1/configmaps?resourceVersion=11")).Answer("30", Make.Map("a", "11"), Make.Map("c", "25"), Make.Map("d", "26"));
        await SeesAsync("-b", "7>25", "+d");
        await _server.ExpectAsync(WatchFrom("30"));
    }

    [Fact]
    public async Task An_expired_list_takes_the_most_recent_in_pages()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10", Make.Map("a", "5"));
        var watch = await _server.ExpectAsync(WatchFrom("10"));
        watch.Send("BOOKMARK", Make.Bookmark("11"));
        watch.Close(new ApiException(Make.Error(410, "Expired")));
        (await _server.ExpectAsync("GET /api/v1/configmaps?resourceVersion=11")).Refuse(410, "Expired");
        (await _server.ExpectAsync("GET /api/v1/configmaps?limit=500")).AnswerPage("40", "next", Make.Map("b", "32"));
        Assert.NotNull(_informer.Cache.Find(new("default", "a")));
        (await _server.ExpectAsync("GET /api/v1/configmaps?continue=next&limit=500")).Answer("40", Make.Map("c", "33"));
        await SeesAsync("+a", "-a", "+b", "+c");
    }

    [Fact]
    public async Task A_page_that_expired_makes_the_list_start_over_in_one_piece()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).AnswerPage("10", "next", Make.Map("a", "5"));
        (await _server.ExpectAsync("GET /api/v1/configmaps?continue=next")).Refuse(410, "Expired");
        (await _server.ExpectAsync("GET /api/v1/configmaps")).Answer("12", Make.Map("b", "6"));
        await SeesAsync("+b");
        await _server.ExpectAsync(WatchFrom("12"));
        Assert.Null(_informer.Cache.Find(new("default", "a")));
    }

    [Fact]
    public async Task A_failed_list_is_tried_again_after_growing_pauses()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Refuse(503, "ServiceUnavailable");
        await _time.WhenSetAsync();
        Assert.InRange(_time.AdvanceToNext(), TimeSpan.FromSeconds(0.8), TimeSpan.FromSeconds(1.6));
        (await _server.ExpectAsync(ListFirst)).Result.SetException(new HttpRequestException("refused"));
        await _time.WhenSetAsync();
        Assert.InRange(_time.AdvanceToNext(), TimeSpan.FromSeconds(1.6), TimeSpan.FromSeconds(3.2));
        (await _server.ExpectAsync(ListFirst)).Answer("3");
        await _informer.Cache.WhenSyncedAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_broken_line_loses_nothing_and_repeats_nothing()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10");
        var watch = await _server.ExpectAsync(WatchFrom("10"));
        watch.Send("ADDED", Make.Map("a", "11"));
        watch.Close(new IOException("reset"));
        await _time.WhenSetAsync();
        _time.AdvanceToNext();
        watch = await _server.ExpectAsync(WatchFrom("11"));
        watch.Send("ADDED", Make.Map("a", "11"));
        watch.Send("MODIFIED", Make.Map("a", "12"));
        await SeesAsync("+a", "11>12");
    }

    [Fact]
    public async Task An_object_made_again_under_its_old_name_is_a_deletion_and_an_addition()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10", Make.Map("a", "5", uid: "one"));
        var watch = await _server.ExpectAsync(WatchFrom("10"));
        watch.Close(new ApiException(Make.Error(410, "Expired")));
        (await _server.ExpectAsync("GET /api/v1/configmaps?resourceVersion=10")).Answer("20", Make.Map("a", "15", uid: "two"));
        await SeesAsync("+a", "-a", "+a");
    }

    [Fact]
    public async Task A_list_that_does_not_mend_an_expired_watch_is_not_asked_for_again_at_once()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10");
        (await _server.ExpectAsync(WatchFrom("10"))).Close(new ApiException(Make.Error(410, "Expired")));
        (await _server.ExpectAsync("GET /api/v1/configmaps?resourceVersion=10")).Answer("10");
        (await _server.ExpectAsync(WatchFrom("10"))).Close(new ApiException(Make.Error(410, "Expired")));
        await _time.WhenSetAsync();
        _time.AdvanceToNext();
        await _server.ExpectAsync("GET /api/v1/configmaps?resourceVersion=10");
    }

    [Fact]
    public async Task A_cache_knows_that_it_is_old_while_its_watch_is_away()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10");
        var watch = await _server.ExpectAsync(WatchFrom("10"));
        Assert.True(_informer.Cache.WhenCurrentAsync().IsCompleted);
        watch.Close(new IOException("reset"));
        await _time.WhenSetAsync();
        var current = _informer.Cache.WhenCurrentAsync();
        Assert.False(current.IsCompleted);
        _time.AdvanceToNext();
        await _server.ExpectAsync(WatchFrom("10"));
        await current.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_cache_says_how_far_it_has_come()
    {
        Start();
        (await _server.ExpectAsync(ListFirst)).Answer("10", Make.Map("a", "5"));
        await _informer.Cache.WhenSyncedAsync(CancellationToken.None);
        Assert.Equal("10", _informer.Cache.ResourceVersion);
        var watch = await _server.ExpectAsync(WatchFrom("10"));
        watch.Send("BOOKMARK", Make.Bookmark("11"));
        watch.Send("DELETED", Make.Map("a", "13"));
        await SeesAsync("+a", "-a");
        Assert.Equal("13", _informer.Cache.ResourceVersion);
    }

    [Fact]
    public async Task Initial_events_stream_the_first_list()
    {
        var informer = new Informer<ConfigMap>(_server, ListQuery.All, _time, new WatchOptions { InitialEvents = true });
        var run = informer.RunAsync(_stop.Token);
        var watch = await _server.ExpectAsync("GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
        watch.Send("ADDED", Make.Map("a", "5"));
        watch.Send("ADDED", Make.Map("b", "3"));
        Assert.False(informer.Cache.Synced);
        watch.Send("BOOKMARK", Make.Bookmark("10", initialEnd: true));
        await informer.Cache.WhenSyncedAsync(CancellationToken.None);
        Assert.Equal(2, informer.Cache.All.Count);
        watch.Send("BOOKMARK", Make.Bookmark("12"));
        watch.Close();
        await _server.ExpectAsync(WatchFrom("12"));
        await _stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task A_server_without_initial_events_is_listed()
    {
        var informer = new Informer<ConfigMap>(_server, ListQuery.All, _time, new WatchOptions { InitialEvents = true });
        var run = informer.RunAsync(_stop.Token);
        (await _server.NextAsync()).Close(new ApiException(Make.Error(422, "Invalid")));
        (await _server.ExpectAsync(ListFirst)).Answer("10", Make.Map("a", "5"));
        await informer.Cache.WhenSyncedAsync(CancellationToken.None);
        await _stop.CancelAsync();
        await run;
    }
}
