using System.Net;
using System.Net.Sockets;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>The two ends of a TCP connection.</summary>
static class Loopback
{
    public static async Task<(NetworkStream Client, NetworkStream Server)> PairAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndPoint!);
        var server = await listener.AcceptAsync();
        server.NoDelay = true;
        return (new(client, true), new(server, true));
    }
}
