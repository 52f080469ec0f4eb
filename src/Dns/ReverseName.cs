using System.Globalization;
using System.Net;

namespace Hanbae.Dns;

/// <summary>Names that stand for addresses: <c>5.0.244.10.in-addr.arpa</c>, and nibbles below <c>ip6.arpa</c>.</summary>
internal static class ReverseName
{
    const string V4 = ".in-addr.arpa", V6 = ".ip6.arpa";

    /// <returns>Null when the name is none, or not of a whole address.</returns>
    public static IPAddress? Parse(string name)
    {
        if (name.EndsWith(V4, StringComparison.Ordinal))
        {
            string[] parts = name[..^V4.Length].Split('.');
            return parts.Length == 4 && IPAddress.TryParse(string.Join('.', parts.Reverse()), out var address) ? address : null;
        }
        if (!name.EndsWith(V6, StringComparison.Ordinal)) return null;
        string nibbles = name[..^V6.Length];
        if (nibbles.Length != 63) return null;
        Span<byte> bytes = stackalloc byte[16];
        for (int i = 0; i < 32; i++)
        {
            if (!byte.TryParse(nibbles.AsSpan(62 - 2 * i, 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte nibble)) return null;
            bytes[i / 2] |= (byte)(i % 2 == 0 ? nibble << 4 : nibble);
        }
        return new(bytes);
    }
}
