using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace Hanbae.Kit.Containerd;

/// <summary>The spec's images as one OCI archive: busybox in a single layer, and per image only what it runs.</summary>
static class SpecImages
{
    const string BusyboxPath = "/bin/busybox";
    const UnixFileMode Executable = (UnixFileMode)0b111_101_101;

    public static void Write(string path)
    {
        byte[] layer = Layer();
        using var tar = new TarWriter(File.Create(path), TarEntryFormat.Pax);
        Add(tar, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray());
        string layerDigest = AddBlob(tar, layer);
        var manifests = new List<string>();
        foreach (var (name, command) in Programs)
        {
            byte[] config = Encoding.UTF8.GetBytes(
                $$"""
                {"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":[{{string.Join(',', command.Select(Quote))}}]},
                 "rootfs":{"type":"layers","diff_ids":["{{layerDigest}}"]} }
                """);
            string configDigest = AddBlob(tar, config);
            byte[] manifest = Encoding.UTF8.GetBytes(
                $$"""
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
                 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{configDigest}}","size":{{config.Length}} },
                 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{layerDigest}}","size":{{layer.Length}} }]}
                """);
            string digest = AddBlob(tar, manifest);
            manifests.Add(
                $$"""
                {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{digest}}","size":{{manifest.Length}},
                 "annotations":{"io.containerd.image.name":"{{name}}"},"platform":{"architecture":"amd64","os":"linux"} }
                """);
        }
        Add(tar, "index.json", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{string.Join(',', manifests)}}]}"""));
    }

    static IEnumerable<(string Name, string[] Command)> Programs =>
    [
        (SpecImage.Pause, ["sleep", "2147483647"]),
        (SpecImage.Forever, ["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 1000 & wait $!; done"]),
        (SpecImage.Stubborn, ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1000; done"]),
        (SpecImage.Done, ["sh", "-c", "echo hello; echo trouble >&2"]),
        (SpecImage.Fails, ["sh", "-c", "sleep 0.3; exit 3"]),
        (SpecImage.NoSuchProgram, ["/no-such-program"]),
        (SpecImage.Spare, ["sleep", "2147483646"]),
    ];

    static byte[] Layer()
    {
        var buffer = new MemoryStream();
        using (var tar = new TarWriter(buffer, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (string directory in (string[])["bin/", "etc/", "tmp/", "proc/", "sys/", "dev/"])
                tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, directory) { Mode = Executable });
            var busybox = new MemoryStream(File.ReadAllBytes(BusyboxPath));
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = Executable, DataStream = busybox });
            foreach (string applet in (string[])["sh", "sleep", "echo", "cat", "true", "false", "id", "head", "yes"])
                tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
            Add(tar, "etc/passwd", "root:x:0:0:root:/:/bin/sh\n"u8.ToArray());
        }
        return buffer.ToArray();
    }

    static string AddBlob(TarWriter tar, byte[] content)
    {
        string hex = Convert.ToHexStringLower(SHA256.HashData(content));
        Add(tar, "blobs/sha256/" + hex, content);
        return "sha256:" + hex;
    }

    static void Add(TarWriter tar, string name, byte[] content) =>
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });

    static string Quote(string text) => '"' + text.Replace("\\", "\\\\").Replace("\"", "\\\"") + '"';
}
