using Hanbae.Api.Core.V1;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Stats;

/// <summary>What one container uses.</summary>
/// <param name="Rate">Processor time per second, in nanoseconds, since the reading before; null at the first.</param>
sealed record ContainerUse(RuntimeContainer Container, string Path, CgroupFigures Figures, long? Rate, long WritableBytes, long WritableInodes, long LogBytes)
{
    public string Name => Container.Name;
}

/// <summary>What one Pod uses.</summary>
sealed record PodUse(Pod Pod, string Path, CgroupFigures? Figures, long? Rate, IReadOnlyList<ContainerUse> Containers, IReadOnlyList<NetworkFigures> Network, RuntimeSandbox? Sandbox)
{
    /// <summary>By the name of the volume: bytes on disk; only of volumes that are the Pod's own.</summary>
    public IReadOnlyDictionary<string, VolumeUse> Volumes { get; init; } = new Dictionary<string, VolumeUse>();
    public long WorkingSet => Figures?.WorkingSet ?? Containers.Sum(c => c.Figures.WorkingSet);
    /// <summary>Written layers, logs, and volumes on the node's disk.</summary>
    public long DiskBytes => Containers.Sum(c => c.WritableBytes + c.LogBytes) + Volumes.Values.Where(v => v.OnNodeDisk).Sum(v => v.Used);
}

/// <summary>What a part of the node uses.</summary>
sealed record SystemUse(string Name, CgroupFigures Figures, long? Rate);

/// <summary>All readings of one moment.</summary>
sealed record NodeUse(DateTimeOffset At, TimeSpan Window, long CpuNanoseconds, long? CpuRate, IReadOnlyList<PodUse> Pods)
{
    /// <summary>What is not a Pod: <c>kubelet</c>, <c>runtime</c>, <c>misc</c> where the rest has a cgroup of its own, and all Pods together, <c>pods</c>.</summary>
    public IReadOnlyList<SystemUse> Systems { get; init; } = [];

    public static NodeUse None { get; } = new(DateTimeOffset.UnixEpoch, TimeSpan.Zero, 0, null, []);
}

/// <summary>Reads what Pods use, straight from the kernel's files; the runtime is asked only for what is not there (written layers).</summary>
/// <remarks>A reading serves everyone who asks within <see cref="s_fresh"/>; nobody asking, nothing is read. Memory: the last reading and the one before.</remarks>
sealed class PodSampler(KubeletOptions options, ICri cri, Func<IEnumerable<PodWorker>> workers, TimeProvider time, ILogger log, Func<string, string, VolumeUse?>? volumes = null)
{
    static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(5);

    readonly CgroupReader _reader = new(options.CgroupMount);
    readonly SemaphoreSlim _turn = new(1);
    readonly VolumeSizes _volumes = new(options.Folders, options.VolumeStatsPeriod, time, volumes ?? ((_, _) => null));
    NodeUse _last = NodeUse.None, _before = NodeUse.None;

    /// <summary>What all Pods use together, now; null without their cgroup.</summary>
    public CgroupFigures? AllPods() => _reader.Read(Path.GetDirectoryName(CgroupNames.Folder(options, "Guaranteed", ""))!);

    /// <summary>What the container at this path holds open, now.</summary>
    public OpenFiles Open(string path) => _reader.Open(path);

    /// <summary>Not older than a few seconds.</summary>
    public async Task<NodeUse> ReadAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var now = time.GetUtcNow();
            if (now - _last.At < s_fresh) return _last;
            var use = await SampleAsync(now, ct).ConfigureAwait(false);
            (_before, _last) = (_last, use);
            return use;
        }
        finally { _turn.Release(); }
    }

    async Task<NodeUse> SampleAsync(DateTimeOffset now, CancellationToken ct)
    {
        var layers = await LayersAsync(ct).ConfigureAwait(false);
        var before = _last.Pods.SelectMany(p => p.Containers).ToDictionary(c => c.Container.Id, c => c.Figures.CpuUsage);
        var beforePods = _last.Pods.Where(p => p.Figures is not null).ToDictionary(p => p.Pod.Metadata.Uid, p => p.Figures!.CpuUsage);
        var passed = now - _last.At;
        var pods = new List<PodUse>();
        foreach (var worker in workers())
        {
            if (worker.Runtime is not { } runtime || worker.Pod.Spec.NodeName.Length == 0) continue;
            var pod = worker.Pod;
            string folder = CgroupNames.Folder(options, PodQos.Of(pod.Spec), pod.Metadata.Uid);
            var containers = new List<ContainerUse>();
            foreach (var c in runtime.Containers.Where(c => c.State == RuntimeState.Running))
            {
                string path = PathOf(folder, c.Id);
                if ((_reader.Read(path) ?? FromRuntime(layers.GetValueOrDefault(c.Id))) is not { } figures) continue;
                var layer = layers.GetValueOrDefault(c.Id)?.WritableLayer;
                containers.Add(new(c, path, figures, Rate(before, c.Id, figures.CpuUsage), (long)(layer?.UsedBytes?.Value ?? 0), (long)(layer?.InodesUsed?.Value ?? 0), LogBytes(c.LogPath)));
            }
            if (containers.Count == 0 && runtime.Sandbox is not { Ready: true }) continue;
            var whole = _reader.Read(folder);
            var network = !pod.Spec.HostNetwork && runtime.Sandbox is { Ready: true } s && _reader.Process(PathOf(folder, s.Id)) is { } pid ? NetworkFigures.Of(pid) : [];
            pods.Add(new(pod, folder, whole, whole is null ? null : Rate(beforePods, pod.Metadata.Uid, whole.CpuUsage), containers, network, runtime.Sandbox) { Volumes = _volumes.Of(pod) });
        }
        long cpu = NodeFigures.CpuNanoseconds();
        var earlierSystems = _last.Systems.ToDictionary(s => s.Name, s => s.Figures.CpuUsage);
        var systems = new List<SystemUse>();
        (string Name, CgroupFigures? Figures)[] parts =
        [
            ("kubelet", ProcessFigures.Of(Environment.ProcessId)), ("runtime", ProcessFigures.Of(ProcessFigures.Behind(options.RuntimeEndpoint))),
            ("misc", options.SystemCgroups.Length > 0 ? _reader.Read(options.SystemCgroups) : null), ("pods", AllPods()),
        ];
        foreach (var (name, figures) in parts)
            if (figures is not null) systems.Add(new(name, figures, Rate(earlierSystems, name, figures.CpuUsage)));
        return new(now, passed, cpu, _last.CpuNanoseconds == 0 || passed <= TimeSpan.Zero ? null : (long)((cpu - _last.CpuNanoseconds) / passed.TotalSeconds), pods) { Systems = systems };

        long? Rate(Dictionary<string, long> earlier, string id, long usage) =>
            earlier.TryGetValue(id, out long was) && passed > TimeSpan.Zero && usage >= was ? (long)((usage - was) / passed.TotalSeconds) : null;
    }

    /// <summary>The cgroup of a container or sandbox, by the name that this runtime gives it.</summary>
    string PathOf(string folder, string id)
    {
        var names = CgroupNames.Containers(options, folder, id).ToList();
        return names.Find(_reader.Exists) ?? names[0];
    }

    async Task<Dictionary<string, Cri.V1.ContainerStats>> LayersAsync(CancellationToken ct)
    {
        try { return (await cri.ListContainerStatsAsync(null, ct).ConfigureAwait(false)).Where(s => s.Attributes is not null).GroupBy(s => s.Attributes.Id).ToDictionary(g => g.Key, g => g.First()); }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            log.NoFigures(e.Message);
            return [];
        }
    }

    /// <summary>For runtimes whose containers have no cgroup that we can read.</summary>
    static CgroupFigures? FromRuntime(Cri.V1.ContainerStats? stats) => stats is null ? null : new()
    {
        CpuUsage = (long)(stats.Cpu?.UsageCoreNanoSeconds?.Value ?? 0),
        MemoryUsage = (long)(stats.Memory?.UsageBytes?.Value ?? stats.Memory?.WorkingSetBytes?.Value ?? 0),
        InactiveFile = Math.Max((long)(stats.Memory?.UsageBytes?.Value ?? 0) - (long)(stats.Memory?.WorkingSetBytes?.Value ?? 0), 0),
        Rss = (long)(stats.Memory?.RssBytes?.Value ?? 0), PageFaults = (long)(stats.Memory?.PageFaults?.Value ?? 0), MajorPageFaults = (long)(stats.Memory?.MajorPageFaults?.Value ?? 0),
    };

    static long LogBytes(string path)
    {
        try { return path.Length > 0 && Path.GetDirectoryName(path) is { } folder && Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles().Sum(f => f.Length) : 0; }
        catch (IOException) { return 0; } // rotated at this moment
    }
}
