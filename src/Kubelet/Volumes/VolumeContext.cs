using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes.Content;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes;

/// <summary>What volume plugins work with.</summary>
sealed record VolumeContext(PodFolders Folders, IPodObjects Objects, IPersistentVolumes Persistent, IMounts Mounts, TimeProvider Time)
{
    public TokenCache Tokens { get; } = new(Objects, Time);
}
