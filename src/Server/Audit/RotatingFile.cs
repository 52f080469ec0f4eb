using System.Globalization;
using System.IO.Compression;

namespace Hanbae.Server.Audit;

/// <summary>A file that is closed when it is large and named after that moment; old ones are packed and removed. Names are those of upstream's.</summary>
sealed class RotatingFile(AuditLogOptions options, TimeProvider time) : IDisposable
{
    const string Stamp = "yyyy-MM-dd'T'HH-mm-ss.fff";

    readonly MemoryStream _buffer = new();
    Stream? _to;
    long _size;

    bool IsStandardOutput => options.Path == "-";

    /// <summary>Taken up; <see cref="Flush"/> writes it.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        if (!IsStandardOutput && _size + _buffer.Length + line.Length > options.MaxSize && _size + _buffer.Length > 0)
        {
            Flush(toDisk: true);
            Rotate();
        }
        _buffer.Write(line);
    }

    /// <exception cref="IOException"/>
    public void Flush(bool toDisk)
    {
        if (_buffer.Length == 0) return;
        try
        {
            var to = _to ??= Open();
            to.Write(_buffer.GetBuffer().AsSpan(0, (int)_buffer.Length));
            to.Flush();
            if (toDisk && to is FileStream file) file.Flush(flushToDisk: true);
            _size += _buffer.Length;
        }
        catch
        {
            // Opened anew the next time: the disk may have room again, the folder may be back.
            _to?.Dispose();
            _to = null;
            throw;
        }
        finally
        {
            // Refused or written: the same lines are not tried twice, since those who wait for them are told now.
            _buffer.SetLength(0);
            if (_buffer.Capacity > 4 << 20) _buffer.Capacity = 0;
        }
    }

    Stream Open()
    {
        if (IsStandardOutput) return Console.OpenStandardOutput();
        if (Path.GetDirectoryName(Path.GetFullPath(options.Path)) is { } folder) Directory.CreateDirectory(folder);
        // Who did what is for administrators' eyes.
        var file = Private(options.Path, FileMode.Append);
        _size = file.Length;
        // A line that a crash cut short must not be joined by the next one.
        if (_size > 0 && !EndsWithNewline())
        {
            file.Write("\n"u8);
            _size++;
        }
        return file;
    }

    static FileStream Private(string path, FileMode mode)
    {
        var how = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) how.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new(path, how);
    }

    bool EndsWithNewline()
    {
        using var read = new FileStream(options.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        read.Seek(-1, SeekOrigin.End);
        return read.ReadByte() == '\n';
    }

    void Rotate()
    {
        _to?.Dispose();
        _to = null;
        _size = 0;
        if (!File.Exists(options.Path)) return;
        var now = time.GetUtcNow();
        string name = Name(now);
        // Two within a millisecond.
        while (File.Exists(name) || File.Exists(name + ".gz")) name = Name(now = now.AddMilliseconds(1));
        File.Move(options.Path, name);
        Clear(now);
    }

    string Prefix => Path.Combine(Path.GetDirectoryName(options.Path) ?? "", Path.GetFileNameWithoutExtension(options.Path) + "-");

    string Name(DateTimeOffset now) => Prefix + now.UtcDateTime.ToString(Stamp, CultureInfo.InvariantCulture) + Path.GetExtension(options.Path);

    void Clear(DateTimeOffset now)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(options.Path))!, prefix = Path.GetFileName(Prefix), extension = Path.GetExtension(options.Path);
        var closed = new List<(string File, DateTimeOffset At)>();
        foreach (string file in Directory.EnumerateFiles(folder, prefix + "*"))
        {
            string name = Path.GetFileName(file)[prefix.Length..];
            if (name.EndsWith(".gz", StringComparison.Ordinal)) name = name[..^3];
            if (name.EndsWith(extension, StringComparison.Ordinal)
                && DateTimeOffset.TryParseExact(name[..^extension.Length], Stamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)) closed.Add((file, at));
        }
        int kept = 0;
        foreach (var (file, at) in closed.OrderByDescending(c => c.At))
        {
            bool old = options.MaxAge > TimeSpan.Zero && at < now - options.MaxAge;
            if (old || options.MaxBackups > 0 && kept >= options.MaxBackups) File.Delete(file);
            else
            {
                kept++;
                if (options.Compress && !file.EndsWith(".gz", StringComparison.Ordinal)) Pack(file);
            }
        }
    }

    static void Pack(string file)
    {
        using (var from = File.OpenRead(file))
        using (var to = Private(file + ".gz.partial", FileMode.Create))
        {
            using (var packed = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true)) from.CopyTo(packed);
            to.Flush(flushToDisk: true);
        }
        File.Move(file + ".gz.partial", file + ".gz", overwrite: true);
        File.Delete(file);
    }

    public void Dispose() => _to?.Dispose();
}
