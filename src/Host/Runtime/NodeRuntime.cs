using Hanbae.Host.Images;

namespace Hanbae.Host.Runtime;

/// <summary>What the node's pods are run with: where it answers, and what it is called.</summary>
/// <param name="Version">Such as <c>containerd 1.6.20</c>.</param>
/// <param name="SandboxImage">What the image collection must never remove.</param>
public sealed record RuntimeReady(string Endpoint, string Version, string SandboxImage);

/// <summary>Brings up what a node stands on, in the order in which the parts need each other.</summary>
public sealed class NodeRuntime(NodePaths paths, TimeProvider time)
{
    /// <summary>Takes the data folder for this process.</summary>
    /// <exception cref="RuntimeException">The folder is somebody else's, or another hanbae runs on it.</exception>
    public void Register()
    {
        DataFolder.Claim(paths);
        if (ProcessIdentity.Read(paths.HanbaeProcess) is { IsAlive: true } other && other.Pid != Environment.ProcessId)
            throw new RuntimeException($"a cluster already runs in {paths.Data} (process {other.Pid}); stop it with `hanbae down`, or choose another folder with --data-dir");
        Directory.CreateDirectory(paths.Run);
        ProcessIdentity.Of(Environment.ProcessId)!.Write(paths.HanbaeProcess);
    }

    /// <param name="podCidrs">The node's own ranges: one IPv4, one IPv6, or one of each.</param>
    /// <param name="clusterCidrs">The ranges of all nodes together.</param>
    /// <param name="systemdCgroups">The kubelet's cgroup driver is systemd: the runtime's is to be the same.</param>
    public async Task<RuntimeReady> StartAsync(IReadOnlyList<string> podCidrs, IReadOnlyList<string> clusterCidrs, bool systemdCgroups, CancellationToken ct)
    {
        if (!Environment.IsPrivilegedProcess) throw new RuntimeException("running containers needs root: type the same again with sudo in front");
        DataFolder.Claim(paths);
        Directory.CreateDirectory(paths.Run);
        await HostFootprint.NoteAsync(ct);
        var host = HostFacts.Read(paths);
        await PodBridge.EnsureAsync(paths, podCidrs, ct);
        Cni.Write(paths, podCidrs);
        KubeletFolder.Prepare(paths);
        var egress = PodEgress.ApplyAsync(paths, podCidrs, clusterCidrs, ct);
        await new Containerd(paths, time).EnsureRunningAsync(host, PauseImage.Name, systemdCgroups, ct);
        await new ImageStore(paths.Endpoint).EnsurePauseAsync(ct);
        await egress;
        using var runtime = new NodeCri(paths.Endpoint);
        return new(paths.Endpoint, await runtime.VersionAsync(ct), PauseImage.Name);
    }

    /// <summary>Uses a runtime that is there already: nothing is configured or started, and a reset will only take our own pods from it.</summary>
    /// <exception cref="RuntimeException">Nobody answers there.</exception>
    public async Task<RuntimeReady> UseAsync(string endpoint, string sandboxImage, CancellationToken ct)
    {
        DataFolder.Claim(paths);
        KubeletFolder.Prepare(paths);
        using var runtime = new NodeCri(endpoint);
        try
        {
            return new(endpoint, await runtime.VersionAsync(ct), sandboxImage);
        }
        catch (RuntimeException e)
        {
            throw new RuntimeException($"there is no container runtime at {endpoint}: {e.Message}; give the socket of one that serves CRI, or leave the option out and Hanbae starts its own", e);
        }
    }
}
