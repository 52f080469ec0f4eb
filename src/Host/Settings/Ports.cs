using System.Net;
using System.Net.Sockets;

namespace Hanbae.Host.Settings;

/// <summary>Whether ports of this machine can be had.</summary>
static class Ports
{
    /// <returns>Null when it can be had, else why not.</returns>
    public static string? Trouble(IPEndPoint at)
    {
        try
        {
            using var probe = new TcpListener(at);
            probe.Start();
            return null;
        }
        catch (SocketException e) { return e.SocketErrorCode == SocketError.AddressAlreadyInUse ? "another program has it" : e.Message; }
    }

    public static bool IsFree(int port) => Trouble(new(IPAddress.Any, port)) is null;
}
