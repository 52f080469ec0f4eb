namespace Hanbae.Kubelet.Volumes;

/// <summary>Knows which runtimes leave images as volumes to the kubelet.</summary>
static class ImageVolumes
{
    /// <param name="runtime">As the node tells it: <c>containerd://1.6.20</c>.</param>
    public static bool NeedsUs(string runtime) =>
        runtime.StartsWith("containerd://", StringComparison.Ordinal) && Version.TryParse(runtime["containerd://".Length..].Split('-', '~', '+')[0], out var version) && version < new Version(2, 1);
}
