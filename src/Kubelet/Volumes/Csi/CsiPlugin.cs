using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Volumes.Clouds;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>Volumes written inside of a Pod that a driver makes for it alone (KEP-596), and disks of clouds, which are drivers' now (KEP-625).</summary>
sealed class CsiPlugin(CsiVolumes volumes) : IVolumePlugin
{
    public string Name => "kubernetes.io/csi";

    /// <summary>What metrics call a driver's volumes.</summary>
    public static string NameOf(string driver) => "kubernetes.io/csi:" + driver;

    public string NameOf(Pod pod, Volume volume) => volume.Csi is { } csi ? NameOf(csi.Driver) : Name;

    public bool Serves(Volume volume) => volume.Csi is not null || CloudDisks.IsInline(volume);

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        if (volume.Csi is not null) return volumes.PrepareAsync(CsiWish.Of(pod, volume), ct);
        try
        {
            var disk = CloudDisks.Inline(volume, pod.Metadata.Namespace)!;
            return volumes.PrepareAsync(CsiWish.Of(pod, volume.Name, disk, disk.Spec.Csi!.ReadOnly), ct);
        }
        catch (FormatException e) { throw new VolumeException(e.Message, e); }
    }

    public Task RefreshAsync(Pod pod, Volume volume, CancellationToken ct) => volumes.RefreshAsync(pod.Metadata.Uid, volume.Name, ct);

    /// <summary>Of claims' volumes, too: how a volume came to be makes no difference to its end.</summary>
    public Task TearDownAsync(string podUid, CancellationToken ct) => volumes.TearDownAsync(podUid, ct);

    public void Forget(string podUid) => volumes.Forget(podUid);
}
