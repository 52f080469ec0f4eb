using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>Whether a read-only mount is so with all that is mounted beneath it (KEP-3857).</summary>
static class ReadOnlyMounts
{
    /// <param name="able">Whether the runtime can.</param>
    /// <exception cref="ContainerConfigException">It is asked for and cannot be had.</exception>
    public static bool IsRecursive(VolumeMount mount, bool able)
    {
        if (mount.RecursiveReadOnly is null or "" or "Disabled") return false;
        string asked = $"volume \"{mount.Name}\" requested recursive read-only mode, but it is not ";
        if (!mount.ReadOnly) throw new ContainerConfigException(asked + "read-only");
        if (mount.MountPropagation is not (null or "" or "None")) throw new ContainerConfigException($"{asked}compatible with propagation \"{mount.MountPropagation}\"");
        return mount.RecursiveReadOnly switch
        {
            "IfPossible" => able,
            "Enabled" => able ? true : throw new ContainerConfigException(asked + "supported by the runtime"),
            var mode => throw new ContainerConfigException($"unknown recursive read-only mode \"{mode}\""),
        };
    }

    /// <summary>As the status tells it: null for mounts that are not read-only.</summary>
    public static string? Told(VolumeMount mount, bool able)
    {
        if (!mount.ReadOnly) return null;
        try { return IsRecursive(mount, able) ? "Enabled" : "Disabled"; }
        catch (ContainerConfigException) { return "Disabled"; }
    }
}
