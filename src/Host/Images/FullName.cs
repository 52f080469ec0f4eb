using Hanbae.Cri;

namespace Hanbae.Host.Images;

/// <summary>Image names in the long form that a container runtime keeps them under.</summary>
public static class FullName
{
    /// <exception cref="ImageException">It cannot be an image name.</exception>
    public static string Of(string name) => ImageName.Normalize(name)
        ?? throw new ImageException($"\"{name}\" is not an image name: it should look like busybox:1.35 or registry.example/team/app:v2, in lower case");
}
