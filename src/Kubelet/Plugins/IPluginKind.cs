namespace Hanbae.Kubelet.Plugins;

/// <summary>Takes in plugins of one type that register by a socket: CSI drivers now, devices and dynamic resources alike.</summary>
interface IPluginKind
{
    /// <summary>As plugins call it: <c>CSIPlugin</c>.</summary>
    string Type { get; }

    /// <summary>Takes the plugin in; one of that name that is known already is replaced.</summary>
    /// <exception cref="PluginException">It is not one that can be taken; the plugin is told why, and asked again later.</exception>
    /// <exception cref="Hanbae.Grpc.GrpcException">It did not answer.</exception>
    Task RegisterAsync(string name, string endpoint, IReadOnlyList<string> versions, CancellationToken ct);

    /// <summary>Its socket is gone.</summary>
    Task UnregisterAsync(string name, CancellationToken ct);
}

/// <summary>A plugin cannot be taken in.</summary>
sealed class PluginException(string message) : Exception(message);
