using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>A client that says what it likes, byte by byte, and reads when it likes.</summary>
sealed class RawClient : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);
    readonly TcpClient _tcp;

    RawClient(TcpClient tcp, SslStream tls) => (_tcp, Tls) = (tcp, tls);

    public SslStream Tls { get; }

    public static async Task<RawClient> ConnectAsync(TestServer server, string protocol)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(System.Net.IPAddress.Loopback, server.Address.Port);
        var tls = new SslStream(tcp.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [new SslApplicationProtocol(protocol)] });
        return new(tcp, tls);
    }

    public ValueTask SayAsync(string text) => Tls.WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>All that comes until the server has had enough, which it must have.</summary>
    public async Task<string> HearAsync()
    {
        var answer = new MemoryStream();
        using var limit = new CancellationTokenSource(s_patience);
        try { await Tls.CopyToAsync(answer, limit.Token); }
        catch (IOException) { } // closed without a word more
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    /// <summary>How many bytes of the answer the server had sent before it ended the connection; none are kept.</summary>
    public async Task<long> DrainAsync()
    {
        byte[] buffer = new byte[1 << 16];
        long read = 0;
        using var limit = new CancellationTokenSource(s_patience);
        try { while (await Tls.ReadAsync(buffer, limit.Token) is > 0 and var n) read += n; }
        catch (IOException) { }
        return read;
    }

    public const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7;

    /// <summary>Begins HTTP/2, with such a window for each stream.</summary>
    public async Task BeginHttp2Async(int window)
    {
        byte[] settings = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(settings, 4);
        BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(2), window);
        await Tls.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await FrameAsync(Settings, 0, 0, settings);
    }

    public ValueTask FrameAsync(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return Tls.WriteAsync(frame);
    }

    /// <summary>A request whose headers are all literals, as they come: nothing checks them here.</summary>
    /// <param name="flags">END_STREAM (1) and END_HEADERS (4).</param>
    public ValueTask RequestAsync(int stream, byte flags, params ReadOnlySpan<(string Name, string Value)> headers)
    {
        var block = new MemoryStream();
        foreach (var (name, value) in headers)
        {
            block.WriteByte(0);
            foreach (string text in (string[])[name, value])
            {
                byte[] bytes = Encoding.Latin1.GetBytes(text);
                if (bytes.Length > 126) throw new ArgumentException("too long for this little client", nameof(headers));
                block.WriteByte((byte)bytes.Length);
                block.Write(bytes);
            }
        }
        return FrameAsync(Headers, flags, stream, block.ToArray());
    }

    /// <summary>The next frame, or null at the end of the connection. Settings and pings are told of, too.</summary>
    public async Task<(byte Type, byte Flags, int Stream, byte[] Payload)?> NextFrameAsync()
    {
        using var limit = new CancellationTokenSource(s_patience);
        byte[] head = new byte[9];
        try
        {
            await Tls.ReadExactlyAsync(head, limit.Token);
            byte[] payload = new byte[head[0] << 16 | head[1] << 8 | head[2]];
            await Tls.ReadExactlyAsync(payload, limit.Token);
            // Whoever does not answer these is taken for dead, and that is not what is tried here.
            if (head[3] == Ping && head[4] == 0) await FrameAsync(Ping, 1, 0, payload);
            return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
        }
        catch (Exception e) when (e is IOException) { return null; }
    }

    public async ValueTask DisposeAsync()
    {
        await Tls.DisposeAsync();
        _tcp.Dispose();
    }
}
