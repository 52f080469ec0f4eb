using System.Security.Cryptography;

namespace Hanbae.Server.Aggregation;

/// <summary>Sends several values of a header as several lines, as Go's servers read them: a user's groups are not one group with commas.</summary>
/// <remarks>
/// HttpClient has no such thing: it joins values to one line. So they are given to it as one value with a mark in between, which this stream
/// turns into line ends on the way out. The mark is random, secret, and only known to this process, so nobody can put one into a request.
/// HttpClient hands over the whole head in one write; that is HTTP/1.1, which is what is spoken with other API servers.
/// </remarks>
sealed class RepeatedHeaders(Stream inner) : Stream
{
    static readonly string s_mark = "\u0001" + Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
    static readonly byte[] s_markBytes = System.Text.Encoding.ASCII.GetBytes(s_mark);

    public Stream Inner => inner;

    /// <summary>One value that stands for all of them; null when they are no text that a header can carry.</summary>
    public static string? Join(string name, IEnumerable<string> values)
    {
        string[] all = [.. values];
        foreach (string value in all)
            foreach (char c in value) if (char.IsControl(c)) return null;
        return string.Join(s_mark + name + ": ", all);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        buffer.Span.IndexOf(s_markBytes) < 0 ? inner.WriteAsync(buffer, cancellationToken) : inner.WriteAsync(Lines(buffer.Span), cancellationToken);

    static byte[] Lines(ReadOnlySpan<byte> head)
    {
        var lines = new MemoryStream(head.Length);
        for (int at; (at = head.IndexOf(s_markBytes)) >= 0; head = head[(at + s_markBytes.Length)..])
        {
            lines.Write(head[..at]);
            lines.Write("\r\n"u8);
        }
        lines.Write(head);
        return lines.ToArray();
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.ReadAsync(buffer, offset, count, cancellationToken);
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
    public override void Flush() => inner.Flush();
    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);
    public override void Write(byte[] buffer, int offset, int count) => inner.Write(Lines(buffer.AsSpan(offset, count)));
    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
