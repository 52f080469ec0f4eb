using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Tests.Images;

public sealed class ArchiveTests
{
    static readonly TimeProvider Clock = TimeProvider.System;

    [Fact]
    public async Task A_folder_becomes_a_layer_with_its_modes_and_links()
    {
        using var scratch = new Scratch();
        string root = Directory.CreateDirectory(scratch / "root").FullName;
        Directory.CreateDirectory(root + "/tmp", (UnixFileMode)0x3FF);
        File.SetUnixFileMode(root + "/tmp", (UnixFileMode)0x3FF);
        Directory.CreateDirectory(root + "/bin");
        File.WriteAllText(root + "/bin/busybox", "#!");
        File.SetUnixFileMode(root + "/bin/busybox", (UnixFileMode)0x9ED); // setuid, rwxr-xr-x
        File.CreateSymbolicLink(root + "/bin/sh", "busybox");
        File.CreateSymbolicLink(root + "/bin/dangling", "/nowhere");
        await Tool.RunAsync("ln", [root + "/bin/busybox", root + "/bin/hard"]);

        await RootfsImage.BuildAsync(root, "busybox:1.35", new() { Cmd = ["sh"], Env = ["A=b"] }, scratch / "image.tar", Clock, default);

        var entries = await LayerEntriesAsync(scratch / "image.tar");
        Assert.Equal((TarEntryType.Directory, (UnixFileMode)0x3FF), (entries["tmp/"].EntryType, entries["tmp/"].Mode));
        Assert.Equal((TarEntryType.RegularFile, (UnixFileMode)0x9ED), (entries["bin/busybox"].EntryType, entries["bin/busybox"].Mode));
        Assert.Equal((TarEntryType.SymbolicLink, "busybox"), (entries["bin/sh"].EntryType, entries["bin/sh"].LinkName));
        Assert.Equal("/nowhere", entries["bin/dangling"].LinkName);
        Assert.Equal((TarEntryType.HardLink, "bin/busybox"), (entries["bin/hard"].EntryType, entries["bin/hard"].LinkName));
        var read = await ArchiveFile.InspectAsync(scratch / "image.tar", default);
        Assert.Equal(["docker.io/library/busybox:1.35"], read.Names);
        Assert.Equal(["linux/" + Platform.Here], read.Platforms);
        Assert.Empty(Directory.EnumerateFiles(scratch.Folder, "hanbae-layer-*"));
    }

    [Fact]
    public async Task A_gzip_tar_of_a_root_becomes_the_layer_it_was()
    {
        using var scratch = new Scratch();
        byte[] tar = TarOf(("etc/passwd", "root:x:0:0::/:/bin/sh"));
        await using (var zip = new GZipStream(File.Create(scratch / "root.tgz"), CompressionMode.Compress)) await zip.WriteAsync(tar);

        await RootfsImage.BuildAsync(scratch / "root.tgz", "app", new(), scratch / "image.tar", Clock, default);

        Assert.Equal(["etc/passwd"], (await LayerEntriesAsync(scratch / "image.tar")).Keys);
    }

    [Fact]
    public async Task What_is_no_image_is_refused_in_words()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch / "text", new string('x', 2000));
        File.WriteAllBytes(scratch / "root.tar", TarOf(("etc/passwd", "x")));
        File.WriteAllBytes(scratch / "other.tar", TarOf(("notes.txt", "x")));
        File.WriteAllBytes(scratch / "cut.tar", TarOf(("oci-layout", "{}"), ("index.json", new string(' ', 3000)))[..1800]);
        File.WriteAllBytes(scratch / "bad.tar", TarOf(("manifest.json", "{")));

        Assert.EndsWith("is not a tar archive, nor a gzip of one", await RefusalAsync(scratch / "text"));
        Assert.Contains("try `hanbae image from-rootfs", await RefusalAsync(scratch / "root.tar"));
        Assert.Contains("neither index.json with oci-layout (OCI layout) nor manifest.json", await RefusalAsync(scratch / "other.tar"));
        Assert.Contains("ends early or is damaged", await RefusalAsync(scratch / "cut.tar"));
        Assert.Contains("manifest.json in", await RefusalAsync(scratch / "bad.tar"));
        Assert.Contains("there is no file", await RefusalAsync(scratch / "missing.tar"));
        Assert.Contains("is a folder", await RefusalAsync(scratch.Folder));
    }

    [Fact]
    public async Task An_image_for_another_machine_is_refused_before_containerd_sees_it()
    {
        using var scratch = new Scratch();
        File.WriteAllBytes(scratch / "arm.tar", TarOf(("manifest.json", """[{"Config":"c.json","RepoTags":["app:1"],"Layers":[]}]"""), ("c.json", """{"architecture":"s390x","os":"linux"}""")));

        var refusal = await Assert.ThrowsAsync<ImageException>(() => new ImageStore("/nowhere").ImportAsync(scratch / "arm.tar", null, anyPlatform: false, default));

        Assert.Contains("is for linux/s390x, this node is linux/" + Platform.Here, refusal.Message);
    }

    [Theory]
    [InlineData("""{"manifests":[{"digest":"d"}]}""", "docker.io/library/app:1", """{"manifests":[{"digest":"d","annotations":{"io.containerd.image.name":"docker.io/library/app:1"}}]}""")]
    [InlineData("""{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"busybox:1.35"}}]}""", null,
        """{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"busybox:1.35","io.containerd.image.name":"docker.io/library/busybox:1.35"}}]}""")]
    [InlineData("""{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"1.35"}}]}""", null, """{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"1.35"}}]}""")]
    public void An_index_says_the_whole_name_where_containerd_looks(string index, string? name, string expected) => Assert.Equal(expected, ImageNaming.NameIndex(index, name));

    static async Task<string> RefusalAsync(string file) => (await Assert.ThrowsAsync<ImageException>(() => ArchiveFile.InspectAsync(file, default))).Message;

    static byte[] TarOf(params (string Name, string Content)[] files)
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, leaveOpen: true))
            foreach (var (name, content) in files)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });
        return stream.ToArray();
    }

    static async Task<Dictionary<string, TarEntry>> LayerEntriesAsync(string image)
    {
        await using var outer = new TarReader(File.OpenRead(image));
        TarEntry? last = null;
        while (await outer.GetNextEntryAsync(copyData: true) is { } entry) last = entry;
        var found = new Dictionary<string, TarEntry>();
        await using var inner = new TarReader(last!.DataStream!);
        while (await inner.GetNextEntryAsync(copyData: true) is { } entry) found[entry.Name] = entry;
        return found;
    }
}
