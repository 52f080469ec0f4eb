using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

public sealed partial class FakeCri
{
    public Task<ContainerStats?> ContainerStatsAsync(string containerId, CancellationToken ct) => Do("ContainerStats", ct, () =>
        !_containers.TryFind(containerId, out var container) ? null
        : container.State == ContainerState.ContainerRunning ? Stats(container)
        : throw new GrpcException(GrpcStatus.Unknown, "unexpected metrics response: []"));

    public Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(ContainerStatsFilter? filter, CancellationToken ct) =>
        Do<IReadOnlyList<ContainerStats>>("ListContainerStats", ct, () =>
            [.. Containers(filter?.Id, filter?.PodSandboxId).Where(c => filter is null || Match(filter.LabelSelector, c.Config.Labels)).Select(Stats)]);

    public Task<PodSandboxStats?> PodSandboxStatsAsync(string sandboxId, CancellationToken ct) => Do("PodSandboxStats", ct, () =>
        !_sandboxes.TryFind(sandboxId, out var sandbox) ? null
        : sandbox.Ready ? Stats(sandbox)
        : throw new GrpcException(GrpcStatus.Unknown,
            $"failed to decode pod sandbox metrics {sandbox.Id}: " +
            $"failed to get pod sandbox stats since sandbox container \"{sandbox.Id}\" is not in ready state"));

    public Task<IReadOnlyList<PodSandboxStats>> ListPodSandboxStatsAsync(PodSandboxStatsFilter? filter, CancellationToken ct) =>
        Do<IReadOnlyList<PodSandboxStats>>("ListPodSandboxStats", ct, () =>
            [.. Sandboxes(filter?.Id).Where(s => s.Ready && (filter is null || Match(filter.LabelSelector, s.Config.Labels))).Select(Stats)]);

    /// <summary>An ended container still has its writable layer, and nothing else.</summary>
    ContainerStats Stats(FakeContainer container)
    {
        var stats = new ContainerStats { Attributes = container.ToAttributes(), WritableLayer = Usage(0) };
        if (container.State != ContainerState.ContainerRunning) return stats;
        stats.Cpu = Cpu(container);
        stats.Memory = Memory(container.Program.MemoryBytes);
        long limit = container.Resources.MemoryLimitInBytes;
        if (limit > 0) stats.Memory.AvailableBytes = Value((ulong)Math.Max(0, limit - container.Program.MemoryBytes));
        return stats;
    }

    PodSandboxStats Stats(FakeSandbox sandbox)
    {
        var running = sandbox.Containers.Where(c => c.State == ContainerState.ContainerRunning).ToList();
        var linux = new LinuxPodSandboxStats
        {
            Cpu = new() { Timestamp = Now, UsageCoreNanoSeconds = Value(0), UsageNanoCores = Value(0) },
            Memory = Memory(running.Sum(c => c.Program.MemoryBytes)),
            Process = new() { Timestamp = Now, ProcessCount = Value((ulong)running.Count + 1) },
            Containers = { running.Select(Stats) },
        };
        foreach (var cpu in running.Select(Cpu))
        {
            linux.Cpu.UsageCoreNanoSeconds.Value += cpu.UsageCoreNanoSeconds.Value;
            linux.Cpu.UsageNanoCores.Value += cpu.UsageNanoCores.Value;
        }
        if (sandbox.Addresses.Count > 0)
        {
            var eth0 = new NetworkInterfaceUsage { Name = "eth0", RxBytes = Value(0), RxErrors = Value(0), TxBytes = Value(0), TxErrors = Value(0) };
            linux.Network = new() { Timestamp = Now, DefaultInterface = eth0 };
        }
        return new() { Attributes = sandbox.ToAttributes(), Linux = linux };
    }

    CpuUsage Cpu(FakeContainer container) => new()
    {
        Timestamp = Now,
        UsageCoreNanoSeconds = Value((ulong)((Now - container.StartedAt) * container.Program.Cpu)),
        UsageNanoCores = Value((ulong)(container.Program.Cpu * 1e9)),
    };

    MemoryUsage Memory(long bytes) => new()
    {
        Timestamp = Now, WorkingSetBytes = Value((ulong)bytes), UsageBytes = Value((ulong)bytes), RssBytes = Value((ulong)bytes),
        AvailableBytes = Value(0), PageFaults = Value(0), MajorPageFaults = Value(0),
    };

    FilesystemUsage Usage(ulong bytes) => new()
    {
        Timestamp = Now, FsId = new() { Mountpoint = _options.ImageFsMountpoint }, UsedBytes = Value(bytes), InodesUsed = Value(0),
    };

    static UInt64Value Value(ulong value) => new() { Value = value };
}
