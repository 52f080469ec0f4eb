using System.Text;

namespace Hanbae.Kubelet.Server;

/// <summary>One line of a container's log file as the runtime writes it: time, stream, tags, text.</summary>
/// <param name="Time">RFC 3339 with nanoseconds, as it stands in the file.</param>
/// <param name="Partial">The text goes on in the next line of the same stream.</param>
public readonly record struct LogLine(ReadOnlyMemory<byte> Time, bool Stderr, bool Partial, ReadOnlyMemory<byte> Text)
{
    /// <summary>Reads a line without its line feed; null when it is not one (a file cut in the middle).</summary>
    public static LogLine? Parse(ReadOnlyMemory<byte> line)
    {
        var span = line.Span;
        int first = span.IndexOf((byte)' ');
        if (first <= 0) return null;
        int second = span[(first + 1)..].IndexOf((byte)' ');
        if (second < 0) return null;
        second += first + 1;
        var stream = span[(first + 1)..second];
        bool stderr = stream.SequenceEqual("stderr"u8);
        if (!stderr && !stream.SequenceEqual("stdout"u8)) return null;
        int third = span[(second + 1)..].IndexOf((byte)' ');
        // Tags are separated by ':'; the first says partial or full.
        var tags = third < 0 ? span[(second + 1)..] : span.Slice(second + 1, third);
        bool partial = tags.Length > 0 && tags[0] == (byte)'P' && (tags.Length == 1 || tags[1] == (byte)':');
        return new(line[..first], stderr, partial, third < 0 ? default : line[(second + 1 + third + 1)..]);
    }

    public DateTimeOffset? When => Api.Timestamps.TryParse(Time.Span, out var time) ? time : null;

    public override string ToString() => Encoding.UTF8.GetString(Text.Span);
}
