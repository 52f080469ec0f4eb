using System.Globalization;
using Hanbae.Host.Progress;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Images;

/// <summary>What <c>image list</c> prints.</summary>
public static class ImageTable
{
    const int ShownOfId = 13;

    /// <summary>One line for each name, in order; an image that lost its names is shown by its digest.</summary>
    public static string Render(IReadOnlyList<RuntimeImage> images)
    {
        var rows = images.SelectMany(i => Names(i).Select(n => (string[])[n, Short(i.Id.Replace("sha256:", "", StringComparison.Ordinal)), Human(i.Size)]))
            .OrderBy(r => r[0], StringComparer.Ordinal);
        return TextTable.Of([["NAME", "IMAGE ID", "SIZE"], .. rows]);
    }

    static IReadOnlyList<string> Names(RuntimeImage image) => image.Names.Count > 0 ? image.Names : image.Digests.Count > 0 ? image.Digests : ["<none>"];

    static string Short(string id) => id[..Math.Min(id.Length, ShownOfId)];

    // In powers of ten with three digits, as docker and crictl show sizes.
    internal static string Human(long bytes)
    {
        string[] units = ["B", "kB", "MB", "GB", "TB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 999.5 && unit < units.Length - 1; unit++) value /= 1000;
        return value.ToString("G3", CultureInfo.InvariantCulture) + units[unit];
    }
}
