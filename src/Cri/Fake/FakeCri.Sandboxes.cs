using System.Globalization;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

public sealed partial class FakeCri
{
    public Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken ct) => Do("RunPodSandbox", ct, () =>
    {
        if (config.Metadata is null) throw new GrpcException(GrpcStatus.Unknown, "sandbox config must include metadata");
        var sandbox = new FakeSandbox(IdTable<FakeSandbox>.NewId(), config.Clone(), runtimeHandler, Now);
        _sandboxes.Reserve(sandbox.Name, sandbox.Id);
        try
        {
            if (runtimeHandler.Length > 0 && !_options.Handlers.Contains(runtimeHandler))
                throw new GrpcException(GrpcStatus.Unknown, $"failed to get sandbox runtime: no runtime for \"{runtimeHandler}\" is configured");
            if (sandbox.Namespaces?.Network != NamespaceMode.Node) Connect(sandbox);
        }
        catch
        {
            Disconnect(sandbox);
            _sandboxes.Release(sandbox.Name);
            throw;
        }
        _sandboxes.Add(sandbox.Id, sandbox);
        Tell(ContainerEventType.ContainerCreatedEvent, sandbox.Id, sandbox);
        Tell(ContainerEventType.ContainerStartedEvent, sandbox.Id, sandbox);
        return sandbox.Id;
    });

    public Task StopPodSandboxAsync(string sandboxId, CancellationToken ct) => Do("StopPodSandbox", ct, () =>
    {
        if (_sandboxes.TryFind(sandboxId, out var sandbox)) Stop(sandbox);
        return true;
    });

    public Task RemovePodSandboxAsync(string sandboxId, CancellationToken ct) => Do("RemovePodSandbox", ct, () =>
    {
        if (!_sandboxes.TryFind(sandboxId, out var sandbox)) return false;
        Stop(sandbox);
        foreach (var container in sandbox.Containers.ToArray()) Remove(container);
        _sandboxes.Remove(sandbox.Id);
        _sandboxes.Release(sandbox.Name);
        Tell(ContainerEventType.ContainerDeletedEvent, sandbox.Id, sandbox);
        return true;
    });

    public Task<PodSandboxStatusResponse?> PodSandboxStatusAsync(string sandboxId, bool verbose, CancellationToken ct) => Do("PodSandboxStatus", ct, () =>
        !_sandboxes.TryFind(sandboxId, out var sandbox) ? null : new PodSandboxStatusResponse
        {
            Status = sandbox.ToStatus(), Timestamp = Now, ContainersStatuses = { sandbox.Containers.Select(c => c.ToStatus()) },
            Info = { verbose ? new Dictionary<string, string> { ["info"] = $"{{\"pid\":{sandbox.Process.ToString(CultureInfo.InvariantCulture)}}}" } : [] },
        });

    public Task<IReadOnlyList<PodSandbox>> ListPodSandboxAsync(PodSandboxFilter? filter, CancellationToken ct) =>
        Do<IReadOnlyList<PodSandbox>>("ListPodSandbox", ct, () =>
    [
        .. Sandboxes(filter?.Id)
            .Where(s => filter is null || ((filter.State is null || filter.State.State == s.State) && Match(filter.LabelSelector, s.Config.Labels)))
            .Select(s => s.ToItem()),
    ]);

    public Task<bool> UpdatePodSandboxResourcesAsync(UpdatePodSandboxResourcesRequest request, CancellationToken ct) =>
        Do("UpdatePodSandboxResources", ct, () =>
        {
            if (!_sandboxes.TryFind(request.PodSandboxId, out var sandbox))
                throw new GrpcException(GrpcStatus.NotFound, "failed to find sandbox: not found");
            sandbox.Config.Linux ??= new();
            sandbox.Config.Linux.Overhead = request.Overhead?.Clone();
            sandbox.Config.Linux.Resources = request.Resources?.Clone();
            return true;
        });

    public Task<string> PortForwardAsync(PortForwardRequest request, CancellationToken ct) => Do("PortForward", ct, () =>
    {
        if (!_sandboxes.TryFind(request.PodSandboxId, out var sandbox))
            throw new GrpcException(GrpcStatus.NotFound, $"failed to find sandbox \"{request.PodSandboxId}\": not found");
        return sandbox.Ready ? Stream(request) : throw new GrpcException(GrpcStatus.Unknown, "sandbox container is not running");
    });

    IEnumerable<FakeSandbox> Sandboxes(string? id) => string.IsNullOrEmpty(id) ? _sandboxes.All : _sandboxes.TryFind(id, out var one) ? [one] : [];

    void Connect(FakeSandbox sandbox)
    {
        if (_pools.Count == 0)
            throw new GrpcException(GrpcStatus.Unknown, $"failed to setup network for sandbox \"{sandbox.Id}\": cni plugin not initialized");
        foreach (var (pool, index) in _pools.Select((p, i) => (p, i)))
        {
            string ip = pool.Take() ?? throw new GrpcException(GrpcStatus.Unknown,
                $"failed to setup network for sandbox \"{sandbox.Id}\": plugin type=\"bridge\" failed (add): " +
                $"failed to allocate for range {index}: no IP addresses available in range set: {pool}");
            sandbox.Addresses.Add((ip, pool));
        }
    }

    static void Disconnect(FakeSandbox sandbox)
    {
        foreach (var (ip, pool) in sandbox.Addresses) pool.Return(ip);
        sandbox.Addresses.Clear();
    }

    void Stop(FakeSandbox sandbox)
    {
        if (!sandbox.Ready) return;
        foreach (var container in sandbox.Containers)
            if (container.State == ContainerState.ContainerRunning) Killed(container);
        Disconnect(sandbox);
        sandbox.Ready = false;
        Tell(ContainerEventType.ContainerStoppedEvent, sandbox.Id, sandbox);
    }
}
