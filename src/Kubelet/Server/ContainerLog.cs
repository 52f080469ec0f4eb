using System.Globalization;

namespace Hanbae.Kubelet.Server;

/// <summary>Sends a container's log file, as text, from where it is asked for; and what is added to it, until the container ends.</summary>
/// <remarks>Rotation: the file at hand is read to its end, then the new one from its start. Memory: one block, and one line of it at most carried over.</remarks>
static class ContainerLog
{
    const int Block = 32 * 1024, MaxLine = 1 << 20;
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    /// <param name="running">Whether more is to be expected.</param>
    public static async Task SendAsync(string path, LogOptions options, Func<CancellationToken, Task<bool>> running, Stream to, TimeProvider time, CancellationToken ct)
    {
        var file = Open(path, out string name);
        try
        {
            file.Position = options.TailLines is { } lines ? LogTail.Start(file, lines) : 0;
            var printer = new Printer(to, options);
            byte[] buffer = new byte[Block];
            int held = 0;
            bool last = false;
            while (!printer.Full)
            {
                int read = await file.ReadAsync(buffer.AsMemory(held), ct).ConfigureAwait(false);
                if (read > 0)
                {
                    held = await printer.PrintAsync(buffer, held + read, ct).ConfigureAwait(false);
                    if (held == buffer.Length)
                    {
                        if (held >= MaxLine) held = 0; // no runtime writes such lines: not a log
                        else Array.Resize(ref buffer, buffer.Length * 2);
                    }
                    continue;
                }
                await to.FlushAsync(ct).ConfigureAwait(false);
                if (!options.Follow || last) break;
                if (Moved(file, name) && File.Exists(path))
                {
                    await file.DisposeAsync().ConfigureAwait(false);
                    file = Open(path, out name);
                    continue;
                }
                last = !await running(ct).ConfigureAwait(false); // what was written before it ended is read once more
                if (!last) await Task.Delay(s_look, time, ct).ConfigureAwait(false);
            }
            await to.FlushAsync(ct).ConfigureAwait(false);
        }
        finally { await file.DisposeAsync().ConfigureAwait(false); }
    }

    static FileStream Open(string path, out string name)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);
        name = NameOf(file);
        return file;
    }

    /// <summary>Whether our open file is no longer the one at its path: the kernel says how an open file is called now.</summary>
    static bool Moved(FileStream file, string name) => NameOf(file) != name || file.Length < file.Position;

    static string NameOf(FileStream file) =>
        new FileInfo("/proc/self/fd/" + file.SafeFileHandle.DangerousGetHandle().ToInt64().ToString(CultureInfo.InvariantCulture)).LinkTarget ?? file.Name;

    sealed class Printer(Stream to, LogOptions options)
    {
        long _left = options.LimitBytes ?? long.MaxValue;
        bool _middle;

        public bool Full => _left <= 0;

        /// <returns>How many bytes of an unfinished line stand at the buffer's start.</returns>
        public async ValueTask<int> PrintAsync(byte[] buffer, int count, CancellationToken ct)
        {
            int at = 0;
            while (!Full && buffer.AsSpan(at, count - at).IndexOf((byte)'\n') is >= 0 and var length)
            {
                if (LogLine.Parse(buffer.AsMemory(at, length)) is { } line) await PrintAsync(line, ct).ConfigureAwait(false);
                at += length + 1;
            }
            buffer.AsSpan(at, count - at).CopyTo(buffer);
            return count - at;
        }

        async ValueTask PrintAsync(LogLine line, CancellationToken ct)
        {
            if (options.Stderr is { } stderr && stderr != line.Stderr) return;
            if (options.Since is { } since && line.When < since) return;
            if (options.Timestamps && !_middle)
            {
                await WriteAsync(line.Time, ct).ConfigureAwait(false);
                await WriteAsync(" "u8.ToArray(), ct).ConfigureAwait(false);
            }
            await WriteAsync(line.Text, ct).ConfigureAwait(false);
            if (!line.Partial) await WriteAsync("\n"u8.ToArray(), ct).ConfigureAwait(false);
            _middle = line.Partial;
        }

        async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
        {
            if (bytes.Length > _left) bytes = bytes[..(int)_left];
            _left -= bytes.Length;
            await to.WriteAsync(bytes, ct).ConfigureAwait(false);
        }
    }
}
