using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Hanbae.Kubelet.Streaming.Spdy;

namespace Hanbae.Kubelet.Tests.Streaming;

public sealed class SpdySessionTests : IAsyncLifetime
{
    static readonly CancellationToken s_ct = CancellationToken.None;
    readonly Channel<SpdyStream> _opened = Channel.CreateBounded<SpdyStream>(2000);
    SpdySession _client = null!, _server = null!;
    Func<SpdyStream, bool>? _accept;

    public async Task InitializeAsync()
    {
        var (client, server) = await Loopback.PairAsync();
        _client = SpdySession.Start(client, server: false, accept: null);
        _server = SpdySession.Start(server, server: true, stream => (_accept?.Invoke(stream) ?? true) && _opened.Writer.TryWrite(stream));
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    async Task<(SpdyStream Client, SpdyStream Server)> OpenAsync(string type = "data")
    {
        var client = await _client.OpenAsync(new Dictionary<string, string> { ["streamType"] = type }, s_ct);
        return (client, await _opened.Reader.ReadAsync());
    }

    [Fact]
    public async Task Five_megabytes_go_both_ways_at_once_and_end_separately()
    {
        var (client, server) = await OpenAsync();
        var bytes = RandomNumberGenerator.GetBytes(5 << 20);
        var echo = Task.Run(async () => { await server.CopyToAsync(server, s_ct); await server.CompleteWritesAsync(s_ct); });
        var send = Task.Run(async () => { await client.WriteAsync(bytes, s_ct); await client.CompleteWritesAsync(s_ct); });

        using var back = new MemoryStream();
        await client.CopyToAsync(back, s_ct);
        await Task.WhenAll(echo, send);

        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(back.ToArray()));
    }

    [Fact]
    public async Task Headers_arrive_whatever_their_case_and_many_streams_share_the_connection()
    {
        for (int n = 0; n < 50; n++)
        {
            var (client, server) = await OpenAsync($"kind-{n}");
            await client.WriteAsync(Encoding.ASCII.GetBytes($"{n}"), s_ct);
            await client.CompleteWritesAsync(s_ct);

            Assert.Equal($"kind-{n}", server.Headers["StreamType"]);
            Assert.Equal(2 * n + 1, server.Id);
            Assert.Equal($"{n}", await new StreamReader(server).ReadToEndAsync());
        }
    }

    [Fact]
    public async Task A_refused_stream_fails_for_its_opener_and_harms_no_other()
    {
        _accept = stream => stream.Headers["streamtype"] != "unwanted";
        await Assert.ThrowsAsync<IOException>(() => OpenAsync("unwanted"));

        var (client, server) = await OpenAsync("wanted");
        await server.WriteAsync("hello"u8.ToArray(), s_ct);
        await server.CompleteWritesAsync(s_ct);

        Assert.Equal("hello", await new StreamReader(client).ReadToEndAsync());
    }

    [Fact]
    public async Task After_a_reset_what_was_sent_is_read_and_writing_fails()
    {
        var (client, server) = await OpenAsync();
        await server.WriteAsync("last words"u8.ToArray(), s_ct);
        await server.AbortAsync(s_ct);

        Assert.Equal("last words", await new StreamReader(client).ReadToEndAsync());
        Assert.True(client.WasReset);
        await Assert.ThrowsAsync<IOException>(() => client.WriteAsync("x"u8.ToArray(), s_ct).AsTask());
    }

    [Fact]
    public async Task A_lost_connection_is_an_error_to_readers_not_an_end()
    {
        var (client, server) = await OpenAsync();
        await server.WriteAsync("half a sen"u8.ToArray(), s_ct);
        await server.CompleteWritesAsync(s_ct);
        var (other, _) = await OpenAsync();

        await _server.DisposeAsync();

        Assert.Equal("half a sen", await new StreamReader(client).ReadToEndAsync());
        await Assert.ThrowsAsync<IOException>(() => other.ReadAsync(new byte[1], s_ct).AsTask());
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync());
    }

    [Fact]
    public async Task A_stream_nobody_reads_stops_its_writer_until_it_is_read_or_stopped()
    {
        var (client, server) = await OpenAsync();
        long sent = 0;
        var writing = Task.Run(async () =>
        {
            var chunk = new byte[32 * 1024];
            for (int n = 0; n < 2048; n++) { await client.WriteAsync(chunk, s_ct); Interlocked.Add(ref sent, chunk.Length); }
            await client.CompleteWritesAsync(s_ct);
        });
        // 64 MiB would fit in no socket buffer; the writer cannot end before somebody reads.
        await server.ReadExactlyAsync(new byte[1 << 20], s_ct);
        Assert.False(writing.IsCompleted);
        Assert.InRange(Interlocked.Read(ref sent), 0, 32 << 20);

        server.StopReading();
        await writing;
    }

    [Fact]
    public async Task Pings_of_the_peer_are_echoed_and_unknown_frames_skipped()
    {
        var (raw, transport) = await Loopback.PairAsync();
        await using var server = SpdySession.Start(transport, server: true, accept: null);
        byte[] settings = [0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0], window = [0x80, 3, 0, 9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 1, 0];
        byte[] ping = [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 7], data = [0, 0, 0, 99, 0, 0, 0, 3, 1, 2, 3];

        await raw.WriteAsync((byte[])[.. settings, .. window, .. data, .. ping], s_ct);
        var answer = new byte[ping.Length];
        await raw.ReadExactlyAsync(answer, s_ct);

        Assert.Equal(ping, answer);
        await raw.DisposeAsync();
    }

    [Fact]
    public async Task Another_protocol_version_ends_the_session()
    {
        var (raw, transport) = await Loopback.PairAsync();
        await using var server = SpdySession.Start(transport, server: true, accept: null);
        await raw.WriteAsync((byte[])[0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 7], s_ct);

        await Task.Delay(Timeout.Infinite, server.Closed).ContinueWith(_ => { }, TaskScheduler.Default);

        Assert.True(server.Closed.IsCancellationRequested);
        await raw.DisposeAsync();
    }

    [Fact]
    public async Task The_stream_beyond_the_bound_is_refused()
    {
        for (int n = 0; n < 1024; n++) await OpenAsync();
        await Assert.ThrowsAsync<IOException>(() => OpenAsync());
    }
}
