using System.Globalization;
using System.Text;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Images;

/// <summary>What <c>image list</c> prints.</summary>
public static class ImageTable
{
    const int ShownOfId = 13;

    /// <summary>One line for each name, in order; an image that lost its names is shown by its digest.</summary>
    public static string Render(IReadOnlyList<RuntimeImage> images)
    {
        var rows = images.SelectMany(i => (i.Names.Count > 0 ? i.Names : i.Digests.Count > 0 ? i.Digests : ["<none>"])
            .Select(n => (Name: n, Id: i.Id.Replace("sha256:", "", StringComparison.Ordinal), i.Size))).OrderBy(r => r.Name, StringComparer.Ordinal).ToList();
        int width = rows.Select(r => r.Name.Length).Append("NAME".Length).Max();
        var b = new StringBuilder($"{"NAME".PadRight(width)}  {"IMAGE ID",-ShownOfId}  SIZE\n");
        foreach (var (name, id, size) in rows) b.Append($"{name.PadRight(width)}  {id[..Math.Min(id.Length, ShownOfId)],-ShownOfId}  {Human(size)}\n");
        return b.ToString();
    }

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
