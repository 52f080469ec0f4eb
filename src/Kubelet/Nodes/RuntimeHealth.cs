using Hanbae.Api.Core.V1;
using Hanbae.Cri;
using Hanbae.Grpc;

namespace Hanbae.Kubelet.Nodes;

/// <summary>Asks the runtime how it is, and keeps the answer for those who need it often.</summary>
sealed class RuntimeHealth(ICri cri, TimeProvider time)
{
    static readonly TimeSpan s_period = TimeSpan.FromSeconds(5);

    volatile string? _network = "container runtime status check may not have completed yet";
    volatile string? _runtime = "container runtime status check may not have completed yet";

    /// <summary>Why Pods get no network; null when they do.</summary>
    public string? NetworkTrouble => _network;
    public string? RuntimeTrouble => _runtime;
    /// <summary><c>containerd://1.6.20</c>.</summary>
    public string Version { get; private set; } = "";
    public Seq<NodeRuntimeHandler> Handlers { get; private set; }
    /// <summary>What the runtime as a whole can; null where it does not say.</summary>
    public NodeFeatures? Features { get; private set; }

    /// <summary>Whether containers of a handler can have mounts that are read-only with all that is mounted beneath.</summary>
    public bool MountsReadOnlyRecursively(string handler) => Handlers.Find(h => h.Name == handler)?.Features?.RecursiveReadOnlyMounts == true;

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(s_period, time, ct).ConfigureAwait(false);
            await CheckAsync(ct).ConfigureAwait(false);
        }
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        try
        {
            if (Version.Length == 0)
            {
                var version = await cri.VersionAsync(ct).ConfigureAwait(false);
                Version = $"{version.RuntimeName}://{version.RuntimeVersion.TrimStart('v').Split('~')[0]}";
            }
            var status = await cri.StatusAsync(false, ct).ConfigureAwait(false);
            _runtime = Trouble("RuntimeReady", "container runtime not ready: ");
            _network = Trouble("NetworkReady", "container runtime network not ready: ");
            Features = status.Features is { } can ? new() { SupplementalGroupsPolicy = can.SupplementalGroupsPolicy } : null;
            Handlers = status.RuntimeHandlers.Select(h => new NodeRuntimeHandler
            {
                Name = h.Name, Features = h.Features is { } f ? new() { RecursiveReadOnlyMounts = f.RecursiveReadOnlyMounts, UserNamespaces = f.UserNamespaces } : null,
            }).OrderBy(h => h.Name, StringComparer.Ordinal).ToSeq();

            string? Trouble(string type, string prefix) => status.Status.Conditions.FirstOrDefault(c => c.Type == type) switch
            {
                { Status: true } => null,
                null => prefix + type + "=false reason: message:",
                var c => $"{prefix}{type}={(c.Status ? "true" : "false")} reason:{c.Reason} message:{c.Message}",
            };
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            _runtime = "container runtime is down: " + e.Message;
        }
    }
}
