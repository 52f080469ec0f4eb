using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet;

/// <summary>What the node agent writes to its log: faults of its own and of what it depends on, each once, where it is tried again.</summary>
static partial class KubeletLog
{
    [LoggerMessage(8001, LogLevel.Warning, "pod {Namespace}/{Name}: {Message}; tried again in {Seconds} s")]
    public static partial void PodStep(this ILogger log, string @namespace, string name, string message, double seconds, Exception? exception = null);

    [LoggerMessage(8002, LogLevel.Error, "pod {Namespace}/{Name}: a fault of the kubelet's own")]
    public static partial void PodFault(this ILogger log, string @namespace, string name, Exception exception);

    [LoggerMessage(8003, LogLevel.Warning, "status of pod {Namespace}/{Name} could not be written: {Message}")]
    public static partial void StatusNotWritten(this ILogger log, string @namespace, string name, string message);

    [LoggerMessage(8004, LogLevel.Warning, "node {Node} could not be told of: {Message}")]
    public static partial void NodeNotTold(this ILogger log, string node, string message);

    [LoggerMessage(8005, LogLevel.Warning, "the runtime could not be looked at: {Message}")]
    public static partial void Relist(this ILogger log, string message);

    [LoggerMessage(8006, LogLevel.Warning, "{Path} could not be cleaned up: {Message}")]
    public static partial void Leftover(this ILogger log, string path, string message);

    [LoggerMessage(8007, LogLevel.Warning, "container {Container}: its log could not be rotated: {Message}")]
    public static partial void Rotation(this ILogger log, string container, string message);

    [LoggerMessage(8008, LogLevel.Information, "pod {Namespace}/{Name} was refused: {Reason}: {Message}")]
    public static partial void Refused(this ILogger log, string @namespace, string name, string reason, string message);

    [LoggerMessage(8009, LogLevel.Warning, "{User} may not {Verb} {Resource} of this node: {Message}")]
    public static partial void Forbidden(this ILogger log, string user, string verb, string resource, string message);

    [LoggerMessage(8010, LogLevel.Warning, "evicting pod {Namespace}/{Name}: {Message}")]
    public static partial void Evicting(this ILogger log, string @namespace, string name, string message);

    [LoggerMessage(8011, LogLevel.Information, "image {Image} removed: {Bytes} bytes")]
    public static partial void ImageRemoved(this ILogger log, string image, ulong bytes);

    [LoggerMessage(8012, LogLevel.Warning, "image {Image} could not be removed: {Message}")]
    public static partial void ImageNotRemoved(this ILogger log, string image, string message);

    [LoggerMessage(8013, LogLevel.Error, "static pod {Path} cannot be read: {Message}")]
    public static partial void StaticPod(this ILogger log, string path, string message);

    [LoggerMessage(8014, LogLevel.Warning, "mirror of static pod {Namespace}/{Name} could not be kept: {Message}")]
    public static partial void Mirror(this ILogger log, string @namespace, string name, string message);

    [LoggerMessage(8015, LogLevel.Information, "node shuts down: ending {Pods} pods of priority {Priority} within {Seconds} s")]
    public static partial void ShuttingDown(this ILogger log, int pods, int priority, double seconds);

    [LoggerMessage(8016, LogLevel.Error, "request {Path} failed")]
    public static partial void RequestFailed(this ILogger log, string path, Exception exception);

    [LoggerMessage(8017, LogLevel.Warning, "figures of use could not be read: {Message}")]
    public static partial void NoFigures(this ILogger log, string message);

    [LoggerMessage(8018, LogLevel.Information, "plugin {Name} ({Type}) registered {How}")]
    public static partial void PluginRegistered(this ILogger log, string type, string name, string how);

    [LoggerMessage(8019, LogLevel.Warning, "plugin at {Path} is not registered: {Message}")]
    public static partial void PluginNotRegistered(this ILogger log, string path, string message);

    [LoggerMessage(8022, LogLevel.Information, "plugin {Name} ({Type}) is gone")]
    public static partial void PluginGone(this ILogger log, string type, string name);

    [LoggerMessage(8023, LogLevel.Warning, "what devices Pods have is kept in {Path}, which fails: {Message}")]
    public static partial void DeviceBookLost(this ILogger log, string path, string message);

    [LoggerMessage(8024, LogLevel.Warning, "device plugin of {Resource} is gone: {Message}")]
    public static partial void DevicePluginGone(this ILogger log, string resource, string message);

    [LoggerMessage(8025, LogLevel.Error, "socket {Path} is not served: {Message}")]
    public static partial void SocketNotServed(this ILogger log, string path, string message);

    [LoggerMessage(8026, LogLevel.Warning, "claims of pod {Uid}, which is gone, are still made ready: {Message}")]
    public static partial void ClaimsLeft(this ILogger log, string uid, string message);

    [LoggerMessage(8027, LogLevel.Warning, "resource slices of {Driver} could not be removed: {Message}")]
    public static partial void SlicesLeft(this ILogger log, string driver, string message);

    [LoggerMessage(8028, LogLevel.Warning, "CDI file {Path} is left out: {Message}")]
    public static partial void CdiFile(this ILogger log, string path, string message);

    [LoggerMessage(8040, LogLevel.Warning, "what runs of pod {Namespace}/{Name} could not be given its CPUs or memory again: {Message}")]
    public static partial void NotRestored(this ILogger log, string @namespace, string name, string message);

    [LoggerMessage(8041, LogLevel.Error, "{File}, which says who has which CPUs or memory, could not be written: {Message}")]
    public static partial void PlacementNotKept(this ILogger log, string file, string message);

    [LoggerMessage(8043, LogLevel.Warning, "a shutdown of this machine will not wait for its pods: {Message}")]
    public static partial void ShutdownNotWatched(this ILogger log, string message);

    [LoggerMessage(8044, LogLevel.Warning, "the time of the shutdown could not be written: {Message}")]
    public static partial void ShutdownNotKept(this ILogger log, string message);

    [LoggerMessage(8042, LogLevel.Warning, "container {Container} of pod {Namespace}/{Name} could not be moved to CPUs {Cpus}: {Message}")]
    public static partial void SharedCpus(this ILogger log, string @namespace, string name, string container, string cpus, string message);

    [LoggerMessage(8045, LogLevel.Warning, "cgroups of the node: {Message}")]
    public static partial void NodeCgroup(this ILogger log, string message);

    [LoggerMessage(8046, LogLevel.Error, "{Message}")]
    public static partial void DriverMismatch(this ILogger log, string message);

    [LoggerMessage(8049, LogLevel.Warning, "credential provider {Provider} gave no login for {Image}: {Message}")]
    public static partial void NoCredentials(this ILogger log, string provider, string image, string message);

    [LoggerMessage(8048, LogLevel.Warning, "port {Port} of {Address} is not served, it is tried again: {Message}")]
    public static partial void PortNotServed(this ILogger log, string address, int port, string message);

    [LoggerMessage(8047, LogLevel.Information, "the container runtime's cgroup driver is {Theirs}, the kubelet was told {Mine}: {Theirs} it is")]
    public static partial void DriverTold(this ILogger log, string theirs, string mine);
}
