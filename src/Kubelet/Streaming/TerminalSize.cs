using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Hanbae.Kubelet.Streaming;

/// <summary>How large the client's terminal is, in characters.</summary>
public readonly record struct TerminalSize(ushort Width, ushort Height)
{
    /// <summary>Longest accepted size in JSON; what is longer ends the resize stream.</summary>
    const int MaxJson = 1024;

    /// <summary>The sizes in a resize stream: flat JSON objects one after the other, however they were cut into messages.</summary>
    public static async IAsyncEnumerable<TerminalSize> ReadAllAsync(Stream resizes, [EnumeratorCancellation] CancellationToken ct)
    {
        var buffer = new byte[MaxJson];
        int have = 0;
        while (have < buffer.Length)
        {
            int n = await resizes.ReadAsync(buffer.AsMemory(have), ct).ConfigureAwait(false);
            if (n == 0) yield break;
            have += n;
            int start = 0;
            for (int end; (end = Array.IndexOf(buffer, (byte)'}', start, have - start)) >= 0; start = end + 1)
            {
                if (Parse(buffer.AsSpan(start, end + 1 - start)) is not { } size) yield break;
                yield return size;
            }
            buffer.AsSpan(start, have - start).CopyTo(buffer);
            have -= start;
        }
    }

    public byte[] ToJson() => System.Text.Encoding.UTF8.GetBytes($"{{\"Width\":{Width},\"Height\":{Height}}}\n");

    static TerminalSize? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            ushort width = 0, height = 0;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                var name = reader.GetString();
                reader.Read();
                // Go's decoder takes names without case, and clients rely on it.
                if (string.Equals(name, "Width", StringComparison.OrdinalIgnoreCase)) width = reader.GetUInt16();
                else if (string.Equals(name, "Height", StringComparison.OrdinalIgnoreCase)) height = reader.GetUInt16();
            }
            return new(width, height);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException) { return null; }
    }
}
