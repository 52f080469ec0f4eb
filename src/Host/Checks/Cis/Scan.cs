namespace Hanbae.Host.Checks.Cis;

/// <summary>Looks for bytes in a file of any size, a piece at a time.</summary>
static class Scan
{
    const int Piece = 1 << 20;

    public static async Task<bool> ContainsAsync(string file, ReadOnlyMemory<byte> wanted, CancellationToken ct)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] buffer = new byte[Piece + wanted.Length];
        int kept = 0;
        while (true)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(kept, Piece), ct);
            if (read == 0) return false;
            var seen = buffer.AsSpan(0, kept + read);
            if (seen.IndexOf(wanted.Span) >= 0) return true;
            // What is cut in two is seen whole with the next piece.
            kept = Math.Min(wanted.Length - 1, seen.Length);
            seen[^kept..].CopyTo(buffer);
        }
    }
}
