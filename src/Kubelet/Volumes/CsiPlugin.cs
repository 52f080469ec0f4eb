using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Inline CSI volumes: no driver can register yet, so each is told as upstream tells a driver that has not.</summary>
sealed class CsiPlugin : IVolumePlugin
{
    public string Name => "kubernetes.io/csi";

    public bool Serves(Volume volume) => volume.Csi is not null;

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct) => throw NoDriver(volume.Csi!.Driver);

    public static VolumeException NoDriver(string driver) =>
        new($"kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name {driver} not found in the list of registered CSI drivers");
}
