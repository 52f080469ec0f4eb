using System.Text;

namespace Hanbae.Kubelet.Server;

/// <summary>Finds the last lines of a log file without reading it from the start.</summary>
static class LogTail
{
    const int Block = 64 * 1024;

    /// <summary>Where the last <paramref name="lines"/> lines begin.</summary>
    public static long Start(Stream file, long lines)
    {
        if (lines <= 0) return file.Length;
        byte[] block = new byte[Block];
        long at = file.Length, found = 0;
        bool last = true;
        while (at > 0)
        {
            int size = (int)Math.Min(Block, at);
            at -= size;
            file.Position = at;
            file.ReadExactly(block, 0, size);
            for (int i = size - 1; i >= 0; i--)
            {
                if (block[i] != (byte)'\n') { last = false; continue; }
                if (last) { last = false; continue; } // the end of the last line is not the start of one
                if (++found == lines) return at + i + 1;
            }
        }
        return 0;
    }

    /// <summary>The texts of the last lines, at most so many bytes of them.</summary>
    public static string Read(string path, int lines, int maxBytes)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        long start = Start(file, lines);
        start = Math.Max(start, file.Length - 4L * maxBytes); // headers take some of it
        file.Position = start;
        byte[] bytes = new byte[file.Length - start];
        int read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        using var text = new MemoryStream();
        ReadOnlyMemory<byte> rest = bytes.AsMemory(0, read);
        while (!rest.IsEmpty)
        {
            int end = rest.Span.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (LogLine.Parse(line) is not { } parsed) continue;
            text.Write(parsed.Text.Span);
            if (!parsed.Partial) text.WriteByte((byte)'\n');
        }
        var all = text.GetBuffer().AsSpan(0, (int)text.Length);
        return Encoding.UTF8.GetString(all.Length > maxBytes ? all[^maxBytes..] : all);
    }
}
