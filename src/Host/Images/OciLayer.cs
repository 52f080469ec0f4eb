using System.Formats.Tar;
using System.Security.Cryptography;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Images;

/// <summary>An image's one layer: a plain tar on disk and its digest, removed from disk when disposed.</summary>
public sealed class OciLayer : IAsyncDisposable
{
    readonly string _file;

    OciLayer(string file, string digest, long size) => (_file, Digest, Size) = (file, digest, size);

    /// <summary>Of the tar, which is not compressed: digest of the blob and <c>diff_id</c> in one.</summary>
    public string Digest { get; }
    public long Size { get; }

    public Stream Open() => File.OpenRead(_file);

    /// <param name="scratch">Where there is room for the layer.</param>
    internal static Task<OciLayer> CreateAsync(string scratch, Func<LayerTar, Task> fill, CancellationToken ct) => WriteAsync(scratch, async stream =>
    {
        await using var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true);
        await fill(new(tar));
    }, ct);

    /// <summary>A folder as it is: owners, modes, times, symbolic and hard links, devices.</summary>
    public static async Task<OciLayer> FromFolderAsync(string folder, string scratch, CancellationToken ct)
    {
        if (!Directory.EnumerateFileSystemEntries(folder).Any()) throw new ImageException($"{folder} is empty");
        return await CreateAsync(scratch, tar => tar.AddTreeAsync(folder, ct), ct);
    }

    /// <summary>A tar, plain or gzip, as its author wrote it.</summary>
    public static Task<OciLayer> FromTarAsync(string file, string scratch, CancellationToken ct) => WriteAsync(scratch, async stream =>
    {
        await ArchiveFile.RequireTarAsync(file, ct);
        await using var source = await ArchiveFile.OpenAsync(file, ct);
        await source.CopyToAsync(stream, ct);
    }, ct);

    static async Task<OciLayer> WriteAsync(string scratch, Func<Stream, Task> write, CancellationToken ct)
    {
        string file = Path.Combine(scratch, "hanbae-layer-" + Guid.NewGuid().ToString("n"));
        try
        {
            await using (var stream = File.Create(file)) await write(stream);
            await using var again = File.OpenRead(file);
            return new(file, "sha256:" + Convert.ToHexStringLower(await SHA256.HashDataAsync(again, ct)), again.Length);
        }
        catch
        {
            File.Delete(file);
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        File.Delete(_file);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Writes files into a layer.</summary>
readonly struct LayerTar(TarWriter tar)
{
    public async Task AddAsync(string name, byte[] content, int mode, DateTimeOffset modified, CancellationToken ct) =>
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content), Mode = (UnixFileMode)mode, ModificationTime = modified }, ct);

    public async Task AddTreeAsync(string root, CancellationToken ct)
    {
        // The first name of a file with several is the file, the others are links to it.
        var seen = new Dictionary<(ulong, ulong), string>();
        foreach (string path in Tree(root))
        {
            ct.ThrowIfCancellationRequested();
            string name = Path.GetRelativePath(root, path);
            var facts = Native.Stat(path);
            if (Type(facts, out bool linkable) is not { } type) continue;
            if (linkable && facts.Links > 1 && !seen.TryAdd((facts.Device, facts.Inode), name)) type = TarEntryType.HardLink;

            var entry = new PaxTarEntry(type, type == TarEntryType.Directory ? name + "/" : name)
            {
                Mode = (UnixFileMode)(facts.Mode & 0xFFF), Uid = (int)facts.Uid, Gid = (int)facts.Gid, ModificationTime = facts.Modified,
            };
            if (type == TarEntryType.HardLink) entry.LinkName = seen[(facts.Device, facts.Inode)];
            if (type == TarEntryType.SymbolicLink) entry.LinkName = new FileInfo(path).LinkTarget!;
            if (type is TarEntryType.CharacterDevice or TarEntryType.BlockDevice) (entry.DeviceMajor, entry.DeviceMinor) = ((int)facts.RdevMajor, (int)facts.RdevMinor);
            await using var content = type == TarEntryType.RegularFile ? File.OpenRead(path) : null;
            if (content is not null) entry.DataStream = content;
            await tar.WriteEntryAsync(entry, ct);
        }
    }

    /// <summary>A folder before what is in it, names in byte order: the same tree always gives the same tar.</summary>
    static IEnumerable<string> Tree(string folder)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal))
        {
            yield return path;
            if (Native.Stat(path).Type != 0x4000) continue;
            foreach (string below in Tree(path)) yield return below;
        }
    }

    /// <returns>Null for what an image cannot hold: sockets.</returns>
    static TarEntryType? Type(FileFacts facts, out bool linkable)
    {
        linkable = facts.Type is not 0x4000;
        return facts.Type switch
        {
            0x8000 => TarEntryType.RegularFile,
            0x4000 => TarEntryType.Directory,
            0xA000 => TarEntryType.SymbolicLink,
            0x2000 => TarEntryType.CharacterDevice,
            0x6000 => TarEntryType.BlockDevice,
            0x1000 => TarEntryType.Fifo,
            _ => null,
        };
    }
}
