using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Xunit.Abstractions;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>HTTP/2 as no client speaks it: each flood and each nonsense costs its own connection at most, a bounded amount of memory, and nobody else's requests.</summary>
[Collection(HostileInputTests.Alone)]
public sealed class FramesTests(ITestOutputHelper output)
{
    const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, WindowUpdate = 8, Continuation = 9;
    const byte EndStream = 1, EndHeaders = 4;
    const int Many = 20_000;
    const long MostGrowth = 128 << 20;
    const string Maps = "/api/v1/namespaces/default/configmaps";
    static readonly TimeSpan s_bound = TimeSpan.FromMinutes(1);

    static byte[] Frame(byte type, byte flags, int stream, params ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    static byte[] Int(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>A header in full, nothing of it to be remembered.</summary>
    static byte[] Literal(string name, string value) => [0, .. Text(name), .. Text(value)];

    static byte[] Text(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        var length = new List<byte>();
        int rest = bytes.Length;
        if (rest < 127) length.Add((byte)rest);
        else
        {
            length.Add(127);
            for (rest -= 127; rest >= 128; rest >>= 7) length.Add((byte)(rest | 128));
            length.Add((byte)rest);
        }
        return [.. length, .. bytes];
    }

    /// <summary>GET of a path.</summary>
    static byte[] Get(string path) => [0x82, 0x87, .. Literal(":path", path), .. Literal(":authority", "localhost")];

    static byte[] Request(int stream, string path) => Frame(Headers, EndStream | EndHeaders, stream, Get(path));

    /// <summary>A connection that says what it is told to and does not wait for answers; it reads them, unless it is to be a deaf one.</summary>
    sealed class Peer(SslStream tls, TcpClient tcp) : IAsyncDisposable
    {
        Task<(int Failures, int Answers)>? _reading;

        public static async Task<Peer> ConnectAsync(TestServer server, bool deaf = false, params (short Setting, int Value)[] settings)
        {
            var tcp = new TcpClient();
            await tcp.ConnectAsync(IPAddress.Loopback, server.Address.Port);
            var tls = new SslStream(tcp.GetStream(), false, (_, _, _, _) => true);
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2] });
            var peer = new Peer(tls, tcp);
            var payload = new List<byte>();
            foreach (var (setting, value) in settings) payload.AddRange([(byte)(setting >> 8), (byte)setting, .. Int(value)]);
            await peer.SayAsync([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [.. payload])]);
            if (!deaf) peer._reading = Task.Run(peer.ReadAsync);
            return peer;
        }

        /// <returns>Whether the server still listens.</returns>
        public async Task<bool> SayAsync(byte[] bytes)
        {
            using var patience = new CancellationTokenSource(s_bound);
            try
            {
                await tls.WriteAsync(bytes, patience.Token);
                return true;
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException) { return false; }
            // A server that takes no more, since its answers are not taken, is one that protects itself.
            catch (OperationCanceledException) { return false; }
        }

        async Task<(int, int)> ReadAsync()
        {
            byte[] head = new byte[9];
            int failures = 0, answers = 0;
            try
            {
                while (true)
                {
                    await tls.ReadExactlyAsync(head);
                    byte[] payload = new byte[head[0] << 16 | head[1] << 8 | head[2]];
                    await tls.ReadExactlyAsync(payload);
                    if (head[3] != Headers || payload.Length == 0) continue;
                    answers++;
                    // ":status: 500" is one byte.
                    if (payload[0] == 0x8e) failures++;
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException) { return (failures, answers); }
        }

        /// <summary>Hangs up. How many answers blamed the server, of how many.</summary>
        public async Task<(int Failures, int Answers)> EndAsync()
        {
            tcp.Close();
            return _reading is null ? (0, 0) : await _reading.WaitAsync(s_bound);
        }

        public async ValueTask DisposeAsync()
        {
            tcp.Dispose();
            await tls.DisposeAsync();
        }
    }

    /// <summary>Does it, and sees that everybody else's requests are answered during and after it, and that memory stays bounded.</summary>
    async Task SurvivesAsync(string what, Func<TestServer, Task<(int Failures, int Answers)>> attack)
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(201, (await server.PostAsync(Maps, """{"metadata":{"name":"a"},"data":{"k":"v"}}""")).Code);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var attacking = attack(server);
        do Assert.Equal(200, (await server.GetAsync(Maps + "/a").WaitAsync(s_bound)).Code);
        while (!attacking.IsCompleted);
        var (failures, answers) = await attacking;
        Assert.True(failures == 0, $"{what}: {failures} of {answers} answers were 500");
        Assert.Equal(200, (await server.GetAsync(Maps + "/a").WaitAsync(s_bound)).Code);
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{what}: {answers} answers, {grown >> 10} KiB more");
        Assert.True(grown < MostGrowth, $"{what}: {grown} bytes more than before");
    }

    public static TheoryData<string> Floods => ["settings", "pings", "resets", "empty data", "window updates", "priorities", "continuations", "open streams", "unread pings"];

    [Theory, MemberData(nameof(Floods))]
    public Task A_flood_of_frames_costs_its_own_connection_at_most(string what) => SurvivesAsync(what, async server =>
    {
        await using var peer = await Peer.ConnectAsync(server, deaf: what == "unread pings");
        int stream = 1;
        if (what == "continuations") await peer.SayAsync(Frame(Headers, EndStream, 1, Get("/version")));
        if (what == "empty data") await peer.SayAsync(Frame(Headers, EndHeaders, 1, [0x83, 0x87, .. Literal(":path", Maps), .. Literal(":authority", "localhost"), .. Literal("content-type", "application/json")]));
        for (int n = 0; n < Many / 50; n++)
        {
            var many = new List<byte>();
            for (int i = 0; i < 50; i++)
            {
                many.AddRange(what switch
                {
                    "settings" => Frame(Settings, 0, 0, 0, 3, 0, 0, 0, 100),
                    "resets" => [.. Request(stream, Maps), .. Frame(Reset, 0, stream, Int(8))],
                    "empty data" => Frame(Data, 0, 1),
                    "window updates" => Frame(WindowUpdate, 0, 0, Int(1)),
                    "priorities" => Frame(2, 0, stream, [.. Int(0), 15]),
                    "continuations" => Frame(Continuation, 0, 1, Literal("x-" + n, new string('v', 500))),
                    "open streams" => Frame(Headers, EndHeaders, stream, Get(Maps)),
                    _ => Frame(Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8),
                });
                stream += 2;
            }
            if (!await peer.SayAsync([.. many])) break;
        }
        return await peer.EndAsync();
    });

    public static TheoryData<string> Nonsense => ["no increment", "too large a window", "a window that goes below nothing", "a large frame", "headers on stream 0", "an even stream", "a continuation of nothing", "data of no stream",
        "settings of no length", "an index that is none", "a header without end", "pseudo headers last", "upper case", "no path", "a large header", "a header said again and again", "half a frame", "no window at all"];

    [Theory, MemberData(nameof(Nonsense))]
    public Task Nonsense_is_refused(string what) => SurvivesAsync(what, async server =>
    {
        await using var peer = what == "no window at all" ? await Peer.ConnectAsync(server, deaf: false, (4, 0)) : await Peer.ConnectAsync(server);
        await peer.SayAsync(what switch
        {
            "no increment" => [.. Request(1, Maps), .. Frame(WindowUpdate, 0, 1, Int(0))],
            "too large a window" => [.. Frame(WindowUpdate, 0, 0, Int(int.MaxValue)), .. Frame(WindowUpdate, 0, 0, Int(int.MaxValue))],
            "a window that goes below nothing" => [.. Request(1, Maps), .. Frame(Settings, 0, 0, 0, 4, 255, 255, 255, 255)],
            "a large frame" => Frame(Data, 0, 1, new byte[1 << 20]),
            "headers on stream 0" => Request(0, Maps),
            "an even stream" => Request(2, Maps),
            "a continuation of nothing" => Frame(Continuation, EndHeaders, 1, Get(Maps)),
            "data of no stream" => Frame(Data, EndStream, 7, 1, 2, 3),
            "settings of no length" => Frame(Settings, 0, 0, 1, 2, 3),
            "an index that is none" => Frame(Headers, EndStream | EndHeaders, 1, 0xFF, 0xFF, 0xFF, 0x7F),
            "a header without end" => Frame(Headers, EndStream | EndHeaders, 1, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF),
            "pseudo headers last" => Frame(Headers, EndStream | EndHeaders, 1, [.. Literal("a", "b"), .. Get(Maps)]),
            "upper case" => Frame(Headers, EndStream | EndHeaders, 1, [.. Get(Maps), .. Literal("X-A", "b")]),
            "no path" => Frame(Headers, EndStream | EndHeaders, 1, 0x82, 0x87),
            "a large header" => [.. Frame(Headers, EndStream, 1, Get(Maps)), .. Enumerable.Range(0, 200).SelectMany(_ => Frame(Continuation, 0, 1, new byte[16_000]))],
            // Four kilobytes that are remembered once and then said by one byte each.
            "a header said again and again" => [.. Frame(Headers, 0, 1, [.. Get(Maps), 0x40, .. Text("x"), .. Text(new string('v', 4000))]), .. Frame(Continuation, EndHeaders, 1, [.. Enumerable.Repeat((byte)0xBE, 16_000)])],
            "half a frame" => Request(1, Maps)[..12],
            _ => Request(1, Maps),
        });
        return await peer.EndAsync();
    });

    /// <param name="given">0 for one that nobody tried before, or that of HANBAE_FUZZ_SEED to see a round again.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task No_sequence_of_frames_makes_the_server_fail(int given)
    {
        int seed = given != 0 ? given : Environment.GetEnvironmentVariable("HANBAE_FUZZ_SEED") is { Length: > 0 } wanted ? int.Parse(wanted) : Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await SurvivesAsync($"seed {seed}", async server =>
        {
            int failures = 0, answers = 0;
            for (int connection = 0; connection < 200; connection++)
            {
                await using var peer = await Peer.ConnectAsync(server);
                for (int n = random.Next(30); n > 0; n--)
                {
                    int stream = random.Next(3) == 0 ? random.Next() : random.Next(8) * 2 + 1;
                    byte[] frame = random.Next(3) switch
                    {
                        0 => Request(stream, Maps + (random.Next(2) == 0 ? "" : "?watch=1&timeoutSeconds=1")),
                        1 => Frame((byte)random.Next(12), (byte)random.Next(256), stream, RandomBytes(random)),
                        _ => Mutated(Frame(Headers, (byte)random.Next(64), stream, [.. Get(Maps), .. Literal("a", "b")]), random),
                    };
                    if (!await peer.SayAsync(frame)) break;
                }
                var (failed, answered) = await peer.EndAsync();
                (failures, answers) = (failures + failed, answers + answered);
            }
            return (failures, answers);
        });
    }

    static byte[] RandomBytes(Random random)
    {
        byte[] bytes = new byte[random.Next(5) == 0 ? random.Next(20_000) : random.Next(40)];
        random.NextBytes(bytes);
        return bytes;
    }

    static byte[] Mutated(byte[] bytes, Random random)
    {
        for (int n = random.Next(4); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }
}
