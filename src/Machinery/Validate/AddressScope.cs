using System.Net;

namespace Hanbae.Machinery.Validate;

/// <summary>How far an address reaches, as Go's net.IP tells it.</summary>
public static class AddressScope
{
    public static bool IsLinkLocal(IPAddress address) => Bytes(address) is var b && (b.Length == 4 ? b[0] == 169 && b[1] == 254 : b[0] == 0xfe && (b[1] & 0xc0) == 0x80);

    /// <summary>One machine's among all, private networks' too: not this machine's own, nor a link's, nor many machines'.</summary>
    public static bool IsGlobalUnicast(IPAddress address)
    {
        byte[] b = Bytes(address);
        var plain = new IPAddress(b);
        return !plain.Equals(IPAddress.Any) && !plain.Equals(IPAddress.IPv6Any) && !plain.Equals(IPAddress.Broadcast) && !IPAddress.IsLoopback(plain) && !IsLinkLocal(plain)
            && !(b.Length == 4 ? b[0] >> 4 == 14 : b[0] == 0xff);
    }

    static byte[] Bytes(IPAddress address) => (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).GetAddressBytes();
}
