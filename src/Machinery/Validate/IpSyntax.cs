using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Hanbae.Machinery.Validate;

/// <summary>IP addresses and networks as Go reads them: stricter than .NET, which takes <c>1</c> and <c>0x7f.1</c>.</summary>
public static class IpSyntax
{
    public const string AddressRule = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    public const string NetworkRule = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

    public static bool TryParse(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (text.Contains(':')) return !text.Contains('%') && !text.Contains('[') && !text.Contains('/') && IPAddress.TryParse(text, out address) && address.AddressFamily == AddressFamily.InterNetworkV6;
        int parts = 0;
        foreach (var part in text.AsSpan().Split('.'))
        {
            var digits = text.AsSpan(part);
            if (++parts > 4 || digits.IsEmpty || digits.Length > 3 || digits[0] == '0' && digits.Length > 1) return false;
            foreach (char c in digits) if (!char.IsAsciiDigit(c)) return false;
        }
        return parts == 4 && IPAddress.TryParse(text, out address);
    }

    /// <summary>As Go's older reader, which takes zeros before other digits; null when it is no address.</summary>
    public static IPAddress? TryParseLoosely(string text, out bool zeros)
    {
        zeros = false;
        if (TryParse(text, out var address)) return address;
        string tail = text[(text.LastIndexOf(':') + 1)..];
        string[] parts = tail.Split('.');
        if (parts.Length != 4 || !parts.All(p => p.Length is > 0 and <= 3 && p.All(char.IsAsciiDigit))) return null;
        zeros = true;
        return TryParse(text[..^tail.Length] + string.Join('.', parts.Select(p => p.TrimStart('0') is { Length: > 0 } some ? some : "0")), out address) ? address : null;
    }

    /// <summary>What is wrong with an address that is to have one form only: a leading zero means base eight to some, and the mapped form is two things at once (KEP-4858).</summary>
    /// <param name="address">If it can be read at all.</param>
    /// <returns>Null when nothing is.</returns>
    public static string? Fault(string text, out IPAddress? address)
    {
        address = TryParseLoosely(text, out bool zeros);
        return address is null ? AddressRule : zeros ? "must not have leading 0s" : address.IsIPv4MappedToIPv6 ? "must not be an IPv4-mapped IPv6 address" : null;
    }

    public static IPAddress? TryParseLoosely(string text, out int bits, out bool zeros)
    {
        (bits, zeros) = (0, false);
        int slash = text.IndexOf('/');
        if (slash < 0 || TryParseLoosely(text[..slash], out zeros) is not { } address) return null;
        string length = text[(slash + 1)..];
        if (length.Length is 0 or > 3 || !length.All(char.IsAsciiDigit)) return null;
        zeros |= length.Length > 1 && length[0] == '0';
        bits = int.Parse(length, System.Globalization.CultureInfo.InvariantCulture);
        return bits <= (address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32) ? address : null;
    }

    /// <summary>Whether no bit is set behind the network's own.</summary>
    internal static bool IsBase(IPAddress address, int bits) => Base(address, bits).Equals(address);

    internal static IPAddress Base(IPAddress address, int bits)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = bits; i < bytes.Length * 8; i++) bytes[i / 8] &= (byte)~(0x80 >> i % 8);
        return new(bytes);
    }

    public static bool IsAddress(string text) => TryParse(text, out _);

    public static bool IsNetwork(string text)
    {
        int slash = text.IndexOf('/');
        if (slash < 0 || !TryParse(text[..slash], out var address)) return false;
        string bits = text[(slash + 1)..];
        return bits.Length is > 0 and <= 3 && bits.All(char.IsAsciiDigit) && !(bits.Length > 1 && bits[0] == '0')
            && int.Parse(bits, System.Globalization.CultureInfo.InvariantCulture) <= (address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32);
    }
}
