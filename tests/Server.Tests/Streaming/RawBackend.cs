using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hanbae.Server.Tests.Streaming;

/// <summary>A backend that reads one request head and then does what the test says with the bare connection.</summary>
sealed class RawBackend : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly X509Certificate2? _certificate;
    readonly Task _serving;

    public RawBackend(Func<string, Stream, Task> serve, bool tls = false)
    {
        _certificate = tls ? SelfSigned() : null;
        _listener.Start();
        _serving = ServeAsync(serve);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask<Stream> DialAsync(CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Port, ct);
        var stream = new NetworkStream(socket, ownsSocket: true);
        if (_certificate is null) return stream;
        var tls = new SslStream(stream);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "backend", RemoteCertificateValidationCallback = (_, theirs, _, _) => theirs!.GetCertHashString() == _certificate.GetCertHashString(),
        }, ct);
        return tls;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        try { await _serving; }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException) { }
        _certificate?.Dispose();
    }

    public static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) > 0) head.Append((char)one[0]);
        return head.ToString();
    }

    async Task ServeAsync(Func<string, Stream, Task> serve)
    {
        using var client = await _listener.AcceptTcpClientAsync();
        Stream stream = client.GetStream();
        if (_certificate is not null)
        {
            var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(_certificate);
            stream = tls;
        }
        await serve(await ReadHeadAsync(stream), stream);
        if (stream is SslStream ending) await ending.ShutdownAsync();
    }

    static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=backend", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
