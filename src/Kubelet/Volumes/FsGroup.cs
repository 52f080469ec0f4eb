using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Lets a Pod's <c>fsGroup</c> use a volume: everything belongs to the group, and what is made in a folder later does too (setgid).</summary>
static class FsGroup
{
    const uint ReadWrite = 0x1B0 /* 0660 */, Read = 0x120 /* 0440 */, Enter = 0x48 /* 0110 */, SetGroup = 0x400 /* 02000 */;

    /// <summary>The permissions a file or folder is to have in addition to its own.</summary>
    public static uint Wanted(FileStatus file, bool readOnly)
    {
        uint mask = readOnly ? Read : ReadWrite;
        return file.IsFolder ? mask | SetGroup | Enter : mask;
    }

    /// <summary>Whether the top of a volume shows that all of it is done: with <c>OnRootMismatch</c>, and for volumes that began empty, it is not walked again (KEP-695).</summary>
    public static bool Matches(FileStatus top, long group, bool readOnly) =>
        top.Group == (uint)group && (top.Permissions & Wanted(top, readOnly)) == Wanted(top, readOnly);

    /// <exception cref="IOException"/>
    public static void Apply(string folder, long group, bool readOnly, CancellationToken ct) =>
        Tree.Visit(folder, (item, status) =>
        {
            if (status.Group != (uint)group && Native.Own(item, -1, group) is not 0 and var error) return error;
            if (status.IsLink) return 0;
            uint mode = status.Permissions | Wanted(status, readOnly);
            return mode == status.Permissions && status.Group == (uint)group ? 0 : Native.SetMode(item, mode); // a change of group takes setgid away
        }, ct);

    /// <summary>Gives a volume to the Pod's group, if it has one, unless the Pod wants it left as it is where the top shows that it was done (KEP-695).</summary>
    /// <exception cref="IOException"/>
    public static void Give(string folder, Pod pod, CancellationToken ct)
    {
        if (pod.Spec.SecurityContext is not { FsGroup: { } group } security) return;
        bool done = security.FsGroupChangePolicy == "OnRootMismatch" && Native.Status(folder) is { } top && Matches(top, group, readOnly: false);
        if (!done) Apply(folder, group, readOnly: false, ct);
    }

    /// <summary>The user of all the Pod's containers, when there is only one: token files become his (upstream's rule, KEP-1205).</summary>
    public static long? SingleUser(Pod pod)
    {
        long? user = null;
        long? ofPod = pod.Spec.SecurityContext?.RunAsUser;
        foreach (var own in pod.Spec.InitContainers.Concat(pod.Spec.Containers).Select(c => c.SecurityContext?.RunAsUser)
                     .Concat(pod.Spec.EphemeralContainers.Select(e => e.SecurityContext?.RunAsUser)))
        {
            if ((own ?? ofPod) is not { } mine || (user is { } other && other != mine)) return null;
            user = mine;
        }
        return user;
    }
}
