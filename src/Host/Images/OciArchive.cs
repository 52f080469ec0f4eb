using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hanbae.Api;

namespace Hanbae.Host.Images;

/// <summary>What a container of the image runs, unless the pod says otherwise.</summary>
public sealed record OciConfig
{
    public IReadOnlyList<string> Entrypoint { get; init; } = [];
    public IReadOnlyList<string> Cmd { get; init; } = [];
    /// <summary><c>NAME=value</c> each.</summary>
    public IReadOnlyList<string> Env { get; init; } = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
    public string User { get; init; } = "";
    public string WorkingDir { get; init; } = "";
}

/// <summary>Writes an image with one layer as an OCI layout tar that is a docker archive as well.</summary>
public static class OciArchive
{
    /// <summary>Where containerd looks for the whole name of an image in an index.</summary>
    internal const string NameAnnotation = "io.containerd.image.name";

    /// <param name="name">In its long form: see <see cref="FullName.Of"/>.</param>
    public static async Task WriteAsync(Stream archive, OciLayer layer, OciConfig config, string name, Architecture architecture, DateTimeOffset created, CancellationToken ct)
    {
        byte[] configBlob = Object(w => WriteConfig(w, layer, config, architecture, created));
        byte[] manifest = Object(w => WriteManifest(w, layer, configBlob));
        await using var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true);
        await AddAsync(tar, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray(), created, ct);
        await AddAsync(tar, "index.json", Object(w => WriteIndex(w, manifest, name)), created, ct);
        await AddAsync(tar, "manifest.json", Json(w => WriteDocker(w, layer, configBlob, name)), created, ct);
        await AddAsync(tar, Blob(Digest(configBlob)), configBlob, created, ct);
        await AddAsync(tar, Blob(Digest(manifest)), manifest, created, ct);
        await using var content = layer.Open();
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, Blob(layer.Digest)) { DataStream = content, ModificationTime = created }, ct);
    }

    static async Task AddAsync(TarWriter tar, string name, byte[] content, DateTimeOffset modified, CancellationToken ct) =>
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content), ModificationTime = modified }, ct);

    static void WriteConfig(Utf8JsonWriter w, OciLayer layer, OciConfig config, Architecture architecture, DateTimeOffset created)
    {
        w.WriteString("created", created.ToApi());
        w.WriteString("architecture", Platform.Name(architecture));
        w.WriteString("os", "linux");
        w.WriteStartObject("config");
        Strings(w, "Env", config.Env);
        Strings(w, "Entrypoint", config.Entrypoint);
        Strings(w, "Cmd", config.Cmd);
        if (config.User.Length > 0) w.WriteString("User", config.User);
        if (config.WorkingDir.Length > 0) w.WriteString("WorkingDir", config.WorkingDir);
        w.WriteEndObject();
        w.WriteStartObject("rootfs");
        w.WriteString("type", "layers");
        Strings(w, "diff_ids", [layer.Digest]);
        w.WriteEndObject();
    }

    static void WriteManifest(Utf8JsonWriter w, OciLayer layer, byte[] config)
    {
        w.WriteNumber("schemaVersion", 2);
        w.WriteString("mediaType", "application/vnd.oci.image.manifest.v1+json");
        w.WriteStartObject("config");
        Descriptor(w, "application/vnd.oci.image.config.v1+json", Digest(config), config.Length);
        w.WriteEndObject();
        w.WriteStartArray("layers");
        w.WriteStartObject();
        Descriptor(w, "application/vnd.oci.image.layer.v1.tar", layer.Digest, layer.Size);
        w.WriteEndObject();
        w.WriteEndArray();
    }

    static void WriteIndex(Utf8JsonWriter w, byte[] manifest, string name)
    {
        w.WriteNumber("schemaVersion", 2);
        w.WriteString("mediaType", "application/vnd.oci.image.index.v1+json");
        w.WriteStartArray("manifests");
        w.WriteStartObject();
        Descriptor(w, "application/vnd.oci.image.manifest.v1+json", Digest(manifest), manifest.Length);
        w.WriteStartObject("annotations");
        w.WriteString(NameAnnotation, name);
        w.WriteString("org.opencontainers.image.ref.name", name[(name.LastIndexOf(':') + 1)..]);
        w.WriteEndObject();
        w.WriteEndObject();
        w.WriteEndArray();
    }

    static void WriteDocker(Utf8JsonWriter w, OciLayer layer, byte[] config, string name)
    {
        w.WriteStartArray();
        w.WriteStartObject();
        w.WriteString("Config", Blob(Digest(config)));
        Strings(w, "RepoTags", [name]);
        Strings(w, "Layers", [Blob(layer.Digest)]);
        w.WriteEndObject();
        w.WriteEndArray();
    }

    static void Descriptor(Utf8JsonWriter w, string mediaType, string digest, long size)
    {
        w.WriteString("mediaType", mediaType);
        w.WriteString("digest", digest);
        w.WriteNumber("size", size);
    }

    static void Strings(Utf8JsonWriter w, string name, IReadOnlyList<string> values)
    {
        if (values.Count == 0) return;
        w.WriteStartArray(name);
        foreach (string value in values) w.WriteStringValue(value);
        w.WriteEndArray();
    }

    static byte[] Object(Action<Utf8JsonWriter> members) => Json(w =>
    {
        w.WriteStartObject();
        members(w);
        w.WriteEndObject();
    });

    static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var w = new Utf8JsonWriter(stream)) write(w);
        return stream.ToArray();
    }

    static string Digest(byte[] blob) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(blob));
    static string Blob(string digest) => "blobs/" + digest.Replace(':', '/');
}

/// <summary>Platforms in the words of the image specification.</summary>
static class Platform
{
    public static string Name(Architecture architecture) => architecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "arm64",
        Architecture.Arm => "arm",
        Architecture.X86 => "386",
        _ => architecture.ToString().ToLowerInvariant(),
    };

    public static string Here => Name(RuntimeInformation.OSArchitecture);
}
