using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kit;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>Clients that take their time on purpose: flow control is off here, and they are ended all the same. What Kestrel bounds is bounded by its clock, the rest by the test's.</summary>
public sealed class SlowClientTests : IAsyncLifetime
{
    const string Get = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    readonly FakeTime _time = new();
    TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync(o => o with { Time = _time }, front: f => f with { HeadersWithin = TimeSpan.FromSeconds(1), IdleFor = TimeSpan.FromSeconds(1) });

    public async Task DisposeAsync() => await _server.DisposeAsync();

    /// <summary>Forty megabytes do not fit into what lies between a server and a client.</summary>
    async Task FillAsync()
    {
        string large = new('x', 100_000);
        for (int i = 0; i < 400; i++) await _server.CreateAsync(new ConfigMap { Metadata = new() { Name = "c" + i, Namespace = "default" }, Data = Map.Of(("k", large)) });
    }

    /// <summary>Lets time pass until nobody watches any more.</summary>
    async Task UntilNobodyWatchesAsync()
    {
        var cache = _server.Server.Resources.Find("", "v1", "configmaps")!.Stored.Cache;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (cache.WatchersOf("default", "any") > 0)
        {
            patience.Token.ThrowIfCancellationRequested();
            _time.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }
    }

    [Fact]
    [Trait("Attack", "slow readers")]
    public async Task Who_does_not_read_a_list_loses_it()
    {
        await FillAsync();
        await using var client = await RawClient.ConnectAsync(_server, "http/1.1");
        await client.SayAsync("GET /api/v1/configmaps" + Get);
        Assert.True(await client.Tls.ReadAsync(new byte[100]) > 0);
        for (int i = 0; i < 12; i++) _time.Advance(TimeSpan.FromSeconds(10));
        Assert.InRange(await client.DrainAsync(), 0, 39_000_000);
    }

    [Fact]
    public async Task Who_does_not_read_what_a_watch_begins_with_loses_it()
    {
        await FillAsync();
        await using var client = await RawClient.ConnectAsync(_server, "http/1.1");
        await client.SayAsync("GET /api/v1/configmaps?watch=1" + Get);
        Assert.True(await client.Tls.ReadAsync(new byte[100]) > 0);
        await UntilNobodyWatchesAsync();
        Assert.InRange(await client.DrainAsync(), 0, 39_000_000);
    }

    [Fact]
    public async Task A_watcher_may_be_silent_for_as_long_as_nothing_happens_but_must_read_what_does()
    {
        await using var client = await RawClient.ConnectAsync(_server, "http/1.1");
        await client.SayAsync("GET /api/v1/configmaps?watch=1&timeoutSeconds=100000" + Get);
        async Task SeesAsync(string name)
        {
            await _server.CreateAsync(new ConfigMap { Metadata = new() { Name = name, Namespace = "default" } });
            byte[] buffer = new byte[1 << 16];
            var said = new System.Text.StringBuilder();
            while (!said.ToString().Contains($"\"{name}\"", StringComparison.Ordinal)) said.Append(System.Text.Encoding.UTF8.GetString(buffer, 0, await client.Tls.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(60))));
        }
        await SeesAsync("first");
        for (int i = 0; i < 60; i++)
        {
            // Others are answered meanwhile, so that the server has come to wait before long.
            Assert.Equal(200, (await _server.GetAsync("/version")).Code);
            _time.Advance(TimeSpan.FromSeconds(10));
        }
        await SeesAsync("second");

        await FillAsync();
        await UntilNobodyWatchesAsync();
        Assert.InRange(await client.DrainAsync(), 0, 39_000_000);
    }

    /// <summary>HTTP/2 has a window for each answer, that its client opens. One that never does gets the headers and no byte of the rest, and no more of the server's time than others.</summary>
    [Theory]
    [InlineData("/api/v1/configmaps")]
    [InlineData("/api/v1/configmaps?watch=1")]
    public async Task Who_opens_no_window_loses_his_answer_and_no_other(string path)
    {
        await FillAsync();
        await using var client = await RawClient.ConnectAsync(_server, "h2");
        await client.BeginHttp2Async(0);
        await client.RequestAsync(1, 5, (":method", "GET"), (":scheme", "https"), (":path", path), (":authority", "localhost"));
        while (await client.NextFrameAsync() is { } frame && frame is not { Type: RawClient.Headers, Stream: 1 }) Assert.NotEqual(RawClient.Reset, frame.Type);
        // From here on time passes, as often as it has to, until the server has had enough of it; what waits is bounded by the client's patience.
        using var ended = new CancellationTokenSource();
        var passing = Task.Run(async () =>
        {
            while (!ended.IsCancellationRequested)
            {
                _time.Advance(TimeSpan.FromSeconds(10));
                await Task.Yield();
            }
        });
        bool reset = false;
        while (!reset && await client.NextFrameAsync() is { } frame)
        {
            Assert.False(frame is { Type: RawClient.Data, Payload.Length: > 0 }, "it was sent what there was no room for");
            reset = frame is { Type: RawClient.Reset, Stream: 1 };
        }
        await ended.CancelAsync();
        await passing;
        Assert.True(reset, "the connection ended, and not the one answer");
        await UntilNobodyWatchesAsync();
        // The connection lives: with room for it, the next answer comes.
        byte[] window = new byte[6];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(window, 4);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(window.AsSpan(2), 65_535);
        await client.FrameAsync(RawClient.Settings, 0, 0, window);
        await client.RequestAsync(3, 5, (":method", "GET"), (":scheme", "https"), (":path", "/version"), (":authority", "localhost"));
        bool answered = false;
        while (!answered && await client.NextFrameAsync() is { } frame) answered = frame is { Type: RawClient.Data, Stream: 3, Payload.Length: > 0 };
        Assert.True(answered);
    }

    [Fact]
    [Trait("Attack", "slow writers")]
    public async Task A_body_that_trickles_is_not_waited_for()
    {
        await using var client = await RawClient.ConnectAsync(_server, "http/1.1");
        await client.SayAsync("POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{");
        var answered = client.HearAsync();
        using var trickle = new CancellationTokenSource();
        var trickling = Task.Run(async () =>
        {
            try { while (!answered.IsCompleted) { await client.SayAsync(" "); await Task.Yield(); _time.Advance(TimeSpan.FromSeconds(10)); } }
            catch (IOException) { }
        });
        Assert.DoesNotContain("HTTP/1.1 201", await answered);
        await trickling;
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /version HTTP/1.1\r\nHost: localhost\r\nX-A: b")]
    [InlineData("GET /version HTTP/1.1\r\n")]
    [InlineData("G")]
    public async Task Headers_that_never_end_do(string text)
    {
        await using var client = await RawClient.ConnectAsync(_server, "http/1.1");
        await client.SayAsync(text);
        string answer = await client.HearAsync();
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408", StringComparison.Ordinal), answer);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Headers_in_frames_that_never_end_do(bool begun)
    {
        await using var client = await RawClient.ConnectAsync(_server, "h2");
        await client.BeginHttp2Async(65_535);
        if (begun) await client.RequestAsync(1, 1, (":method", "GET"), (":scheme", "https"), (":path", "/version"), (":authority", "localhost"));
        int frames = 0;
        while (await client.NextFrameAsync() is { } frame)
        {
            Assert.NotEqual(RawClient.Headers, frame.Type);
            Assert.InRange(++frames, 0, 100);
        }
    }
}
