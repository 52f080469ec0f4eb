using System.Net;
using System.Net.Sockets;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Warnings;

/// <summary>Addresses and networks that are understood, and yet are not written as they should be (KEP-4858).</summary>
static class AddressWarnings
{
    public static IEnumerable<string> Address(FieldPath at, string text)
    {
        if (!IpSyntax.TryParse(text, out var address)) yield break;
        if (address.IsIPv4MappedToIPv6)
            yield return $"{at}: non-standard IP address {FieldError.Quoted(text)} will be considered invalid in a future Kubernetes release: use {FieldError.Quoted(address.MapToIPv4().ToString())}";
        else if (address.AddressFamily == AddressFamily.InterNetworkV6 && address.ToString() != text)
            yield return $"{at}: IPv6 address {FieldError.Quoted(text)} should be in RFC 5952 canonical format ({FieldError.Quoted(address.ToString())})";
    }

    public static IEnumerable<string> Network(FieldPath at, string text)
    {
        if (!IpSyntax.IsNetwork(text)) yield break;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        var address = IPAddress.Parse(text.AsSpan(0, slash));
        int length = int.Parse(text.AsSpan(slash + 1), System.Globalization.CultureInfo.InvariantCulture);
        var first = First(address, length);
        string network = $"{first}/{length}";
        if (!first.Equals(address))
            yield return $"{at}: CIDR value {FieldError.Quoted(text)} is ambiguous in this context (should be {FieldError.Quoted(network)} or {FieldError.Quoted($"{address}/{address.GetAddressBytes().Length * 8}")}?)";
        if (address.IsIPv4MappedToIPv6)
            yield return $"{at}: non-standard CIDR value {FieldError.Quoted(text)} will be considered invalid in a future Kubernetes release: use {FieldError.Quoted(network)}";
        else if (address.AddressFamily == AddressFamily.InterNetworkV6 && $"{address}/{length}" != text)
            yield return $"{at}: IPv6 CIDR value {FieldError.Quoted(text)} should be in RFC 5952 canonical format ({FieldError.Quoted($"{address}/{length}")})";
    }

    static IPAddress First(IPAddress address, int length)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++) bytes[i] &= (byte)(0xff00 >> Math.Clamp(length - i * 8, 0, 8));
        return new(bytes);
    }
}
