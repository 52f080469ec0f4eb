using System.Collections.Concurrent;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Stats;

/// <summary>How full a volume is.</summary>
/// <param name="OnNodeDisk">It lies on the disk of the node itself and counts as the Pod's ephemeral storage.</param>
sealed record VolumeUse(long Used, long Capacity, long Available, long InodesUsed, long Inodes, long InodesFree, bool OnNodeDisk)
{
    /// <summary>Whether its driver thinks it ill; null when it does not say.</summary>
    public bool? Abnormal { get; init; }
}

/// <summary>Measures Pods' volumes: file systems of their own by asking these, folders on the node's disk by adding up; each at most once a period.</summary>
/// <param name="told">How full a volume is that somebody else measures: CSI drivers.</param>
sealed class VolumeSizes(PodFolders folders, TimeSpan period, TimeProvider time, Func<string, string, VolumeUse?> told)
{
    /// <summary>Bound: one entry per Pod and volume on the node.</summary>
    readonly ConcurrentDictionary<(string Uid, string Volume), (DateTimeOffset At, VolumeUse Use)> _known = new();

    public IReadOnlyDictionary<string, VolumeUse> Of(Pod pod)
    {
        var now = time.GetUtcNow();
        var uses = new Dictionary<string, VolumeUse>();
        foreach (var volume in pod.Spec.Volumes)
        {
            var key = (pod.Metadata.Uid, volume.Name);
            if (told(pod.Metadata.Uid, volume.Name) is { } driver) uses[volume.Name] = driver;
            else if (_known.TryGetValue(key, out var known) && now - known.At < period) uses[volume.Name] = known.Use;
            else if (Measure(pod, volume) is { } use)
            {
                uses[volume.Name] = use;
                _known[key] = (now, use);
            }
        }
        if (_known.Count > 10_000) foreach (var (key, old) in _known) if (now - old.At > period * 5) _known.TryRemove(key, out _);
        return uses;
    }

    /// <summary>The claim behind a Pod's volume; null for volumes without one.</summary>
    public static string? ClaimOf(Pod pod, Volume volume) => volume.PersistentVolumeClaim?.ClaimName ?? (volume.Ephemeral is not null ? $"{pod.Metadata.Name}-{volume.Name}" : null);

    VolumeUse? Measure(Pod pod, Volume volume)
    {
        string? plugin = volume.EmptyDir is not null ? "kubernetes.io/empty-dir" : volume.ConfigMap is not null ? "kubernetes.io/configmap"
            : volume.Secret is not null ? "kubernetes.io/secret" : volume.Projected is not null ? "kubernetes.io/projected" : volume.DownwardAPI is not null ? "kubernetes.io/downward-api" : null;
        if (plugin is null) return null;
        string folder = folders.Volume(pod.Metadata.Uid, plugin, volume.Name);
        if (!Directory.Exists(folder)) return null;
        try
        {
            bool memory = volume.EmptyDir?.Medium is { Length: > 0 } || volume.Secret is not null || volume.Projected is not null || volume.DownwardAPI is not null;
            var (total, available, inodes, inodesFree) = Native.FileSystem(folder);
            if (memory) return new(total - available, total, available, inodes - inodesFree, inodes, inodesFree, OnNodeDisk: false);
            var (used, files) = Tree.Measure(folder);
            return new(used, total, available, files, inodes, inodesFree, OnNodeDisk: true);
        }
        catch (IOException) { return null; } // it goes at this moment
    }
}
