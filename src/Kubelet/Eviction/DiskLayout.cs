using Hanbae.Cri.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Eviction;

/// <summary>Which disk holds what: the node's own has volumes and logs, images may have one to themselves, and what containers write lies on either.</summary>
/// <param name="Images">Where the runtime keeps images; empty until it said so.</param>
/// <param name="Containers">Where it keeps what containers write; where images are, as long as it says nothing of its own.</param>
/// <param name="ImagesApart">Images are not on the node's disk.</param>
/// <param name="LayersOnNode">Images are apart, and what containers write is on the node's disk all the same.</param>
sealed record DiskLayout(string Images, string Containers, bool ImagesApart, bool LayersOnNode)
{
    public const string NodeFs = "nodefs", ImageFs = "imagefs", ContainerFs = "containerfs";

    public static DiskLayout None { get; } = new("", "", false, false);

    /// <param name="node">A folder on the node's disk.</param>
    /// <param name="told">By the runtime; one that knows nothing of layers apart names none.</param>
    /// <param name="device">Of a folder; null where there is none.</param>
    public static DiskLayout Of(string node, ImageFsInfoResponse told, Func<string, ulong?>? device = null)
    {
        device ??= folder => folder.Length > 0 ? Native.Status(folder, follow: true)?.Device : null;
        string images = told.ImageFilesystems.FirstOrDefault()?.FsId?.Mountpoint ?? "";
        string containers = told.ContainerFilesystems.FirstOrDefault()?.FsId?.Mountpoint is { Length: > 0 } own ? own : images;
        bool apart = device(images) is { } i && device(node) is { } n && i != n;
        return new(images, containers, apart, apart && device(containers) is { } c && c != device(images));
    }

    /// <summary>Whose thresholds hold for what containers write.</summary>
    string LayersLike => ImagesApart && !LayersOnNode ? ImageFs : NodeFs;

    /// <summary>The disk that a signal is about: <c>nodefs</c> or <c>imagefs</c>; null for other signals.</summary>
    string? DiskOf(string signal) => signal.Split('.')[0] switch { ContainerFs => LayersLike, NodeFs => NodeFs, ImageFs => ImageFs, _ => null };

    /// <summary>With the thresholds of what containers write, which are those of the disk that it lies on.</summary>
    public IEnumerable<Threshold> With(IEnumerable<Threshold> thresholds)
    {
        foreach (var threshold in thresholds)
        {
            yield return threshold;
            if (threshold.Signal.StartsWith(LayersLike + ".", StringComparison.Ordinal)) yield return threshold with { Signal = ContainerFs + threshold.Signal[LayersLike.Length..] };
        }
    }

    /// <summary>Whether images that nobody uses are in the way of what is short.</summary>
    public bool ImagesCount(string signal) => DiskOf(signal) is { } disk && (!ImagesApart || disk == ImageFs);

    /// <summary>Whether what containers write is.</summary>
    public bool LayersCount(string signal) => DiskOf(signal) is { } disk && (!ImagesApart || disk == LayersLike);

    /// <summary>Whether logs and volumes are.</summary>
    public bool FilesCount(string signal) => DiskOf(signal) is { } disk && (!ImagesApart || disk == NodeFs);
}
