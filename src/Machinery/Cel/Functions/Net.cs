using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>IP addresses and networks, as strictly as upstream reads them.</summary>
static class Net
{
    public const string IpName = "net.IP", CidrName = "net.CIDR";
    public static CelType IpType { get; } = CelType.Opaque(IpName);
    public static CelType CidrType { get; } = CelType.Opaque(CidrName);

    public sealed class Ip(IPAddress address) : CelExtension
    {
        public IPAddress Address => address;
        public override CelType Type => IpType;
        internal override ulong Size => IsV6(address) ? 16u : 4u;
        public override bool Same(CelExtension other) => address.Equals(((Ip)other).Address);
    }

    public sealed class Cidr(IPAddress address, int bits) : CelExtension
    {
        public IPAddress Address => address;
        public int Bits => bits;
        public override CelType Type => CidrType;
        internal override ulong Size => (ulong)((bits + 7) / 8);
        public override bool Same(CelExtension other) => other is Cidr c && c.Bits == bits && address.Equals(c.Address);
    }

    static bool IsV6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    public static void AddIp(FunctionList f)
    {
        var (text, flag) = (CelType.String, CelType.Bool);
        f.Global("ip", "string_to_ip", [text], IpType, (x, _) => Parse(S(x[0]), out string? error) is { } a ? new Ip(a) : new CelError(error!));
        f.Global("isIP", "is_ip", [text], flag, (x, _) => Parse(S(x[0]), out string? _) is not null);
        f.Global("ip.isCanonical", "ip_is_canonical", [text], flag, (x, _) => Parse(S(x[0]), out string? error) is { } a ? CelBool.Of(Text(a) == S(x[0])) : new CelError(error!));
        f.Global("string", "ip_to_string", [IpType], text, (x, _) => Text(A(x[0])));
        f.Member("family", "ip_family", [IpType], CelType.Int, (x, _) => IsV6(A(x[0])) ? 6 : 4);
        f.Member("isUnspecified", "ip_is_unspecified", [IpType], flag, (x, _) => A(x[0]).Equals(IPAddress.Any) || A(x[0]).Equals(IPAddress.IPv6Any));
        f.Member("isLoopback", "ip_is_loopback", [IpType], flag, (x, _) => IPAddress.IsLoopback(A(x[0])));
        f.Member("isLinkLocalMulticast", "ip_is_link_local_multicast", [IpType], flag, (x, _) => A(x[0]).GetAddressBytes() is var b
            && (b.Length == 4 ? b[0] == 224 && b[1] == 0 && b[2] == 0 : b[0] == 0xff && (b[1] & 0x0f) == 2));
        f.Member("isLinkLocalUnicast", "ip_is_link_local_unicast", [IpType], flag, (x, _) => AddressScope.IsLinkLocal(A(x[0])));
        f.Member("isGlobalUnicast", "ip_is_global_unicast", [IpType], flag, (x, _) => AddressScope.IsGlobalUnicast(A(x[0])));
    }

    public static void AddCidr(FunctionList f)
    {
        var (text, flag) = (CelType.String, CelType.Bool);
        f.Global("cidr", "string_to_cidr", [text], CidrType, (x, _) => ParseCidr(S(x[0]), out string? error) is { } c ? c : new CelError("network address parse error during conversion from string: " + error));
        f.Global("isCIDR", "is_cidr", [text], flag, (x, _) => ParseCidr(S(x[0]), out string? _) is not null);
        f.Member("containsIP", "cidr_contains_ip_string", [CidrType, text], flag, (x, _) =>
            Parse(S(x[1]), out string? error) is { } a ? CelBool.Of(Contains((Cidr)x[0], a)) : new CelError(error!));
        f.Member("containsIP", "cidr_contains_ip_ip", [CidrType, IpType], flag, (x, _) => Contains((Cidr)x[0], A(x[1])));
        f.Member("containsCIDR", "cidr_contains_cidr_string", [CidrType, text], flag, (x, _) =>
            ParseCidr(S(x[1]), out string? error) is { } c ? CelBool.Of(Contains((Cidr)x[0], c)) : new CelError("network address parse error during conversion from string: " + error));
        f.Member("containsCIDR", "cidr_contains_cidr", [CidrType, CidrType], flag, (x, _) => Contains((Cidr)x[0], (Cidr)x[1]));
        f.Member("ip", "cidr_ip", [CidrType], IpType, (x, _) => new Ip(((Cidr)x[0]).Address));
        f.Member("prefixLength", "cidr_prefix_length", [CidrType], CelType.Int, (x, _) => (long)((Cidr)x[0]).Bits);
        f.Member("masked", "cidr_masked", [CidrType], CidrType, (x, _) => new Cidr(Mask(((Cidr)x[0]).Address, ((Cidr)x[0]).Bits), ((Cidr)x[0]).Bits));
        f.Global("string", "cidr_to_string", [CidrType], text, (x, _) => $"{Text(((Cidr)x[0]).Address)}/{((Cidr)x[0]).Bits}");
    }

    static string S(CelValue value) => ((CelString)value).Value;
    static IPAddress A(CelValue value) => ((Ip)value).Address;

    static bool Contains(Cidr network, IPAddress address) =>
        network.Address.AddressFamily == address.AddressFamily && Mask(network.Address, network.Bits).Equals(Mask(address, network.Bits));

    /// <summary>As upstream computes it: the inner network's address must be that of the outer one, masked by it.</summary>
    static bool Contains(Cidr outer, Cidr inner) => outer.Bits <= inner.Bits && Contains(outer, inner.Address);

    static IPAddress Mask(IPAddress address, int bits)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
        {
            int kept = Math.Clamp(bits - i * 8, 0, 8);
            bytes[i] &= (byte)(0xff << (8 - kept));
        }
        return new IPAddress(bytes);
    }

    static IPAddress? Parse(string text, out string? error)
    {
        error = null;
        if (!Validate.IpSyntax.TryParse(text, out var address))
        {
            int percent = text.IndexOf('%');
            if (percent > 0 && percent + 1 < text.Length && Validate.IpSyntax.TryParse(text[..percent], out var zoned) && IsV6(zoned)) error = $"IP address {GoQuote.Text(text)} with zone value is not allowed";
            else error = $"IP Address {GoQuote.Text(text)} parse error during conversion from string: {AddressFaults.Of(text)}";
            return null;
        }
        if (!address.IsIPv4MappedToIPv6) return address;
        error = $"IPv4-mapped IPv6 address {GoQuote.Text(text)} is not allowed";
        return null;
    }

    static Cidr? ParseCidr(string text, out string? error)
    {
        error = null;
        int slash = text.LastIndexOf('/');
        if (slash < 0 || !Validate.IpSyntax.TryParse(text[..slash], out var address))
        {
            error = $"network address parse error during conversion from string: netip.ParsePrefix({GoQuote.Text(text)}): {(slash < 0 ? "no '/'" : AddressFaults.Of(text[..slash]))}";
            return null;
        }
        string digits = text[(slash + 1)..];
        bool plain = digits.Length is > 0 and <= 3 && digits.All(char.IsAsciiDigit) && (digits.Length == 1 || digits[0] != '0');
        if (!plain || int.Parse(digits, CultureInfo.InvariantCulture) is var bits && bits > (IsV6(address) ? 128 : 32))
        {
            error = $"network address parse error during conversion from string: netip.ParsePrefix({GoQuote.Text(text)}): {(plain ? "prefix length out of range" : "bad bits after slash: " + GoQuote.Text(digits))}";
            return null;
        }
        if (!address.IsIPv4MappedToIPv6) return new(address, bits);
        error = $"IPv4-mapped IPv6 address {GoQuote.Text(text)} is not allowed";
        return null;
    }

    /// <summary>RFC 5952; .NET writes some addresses with an IPv4 tail.</summary>
    static string Text(IPAddress address)
    {
        if (!IsV6(address)) return address.ToString();
        byte[] b = address.GetAddressBytes();
        int[] words = [.. Enumerable.Range(0, 8).Select(i => b[2 * i] << 8 | b[2 * i + 1])];
        int best = -1, length = 1;
        for (int i = 0; i < 8; i++)
        {
            int run = 0;
            while (i + run < 8 && words[i + run] == 0) run++;
            if (run > length) (best, length) = (i, run);
        }
        var to = new System.Text.StringBuilder();
        for (int i = 0; i < 8; i++)
        {
            if (i == best)
            {
                to.Append("::");
                i += length - 1;
                continue;
            }
            if (i > 0 && (best < 0 || i != best + length)) to.Append(':');
            to.Append(words[i].ToString("x", CultureInfo.InvariantCulture));
        }
        return to.ToString();
    }
}
