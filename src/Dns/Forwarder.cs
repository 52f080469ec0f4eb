using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Hanbae.Dns;

/// <summary>Asks other servers about names that are not the cluster's, and passes their answers on as they are.</summary>
internal sealed class Forwarder(DnsOptions options, TimeProvider time)
{
    const int Largest = 4096;

    /// <summary>There is somebody to ask.</summary>
    public bool Knows => options.Upstreams.Count > 0;

    /// <returns>The answer with the asker's id, or null when nobody answered.</returns>
    public async Task<byte[]?> AskAsync(ReadOnlyMemory<byte> query, bool tcp, CancellationToken ct)
    {
        foreach (var upstream in options.Upstreams)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            using var alarm = time.CreateTimer(static c => ((CancellationTokenSource)c!).Cancel(), limit, options.UpstreamTimeout, Timeout.InfiniteTimeSpan);
            try
            {
                byte[] asked = query.ToArray();
                // An id of our own: a forged answer has to guess it, and the port.
                RandomNumberGenerator.Fill(asked.AsSpan(0, 2));
                byte[] answer = tcp ? await TcpAsync(upstream, asked, limit.Token) : await UdpAsync(upstream, asked, limit.Token);
                query.Span[..2].CopyTo(answer);
                return answer;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested) { }
            catch (Exception e) when (e is SocketException or IOException) { }
        }
        return null;
    }

    static async Task<byte[]> UdpAsync(IPEndPoint server, byte[] asked, CancellationToken ct)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, ct);
        await socket.SendAsync(asked, ct);
        byte[] buffer = new byte[Largest];
        while (true)
        {
            int n = await socket.ReceiveAsync(buffer, ct);
            if (n >= 12 && buffer.AsSpan(0, 2).SequenceEqual(asked.AsSpan(0, 2))) return buffer[..n];
        }
    }

    static async Task<byte[]> TcpAsync(IPEndPoint server, byte[] asked, CancellationToken ct)
    {
        using var client = new TcpClient(server.AddressFamily);
        await client.ConnectAsync(server, ct);
        var stream = client.GetStream();
        byte[] framed = new byte[asked.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)asked.Length);
        asked.CopyTo(framed, 2);
        await stream.WriteAsync(framed, ct);
        byte[] length = new byte[2];
        await stream.ReadExactlyAsync(length, ct);
        byte[] answer = new byte[Math.Max(12, (int)BinaryPrimitives.ReadUInt16BigEndian(length))];
        await stream.ReadExactlyAsync(answer, ct);
        return answer;
    }
}
