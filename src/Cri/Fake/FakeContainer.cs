using Hanbae.Cri.V1;

namespace Hanbae.Cri.Fake;

/// <summary>A container's state, changed only under its runtime's lock.</summary>
internal sealed class FakeContainer(string id, FakeSandbox sandbox, ContainerConfig config, StoredImage image, FakeProgram program, long createdAt)
{
    readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;

    public FakeSandbox Sandbox => sandbox;

    public int Process { get; } = FakeSandbox.NextProcess();

    public ContainerConfig Config => config;

    public FakeProgram Program => program;

    public string Name => $"{config.Metadata.Name}_{sandbox.Base}_{config.Metadata.Attempt}";

    public ContainerState State { get; private set; } = ContainerState.ContainerCreated;

    public long StartedAt { get; private set; }

    public LinuxContainerResources Resources { get; } = Initial(config);

    /// <summary>Done once the container has exited.</summary>
    public Task Exited => _exited.Task;

    public ITimer? Timer { get; set; }

    public string? LogPath =>
        config.LogPath.Length > 0 && sandbox.Config.LogDirectory.Length > 0 ? Path.Combine(sandbox.Config.LogDirectory, config.LogPath) : null;

    long FinishedAt { get; set; }

    int ExitCode { get; set; }

    string Reason { get; set; } = "";

    string Message { get; set; } = "";

    public void Start(long now) => (State, StartedAt) = (ContainerState.ContainerRunning, now);

    public void Exit(long now, int code, string reason, string message = "")
    {
        (State, FinishedAt, ExitCode, Reason, Message) = (ContainerState.ContainerExited, now, code, reason, message);
        Timer?.Dispose();
        Timer = null;
        _exited.TrySetResult();
    }

    public Container ToItem() => new()
    {
        Id = id, PodSandboxId = sandbox.Id, Metadata = config.Metadata.Clone(), State = State, CreatedAt = createdAt,
        Image = new() { Image = image.SpecName }, ImageRef = image.Ref, ImageId = image.Id,
        Labels = { config.Labels }, Annotations = { config.Annotations },
    };

    public ContainerStatus ToStatus() => new()
    {
        Id = id, Metadata = config.Metadata.Clone(), State = State, CreatedAt = createdAt, StartedAt = StartedAt, FinishedAt = FinishedAt,
        ExitCode = ExitCode, Reason = Reason, Message = Message, Image = new() { Image = image.SpecName }, ImageRef = image.Ref, ImageId = image.Id,
        LogPath = LogPath ?? "", Resources = new() { Linux = Resources.Clone() }, Mounts = { config.Mounts.Select(m => m.Clone()) },
        Labels = { config.Labels }, Annotations = { config.Annotations },
    };

    public ContainerAttributes ToAttributes() =>
        new() { Id = id, Metadata = config.Metadata.Clone(), Labels = { config.Labels }, Annotations = { config.Annotations } };

    /// <summary>What is set replaces, what is zero stays: as runtimes merge an update.</summary>
    public void Update(LinuxContainerResources change)
    {
        Resources.MergeFrom(change);
        if (change.MemoryLimitInBytes != 0 && change.MemorySwapLimitInBytes == 0) Resources.MemorySwapLimitInBytes = change.MemoryLimitInBytes;
    }

    /// <summary>Without a swap limit asked for, containerd sets memory's, so that there is no swap.</summary>
    static LinuxContainerResources Initial(ContainerConfig config)
    {
        var resources = config.Linux?.Resources?.Clone() ?? new();
        if (resources.MemorySwapLimitInBytes == 0) resources.MemorySwapLimitInBytes = resources.MemoryLimitInBytes;
        return resources;
    }
}
