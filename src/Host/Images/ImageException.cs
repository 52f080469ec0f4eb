using Hanbae.Cri;

namespace Hanbae.Host.Images;

/// <summary>What is wrong with an image or archive, in words for the person who gave it.</summary>
public sealed class ImageException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The long form that a container runtime keeps an image under.</summary>
    /// <exception cref="ImageException">It cannot be an image name.</exception>
    public static string FullName(string name) => ImageName.Normalize(name)
        ?? throw new ImageException($"\"{name}\" is not an image name: it should look like busybox:1.35 or registry.example/team/app:v2, in lower case");
}
