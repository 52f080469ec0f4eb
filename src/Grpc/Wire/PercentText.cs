using System.Text;

namespace Hanbae.Grpc.Wire;

/// <summary>Carries a status text through a header: printable ASCII as it is, everything else and '%' as %XX of its UTF-8.</summary>
internal static class PercentText
{
    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%')) return text;
        var encoded = new StringBuilder(text.Length + 16);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (b is >= (byte)' ' and <= (byte)'~' and not (byte)'%') encoded.Append((char)b);
            else encoded.Append('%').Append(b.ToString("X2"));
        }
        return encoded.ToString();
    }

    /// <summary>Never fails: a '%' that no two hex digits follow stands for itself, as the protocol asks.</summary>
    public static string Decode(string text)
    {
        if (!text.Contains('%')) return text;
        byte[] raw = Encoding.UTF8.GetBytes(text);
        int length = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '%' && i + 2 < raw.Length && char.IsAsciiHexDigit((char)raw[i + 1]) && char.IsAsciiHexDigit((char)raw[i + 2]))
            {
                raw[length++] = Convert.ToByte(Encoding.ASCII.GetString(raw, i + 1, 2), 16);
                i += 2;
            }
            else
            {
                raw[length++] = raw[i];
            }
        }
        return Encoding.UTF8.GetString(raw, 0, length);
    }
}
