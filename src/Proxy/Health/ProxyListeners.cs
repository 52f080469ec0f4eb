using System.Net;
using System.Net.Sockets;

namespace Hanbae.Proxy.Health;

/// <summary>Opens the two ports on which kube-proxy is asked about itself: health for all, mode and figures for this machine.</summary>
/// <remarks>Another cluster of this host may have them: then nobody asks this one, and Services work all the same.</remarks>
internal sealed class ProxyListeners(ProxyOptions options, ProxyHealth health) : IAsyncDisposable
{
    readonly List<PlainServer> _open = [];

    public IReadOnlyList<int> Ports => [.. _open.Select(s => s.Port)];

    public async Task OpenAsync(CancellationToken ct)
    {
        await OpenAsync(options.Health, health.Health, "health", ct);
        await OpenAsync(options.Metrics, health.Figures, "figures", ct);
    }

    async Task OpenAsync(IPEndPoint? at, Func<string, Answer?> answer, string what, CancellationToken ct)
    {
        if (at is null) return;
        try { _open.Add(await PlainServer.StartAsync(at.Address, at.Port, answer, ct)); }
        catch (Exception e) when (e is IOException or SocketException) { options.OnTakenPort?.Invoke($"the proxy cannot be asked for {what} on port {at.Port}: {e.Message}"); }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _open) await server.DisposeAsync();
        _open.Clear();
    }
}
