using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Hanbae.Server.Tests;

public sealed class FullRecordsTests
{
    const byte ApplicationData = 23;
    const int Sealed = (16 << 10) + 17; // a full record of TLS 1.3: its content, its type and the seal's sixteen bytes

    [Fact]
    public async Task A_large_answer_comes_in_full_records()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync("/api/v1/namespaces/default/configmaps", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"" + new string('x', 500_000) + "\"}}");
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(System.Net.IPAddress.Loopback, server.Address.Port);
        var tap = new Tap(tcp.GetStream());
        await using var tls = new SslStream(tap, false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync("GET /api/v1/namespaces/default/configmaps/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray());
        var answer = new MemoryStream();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await tls.CopyToAsync(answer, patience.Token);
        Assert.Contains("\r\n\r\n{\"kind\":\"ConfigMap\"", Encoding.ASCII.GetString(answer.GetBuffer(), 0, (int)Math.Min(2000, answer.Length)));
        var records = Records(tap.Heard).ToList();
        int full = records.Count(r => r == Sealed);
        Assert.True(full * 2 > records.Count, $"{full} of {records.Count} records are full");
    }

    static IEnumerable<int> Records(byte[] heard)
    {
        for (int at = 0, length; at + 5 <= heard.Length; at += 5 + length)
        {
            length = BinaryPrimitives.ReadUInt16BigEndian(heard.AsSpan(at + 3));
            if (heard[at] == ApplicationData) yield return length;
        }
    }

    /// <summary>Keeps what comes in, as it came.</summary>
    sealed class Tap(Stream inner) : Stream
    {
        readonly MemoryStream _heard = new();

        public byte[] Heard => _heard.ToArray();

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int n = inner.Read(buffer, offset, count);
            _heard.Write(buffer, offset, n);
            return n;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default)
        {
            int n = await inner.ReadAsync(buffer, ct);
            _heard.Write(buffer.Span[..n]);
            return n;
        }

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken ct = default) => inner.WriteAsync(buffer, ct);
        public override void Flush() => inner.Flush();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
