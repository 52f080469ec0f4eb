using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes;

/// <summary>One kind of volume. To add one: a file, and a line in <see cref="Catalog"/>.</summary>
interface IVolumePlugin
{
    /// <summary>Upstream's name, which is also the folder's: <c>kubernetes.io/empty-dir</c>.</summary>
    string Name { get; }

    bool Serves(Volume volume);

    /// <summary>What metrics call the kind of this one.</summary>
    string NameOf(Pod pod, Volume volume) => Name;

    /// <summary>Makes the volume, or what is missing of it.</summary>
    /// <exception cref="VolumeException">It cannot be had now; the message is upstream's behind <c>MountVolume.SetUp failed for volume "x" : </c>.</exception>
    /// <exception cref="IOException">So does the disk say; told to users alike.</exception>
    Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct);

    /// <summary>Follows changes of what the volume shows, for kinds that do.</summary>
    /// <inheritdoc cref="PrepareAsync"/>
    Task RefreshAsync(Pod pod, Volume volume, CancellationToken ct) => Task.CompletedTask;

    /// <summary>Has others take back what they did for a Pod, whichever volumes it had, by what is on disk. What is only mounted beneath the Pod's folder is unmounted without that.</summary>
    /// <exception cref="VolumeException">Not now; it is tried again.</exception>
    Task TearDownAsync(string podUid, CancellationToken ct) => Task.CompletedTask;

    /// <summary>Drops what is remembered of a Pod that is gone.</summary>
    void Forget(string podUid) { }
}
