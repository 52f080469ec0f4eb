using System.Net.Sockets;
using System.Text;
using Hanbae.Cri.Devices;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;
using Hanbae.Kubelet.Plugins;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Devices;

/// <summary>Takes device plugins in: those that call the kubelet at <c>device-plugins/kubelet.sock</c>, and those that put a socket into its registry.</summary>
/// <remarks>
/// Every start makes the folder empty, but for the checkpoint, and the socket anew: this is what plugins watch for to register again.
/// Bound: one dial at a time per registration; a plugin that does not answer is left to register again.
/// </remarks>
sealed class DevicePluginServer(string folder, DevicePlugins plugins, ILogger log) : IPluginKind
{
    /// <summary>The kernel keeps no more of a socket's path.</summary>
    const int LongestPath = 107;

    static readonly TimeSpan s_dial = TimeSpan.FromSeconds(10);

    public string Type => "DevicePlugin";

    string Socket => Path.Combine(folder, "kubelet.sock");

    /// <summary>Serves until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        if (Encoding.UTF8.GetByteCount(Socket) > LongestPath)
        {
            // The node is of use without devices; only their plugins cannot come this way.
            log.SocketNotServed(Socket, $"its path has more than {LongestPath} bytes: choose a shorter data folder");
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false);
        }
        foreach (string old in Directory.EnumerateFiles(folder))
            if (Path.GetFileName(old) != DeviceBook.FileName) File.Delete(old);
        var service = new GrpcService().Unary(DevicePluginMethods.Register, (request, _) => Task.FromResult(Register(request, ct)));
        await using var server = await GrpcServer.StartAsync("unix://" + Socket, service, ct: ct).ConfigureAwait(false);
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false);
    }

    /// <summary>Answered before the plugin is asked anything, as upstream: plugins of one thread can only then answer.</summary>
    Empty Register(RegisterRequest request, CancellationToken ct)
    {
        try
        {
            Check(request.ResourceName, [request.Version]);
        }
        catch (PluginException e)
        {
            log.PluginNotRegistered(request.ResourceName, e.Message);
            throw new GrpcException(GrpcStatus.Unknown, e.Message);
        }
        _ = ConnectAsync(request, ct);
        return new();
    }

    async Task ConnectAsync(RegisterRequest request, CancellationToken ct)
    {
        string socket = Path.Combine(folder, request.Endpoint);
        try
        {
            using var dial = CancellationTokenSource.CreateLinkedTokenSource(ct);
            dial.CancelAfter(s_dial);
            await plugins.ConnectAsync(request.ResourceName, socket, dial.Token).ConfigureAwait(false);
            log.PluginRegistered(Type, request.ResourceName, "anew");
        }
        catch (Exception e) when (e is GrpcException or IOException or SocketException or OperationCanceledException)
        {
            if (!ct.IsCancellationRequested) log.PluginNotRegistered(socket, e.Message);
        }
    }

    public async Task RegisterAsync(string name, string endpoint, IReadOnlyList<string> versions, CancellationToken ct)
    {
        Check(name, versions);
        await plugins.ConnectAsync(name, endpoint, ct).ConfigureAwait(false);
    }

    public Task UnregisterAsync(string name, CancellationToken ct)
    {
        plugins.Disconnect(name);
        return Task.CompletedTask;
    }

    static void Check(string resource, IReadOnlyList<string> versions)
    {
        if (!versions.Contains(DevicePluginMethods.Version))
            throw new PluginException($"requested API version \"{string.Join(',', versions)}\" is not supported by kubelet. Supported version is [\"{DevicePluginMethods.Version}\"]");
        if (!ResourceNames.IsExtended(resource)) throw new PluginException($"the ResourceName \"{resource}\" is invalid");
    }
}
