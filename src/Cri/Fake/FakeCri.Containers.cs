using System.Globalization;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

public sealed partial class FakeCri
{
    const int KilledCode = 137; // 128 + SIGKILL
    const int StartErrorCode = 128;

    public Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken ct) =>
        Do("CreateContainer", ct, () => Create(sandboxId, config));

    public Task StartContainerAsync(string containerId, CancellationToken ct) => Do("StartContainer", ct, () =>
    {
        var container = Found(containerId);
        if (container.State != ContainerState.ContainerCreated)
        {
            throw new GrpcException(
                GrpcStatus.Unknown, $"failed to set starting state for container \"{container.Id}\": container is in {Name(container.State)} state");
        }
        var program = container.Program;
        if (program.StartError is { } reason)
        {
            string message = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: " +
                $"unable to start container process: {reason}: unknown";
            container.Exit(Now, StartErrorCode, "StartError", message);
            throw new GrpcException(GrpcStatus.Unknown, message);
        }
        container.Start(Now);
        Log(container);
        Tell(ContainerEventType.ContainerStartedEvent, container.Id, container.Sandbox);
        if (program.ExitAfter == TimeSpan.Zero) Exited(container, program.ExitCode, program.OomKilled);
        else if (program.ExitAfter is { } after) container.Timer = _time.CreateTimer(OnTime, container, after, Timeout.InfiniteTimeSpan);
        return true;
    });

    public async Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken ct)
    {
        var wait = await Do("StopContainer", ct, () =>
        {
            if (!_containers.TryFind(containerId, out var container) || container.State != ContainerState.ContainerRunning) return null;
            if (grace <= TimeSpan.Zero) Killed(container);
            else if (container.Program.ExitCodeOnStop is { } code) Exited(container, code, false);
            else return container;
            return null;
        });
        if (wait is null) return;

        await Task.WhenAny(wait.Exited, Task.Delay(grace, _time, ct));
        ct.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (wait.State == ContainerState.ContainerRunning) Killed(wait);
        }
    }

    public Task RemoveContainerAsync(string containerId, CancellationToken ct) => Do("RemoveContainer", ct, () =>
    {
        if (!_containers.TryFind(containerId, out var container)) return false;
        if (container.State == ContainerState.ContainerRunning) Killed(container);
        Remove(container);
        return true;
    });

    public Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken ct) =>
        Do<IReadOnlyList<Container>>("ListContainers", ct, () =>
    [
        .. Containers(filter?.Id, filter?.PodSandboxId)
            .Where(c => filter is null || ((filter.State is null || filter.State.State == c.State) && Match(filter.LabelSelector, c.Config.Labels)))
            .Select(c => c.ToItem()),
    ]);

    public Task<ContainerStatusResponse?> ContainerStatusAsync(string containerId, bool verbose, CancellationToken ct) => Do("ContainerStatus", ct, () =>
        _containers.TryFind(containerId, out var container) ? new ContainerStatusResponse
        {
            Status = container.ToStatus(), Info = { verbose ? FakeSandbox.Info(container.Process) : [] },
        } : null);

    public Task UpdateContainerResourcesAsync(UpdateContainerResourcesRequest request, CancellationToken ct) => Do("UpdateContainerResources", ct, () =>
    {
        if (!_containers.TryFind(request.ContainerId, out var container)) throw new GrpcException(GrpcStatus.NotFound, "failed to find container: not found");
        if (request.Linux is { } linux && container.State != ContainerState.ContainerExited) container.Update(linux);
        return true;
    });

    public Task ReopenContainerLogAsync(string containerId, CancellationToken ct) => Do("ReopenContainerLog", ct, () =>
    {
        var container = Found(containerId);
        if (container.State != ContainerState.ContainerRunning) throw new GrpcException(GrpcStatus.Unknown, "container is not running");
        if (container.LogPath is { } path) File.AppendAllText(path, "");
        return true;
    });

    public Task CheckpointContainerAsync(string containerId, string location, TimeSpan timeout, CancellationToken ct) => Do("CheckpointContainer", ct, () =>
    {
        var container = Found(containerId);
        if (container.State != ContainerState.ContainerRunning) throw new GrpcException(GrpcStatus.Unknown, "container is not running");
        File.WriteAllText(location, containerId);
        return true;
    });

    string Create(string sandboxId, ContainerConfig config)
    {
        if (!_sandboxes.TryFind(sandboxId, out var sandbox))
            throw new GrpcException(GrpcStatus.NotFound, $"failed to find sandbox id \"{sandboxId}\": not found");
        if (!sandbox.Ready)
        {
            throw new GrpcException(
                GrpcStatus.NotFound, $"failed to get sandbox container task: no running task found: task {sandbox.Id} not found: not found");
        }
        if (config.Metadata is null) throw new GrpcException(GrpcStatus.Unknown, "container config must include metadata");

        string id = IdTable<FakeContainer>.NewId();
        string name = $"{config.Metadata.Name}_{sandbox.Base}_{config.Metadata.Attempt}";
        _containers.Reserve(name, id);
        if (_images.Find(config.Image?.Image ?? "") is not { } image)
        {
            _containers.Release(name);
            throw new GrpcException(GrpcStatus.NotFound, $"failed to resolve image \"{config.Image?.Image}\": not found");
        }
        var container = new FakeContainer(id, sandbox, config.Clone(), image, image.Image.Program, Now);
        _containers.Add(id, container);
        sandbox.Containers.Add(container);
        Tell(ContainerEventType.ContainerCreatedEvent, id, sandbox);
        return id;
    }

    IEnumerable<FakeContainer> Containers(string? id, string? sandboxId)
    {
        IEnumerable<FakeContainer> found = string.IsNullOrEmpty(id) ? _containers.All : _containers.TryFind(id, out var one) ? [one] : [];
        if (string.IsNullOrEmpty(sandboxId)) return found;
        return _sandboxes.TryFind(sandboxId, out var sandbox) ? found.Where(c => c.Sandbox == sandbox) : [];
    }

    FakeContainer Found(string id) => _containers.TryFind(id, out var container)
        ? container
        : throw new GrpcException(GrpcStatus.NotFound, $"an error occurred when try to find container \"{id}\": not found");

    /// <param name="doing">Which call's words to use.</param>
    FakeContainer Running(string id, string doing)
    {
        if (!_containers.TryFind(id, out var container))
            throw new GrpcException(GrpcStatus.NotFound, $"{doing}failed to find container \"{id}\" in store: not found");
        return container.State == ContainerState.ContainerRunning
            ? container
            : throw new GrpcException(GrpcStatus.Unknown, $"{doing}container is in {Name(container.State)} state");
    }

    void OnTime(object? state)
    {
        var container = (FakeContainer)state!;
        lock (_gate)
        {
            if (container.State == ContainerState.ContainerRunning) Exited(container, container.Program.ExitCode, container.Program.OomKilled);
        }
    }

    void Killed(FakeContainer container) => Exited(container, KilledCode, false);

    void Exited(FakeContainer container, int code, bool oomKilled)
    {
        container.Exit(Now, code, oomKilled ? "OOMKilled" : code == 0 ? "Completed" : "Error");
        Tell(ContainerEventType.ContainerStoppedEvent, container.Id, container.Sandbox);
    }

    void Remove(FakeContainer container)
    {
        container.Timer?.Dispose();
        _containers.Remove(container.Id);
        _containers.Release(container.Name);
        container.Sandbox.Containers.Remove(container);
        Tell(ContainerEventType.ContainerDeletedEvent, container.Id, container.Sandbox);
    }

    /// <summary>In CRI's log format: time, stream, F for a full line, text.</summary>
    void Log(FakeContainer container)
    {
        if (container.Program.Output.Count == 0 || container.LogPath is not { } path) return;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string time = _time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffffff00Z", CultureInfo.InvariantCulture);
        File.AppendAllLines(path, container.Program.Output.Select(line => $"{time} {line.Stream} F {line.Text}"));
    }

    static string Name(ContainerState state) => state switch
    {
        ContainerState.ContainerCreated => "CONTAINER_CREATED",
        ContainerState.ContainerRunning => "CONTAINER_RUNNING",
        ContainerState.ContainerExited => "CONTAINER_EXITED",
        _ => "CONTAINER_UNKNOWN",
    };
}
