using System.Net;
using System.Net.Sockets;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>A TCP server that sends back what it gets and ends when its client does.</summary>
sealed class EchoServer : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public EchoServer()
    {
        _listener.Start();
        _ = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    async Task ServeAsync()
    {
        try
        {
            while (true) _ = EchoAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException) { }
    }

    static async Task EchoAsync(TcpClient client)
    {
        using (client)
        {
            try { await client.GetStream().CopyToAsync(client.GetStream()); }
            catch (IOException) { }
        }
    }
}
