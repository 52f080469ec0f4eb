namespace Hanbae.Host.Images;

/// <summary>The images that the kubelet's garbage collection never removes, however full the disk is: a file of names beside the kubelet's data.</summary>
public sealed class PinnedImages(string kubeletFolder)
{
    /// <summary>As the kubelet looks for it.</summary>
    string FilePath => Path.Combine(kubeletFolder, "pinned-images");

    public IReadOnlyList<string> Names => File.Exists(FilePath) ? [.. File.ReadAllLines(FilePath).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')] : [];

    /// <returns>The full name.</returns>
    /// <exception cref="ImageException">It is no name.</exception>
    public string Pin(string image)
    {
        string name = FullName.Of(image);
        if (!Names.Contains(name)) Write([.. Names, name]);
        return name;
    }

    /// <inheritdoc cref="Pin"/>
    public string Unpin(string image)
    {
        string name = FullName.Of(image);
        if (!Names.Contains(name)) throw new ImageException($"{name} is not pinned; pinned are: {(Names.Count == 0 ? "none" : string.Join(", ", Names))}");
        Write([.. Names.Where(n => n != name)]);
        return name;
    }

    void Write(IEnumerable<string> names)
    {
        Directory.CreateDirectory(kubeletFolder);
        File.WriteAllLines(FilePath + "~", names);
        File.Move(FilePath + "~", FilePath, overwrite: true);
    }
}
