using System.Net.Sockets;

namespace Hanbae.Kubelet.Probes;

/// <summary>Asks whether a port accepts connections.</summary>
static class TcpProbe
{
    public static async Task<(ProbeVerdict Verdict, string Output)> RunAsync(string host, int port, TimeSpan timeout, TimeProvider time, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(host, port, either.Token).ConfigureAwait(false);
            return (ProbeVerdict.Success, "");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { return (ProbeVerdict.Failure, $"dial tcp {ProbeTarget.Host(host)}:{port}: i/o timeout"); }
        catch (SocketException e) { return (ProbeVerdict.Failure, $"dial tcp {ProbeTarget.Host(host)}:{port}: connect: {Words(e)}"); }
    }

    /// <summary>In the kernel's words, as Go prints them.</summary>
    public static string Words(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostUnreachable => "no route to host",
        SocketError.NetworkUnreachable => "network is unreachable",
        SocketError.ConnectionReset => "connection reset by peer",
        SocketError.TimedOut => "connection timed out",
        _ => e.Message,
    };
}
