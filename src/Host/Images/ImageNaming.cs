using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;

namespace Hanbae.Host.Images;

/// <summary>Says in an archive itself which names its images are to have, where containerd reads them.</summary>
static class ImageNaming
{
    /// <summary>Copies an archive, uncompressed; its list of images is changed when the names are not all there, or another is asked for.</summary>
    public static async Task CopyAsync(ArchiveFile archive, string? name, Stream to, CancellationToken ct)
    {
        await using var from = await ArchiveFile.OpenAsync(archive.Path, ct);
        // containerd names docker archives as we do; in an index it wants the whole name under its own annotation.
        if (name is null && !archive.IsOci)
        {
            await from.CopyToAsync(to, ct);
            return;
        }
        await using var reader = new TarReader(from);
        await using var writer = new TarWriter(to, TarEntryFormat.Pax, leaveOpen: true);
        while (await reader.GetNextEntryAsync(copyData: false, ct) is { } entry)
        {
            TarEntry copy = entry;
            string member = ArchiveFile.Trim(entry.Name);
            if (member == (archive.IsOci ? "index.json" : "manifest.json") && entry.DataStream is { } data)
            {
                string json = await new StreamReader(data).ReadToEndAsync(ct);
                string named = archive.IsOci ? NameIndex(json, name) : NameDocker(json, name!);
                copy = new PaxTarEntry(TarEntryType.RegularFile, member) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(named)) };
            }
            await writer.WriteEntryAsync(copy, ct);
        }
    }

    internal static string NameIndex(string json, string? name)
    {
        var index = JsonNode.Parse(json)!;
        foreach (var descriptor in index["manifests"]!.AsArray())
        {
            if (descriptor!["annotations"] is not JsonObject annotations) descriptor["annotations"] = annotations = [];
            string? full = name ?? (string?)annotations[OciArchive.NameAnnotation] ?? (string?)annotations["org.opencontainers.image.ref.name"];
            if (full is not null && (name is not null || full.AsSpan().IndexOfAny('/', ':') >= 0)) annotations[OciArchive.NameAnnotation] = FullName.Of(full);
        }
        return index.ToJsonString();
    }

    internal static string NameDocker(string json, string name)
    {
        var images = JsonNode.Parse(json)!;
        foreach (var image in images.AsArray()) image!["RepoTags"] = new JsonArray(JsonValue.Create(name));
        return images.ToJsonString();
    }
}
