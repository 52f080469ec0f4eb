using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Gives Pods their volumes: each is mounted once for its Pod, beneath the Pod's folder, and bound into containers from there.</summary>
/// <remarks>
/// Every call may come again after a crash of the kubelet and must then find its own work: what is on disk and in the mount table is the
/// state, there is no other. Calls for one Pod never overlap; calls for different Pods do.
/// </remarks>
public interface IVolumes
{
    /// <summary>Mounts what is missing of the Pod's volumes. Also sets ownership for <c>fsGroup</c> where the kind of volume asks for that.</summary>
    /// <exception cref="VolumeException">A volume cannot be had now; the caller tells the user (event <c>FailedMount</c>) and tries again later.</exception>
    Task<PreparedVolumes> PrepareAsync(Pod pod, CancellationToken ct);

    /// <summary>Makes a <c>subPath</c> (expanded already) of a prepared volume safe to bind, against symbolic links that lead out of the volume.</summary>
    /// <returns>The path on the host to bind.</returns>
    /// <exception cref="VolumeException"/>
    Task<string> SubPathAsync(Pod pod, string container, VolumeMount mount, string subPath, PreparedVolumes volumes, CancellationToken ct);

    /// <summary>Brings the content of configMap, secret, downwardAPI and projected volumes up to date; called now and then while the Pod runs.</summary>
    /// <exception cref="VolumeException"/>
    Task RefreshAsync(Pod pod, CancellationToken ct);

    /// <summary>Unmounts and removes all volumes beneath the Pod's folder, also when nothing but that folder is left of the Pod.</summary>
    /// <exception cref="VolumeException">Something is still in use; the caller tries again.</exception>
    Task TearDownAsync(string podUid, CancellationToken ct);
}

/// <summary>Where a Pod's volumes are on the host.</summary>
/// <param name="ByName">By the name of the volume in the Pod's spec.</param>
public sealed record PreparedVolumes(IReadOnlyDictionary<string, PreparedVolume> ByName)
{
    public static PreparedVolumes None { get; } = new(new Dictionary<string, PreparedVolume>());
}

/// <summary>One volume, ready to be bound.</summary>
/// <param name="HostPath">A folder, or a file or device for hostPath volumes; empty for image volumes.</param>
public sealed record PreparedVolume(string HostPath)
{
    /// <summary>Bind read-only whatever the mount asks for.</summary>
    public bool ReadOnly { get; init; }
    /// <summary>A raw block volume: the container gets the device, not a mount.</summary>
    public bool IsDevice { get; init; }
    /// <summary>It lies on a server, which may stop answering: whoever looks into it must not be waited for without end.</summary>
    public bool IsRemote { get; init; }
    /// <summary>Whoever uses it has to be of this group, too.</summary>
    public long? Group { get; init; }
    /// <summary>An image volume (KEP-4639): the runtime mounts the image itself.</summary>
    public string ImageReference { get; init; } = "";
}

/// <summary>A volume cannot be prepared or removed now.</summary>
/// <param name="message">For users, in upstream's form: <c>MountVolume.SetUp failed for volume "x" : configmap "y" not found</c>.</param>
public sealed class VolumeException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What failed, as upstream calls it: <c>MountVolume.MountDevice failed for volume "x"</c>.</summary>
    public string Step { get; init; } = "SetUp";
    /// <summary>The event that tells of it; upstream has another one for volumes that are devices.</summary>
    public string Event { get; init; } = "FailedMount";
    /// <summary>Why a Pod that has not begun is not kept waiting but refused, as upstream calls it; empty for all that may come.</summary>
    public string Refusal { get; init; } = "";
    /// <summary>The volume by its own name, where that is not the one in the Pod's spec.</summary>
    public string Volume { get; init; } = "";
}
