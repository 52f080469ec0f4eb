using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Local;

/// <summary>A local volume is of the group of the first Pod on the node that has it: as upstream, a second does not take it away.</summary>
static class LocalGroup
{
    /// <summary>Before the volume is bound for the Pod, so that what is bound is done: what containers did to it since is not undone after a restart.</summary>
    /// <param name="folder">The volume.</param>
    /// <param name="target">Where it will be bound.</param>
    /// <exception cref="IOException"/>
    public static void Give(VolumeContext context, Pod pod, string volume, string folder, string target, CancellationToken ct)
    {
        if (pod.Spec.SecurityContext?.FsGroup is not { } group || Native.Status(folder) is not { } top) return;
        var mounts = MountTable.Read();
        if (mounts.At(target) is not null && Native.Status(target) is { } there && there.IsSameFile(top)) return;
        string pods = context.Folders.Pods + "/", place = target[context.Folders.Pod(pod.Metadata.Uid).Length..];
        if (!mounts.Any(m => m.Path != target && m.Path.StartsWith(pods, StringComparison.Ordinal) && m.Path.EndsWith(place, StringComparison.Ordinal))) FsGroup.Give(folder, pod, ct);
        else if (top.Group != (uint)group)
            context.Events?.Event(pod, "Warning", "AlreadyMountedVolume", $"The requested fsGroup is {group}, but the volume {volume} has GID {top.Group}. The volume may not be shareable.");
    }
}
