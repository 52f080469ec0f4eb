using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hanbae.Host.Images;

/// <summary>An image archive somebody hands over: what is in it, in words when it is not what it should be.</summary>
/// <param name="Names">Long names it says its images have; empty when it does not say.</param>
/// <param name="IsOci">Whether it is an OCI layout, which counts when it is a docker archive as well.</param>
public sealed record ArchiveFile(string Path, bool IsOci, IReadOnlyList<string> Names, IReadOnlyList<string> Platforms)
{
    // Manifests and configurations are a few kilobytes; what is larger is a layer.
    const int SmallBlob = 1 << 20;

    /// <exception cref="ImageException">It is not an image archive.</exception>
    public static async Task<ArchiveFile> InspectAsync(string path, CancellationToken ct)
    {
        await RequireTarAsync(path, ct);
        var small = new Dictionary<string, byte[]>();
        await using (var stream = await OpenAsync(path, ct))
        {
            await using var tar = new TarReader(stream);
            try
            {
                while (await tar.GetNextEntryAsync(copyData: false, ct) is { } entry)
                {
                    if (entry.DataStream is not { } data || entry.Length > SmallBlob) continue;
                    byte[] content = new byte[entry.Length];
                    await data.ReadExactlyAsync(content, ct);
                    small[Trim(entry.Name)] = content;
                }
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
            {
                throw new ImageException($"{path} ends early or is damaged: {e.Message}", e);
            }
        }
        return Read(path, small);
    }

    internal static ArchiveFile Read(string path, IReadOnlyDictionary<string, byte[]> small)
    {
        JsonNode? Member(string name) => small.TryGetValue(name, out byte[]? json) ? Parse(path, name, json) : null;
        JsonNode? Blob(JsonNode? descriptor) => (string?)descriptor?["digest"] is { } d ? Member("blobs/" + d.Replace(':', '/')) : null;

        if (small.ContainsKey("oci-layout") && Member("index.json")?["manifests"] is JsonArray index)
        {
            var platforms = index.SelectMany(d => Leaves(d, Blob)).Select(m => Blob(m?["config"])).Select(PlatformOf);
            return new(path, IsOci: true, [.. index.Select(NameOf).OfType<string>()], [.. platforms.OfType<string>().Distinct()]);
        }
        if (Member("manifest.json") is JsonArray images)
        {
            var platforms = images.Select(i => PlatformOf(Member(Trim((string?)i?["Config"] ?? ""))));
            var names = images.SelectMany(i => i?["RepoTags"] as JsonArray ?? []).Select(t => (string?)t).OfType<string>().Select(FullName.Of);
            return new(path, IsOci: false, [.. names], [.. platforms.OfType<string>().Distinct()]);
        }
        string hint = small.Keys.Any(k => k.StartsWith("bin/", StringComparison.Ordinal) || k.StartsWith("etc/", StringComparison.Ordinal))
            ? $"; it looks like a root file system: try `hanbae image from-rootfs {path} --name NAME`" : "";
        throw new ImageException($"{path} is a tar but no image: it has neither index.json with oci-layout (OCI layout) nor manifest.json (docker save){hint}");
    }

    // An index may list indexes: one for each platform of an image.
    static IEnumerable<JsonNode?> Leaves(JsonNode? descriptor, Func<JsonNode?, JsonNode?> blob)
    {
        JsonNode? content = blob(descriptor);
        return content?["manifests"] is JsonArray inner ? inner.SelectMany(d => Leaves(d, blob)) : [content];
    }

    static string? NameOf(JsonNode? descriptor) =>
        (string?)descriptor?["annotations"]?[OciArchive.NameAnnotation] is { } full ? FullName.Of(full)
        // Others write the whole name, or only the tag, here: a tag is no name.
        : (string?)descriptor?["annotations"]?["org.opencontainers.image.ref.name"] is { } name && name.AsSpan().IndexOfAny('/', ':') >= 0 ? FullName.Of(name)
        : null;

    static string? PlatformOf(JsonNode? config) => (string?)config?["architecture"] is { } a ? $"{(string?)config["os"] ?? "linux"}/{a}" : null;

    /// <summary>The archive uncompressed, whichever it is.</summary>
    internal static async Task<Stream> OpenAsync(string path, CancellationToken ct)
    {
        var file = File.OpenRead(path);
        byte[] start = new byte[2];
        int read = await file.ReadAtLeastAsync(start, 2, throwOnEndOfStream: false, ct);
        file.Position = 0;
        return read == 2 && start is [0x1f, 0x8b] ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    /// <exception cref="ImageException">There is no such file, or it is no tar.</exception>
    internal static async Task RequireTarAsync(string path, CancellationToken ct)
    {
        if (Directory.Exists(path)) throw new ImageException($"{path} is a folder: an image archive is a tar file, as docker save or skopeo copy … oci-archive:FILE write it");
        if (!File.Exists(path)) throw new ImageException($"there is no file {path}");
        byte[] block = new byte[512];
        int read;
        try
        {
            await using var stream = await OpenAsync(path, ct);
            read = await stream.ReadAtLeastAsync(block, block.Length, throwOnEndOfStream: false, ct);
        }
        catch (InvalidDataException e)
        {
            throw new ImageException($"{path} is damaged: {e.Message}", e);
        }
        if (read < block.Length || !block.AsSpan(257, 5).SequenceEqual("ustar"u8) && !HasChecksum(block))
            throw new ImageException($"{path} is not a tar archive, nor a gzip of one{(block.AsSpan(0, 4).SequenceEqual((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd]) ? " but zstd: unpack it first with zstd -d" : "")}");
    }

    // The oldest tar format has no magic, only the sum of its header with the sum's own place as spaces.
    static bool HasChecksum(ReadOnlySpan<byte> block)
    {
        int sum = 8 * ' ';
        for (int i = 0; i < block.Length; i++) sum += i is >= 148 and < 156 ? 0 : block[i];
        string octal = System.Text.Encoding.ASCII.GetString(block.Slice(148, 8)).Trim('\0', ' ');
        return octal.Length > 0 && octal.All(c => c is >= '0' and <= '7') && Convert.ToInt32(octal, 8) == sum;
    }

    static JsonNode? Parse(string path, string name, byte[] json)
    {
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException e)
        {
            throw new ImageException($"{name} in {path} is not JSON: {e.Message}", e);
        }
    }

    internal static string Trim(string name) => name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
}
