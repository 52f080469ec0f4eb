using System.Net;
using System.Numerics;

namespace Hanbae.Controllers.Nodes;

/// <summary>Cuts a network into equal parts.</summary>
readonly record struct Subnets(IPNetwork Whole, int Size)
{
    /// <summary>The first part that nobody has; null when all are taken.</summary>
    public IPNetwork? FirstFree(IReadOnlyCollection<IPNetwork> taken)
    {
        byte[] address = Whole.BaseAddress.GetAddressBytes();
        int bits = address.Length * 8, parts = Size - Whole.PrefixLength;
        if (parts < 0) return null;
        var first = new BigInteger(address, isUnsigned: true, isBigEndian: true);
        // Every part taken can refuse one candidate only: one more than those is enough.
        var last = BigInteger.Min(BigInteger.One << parts, taken.Count + 1L << 1);
        for (BigInteger i = 0; i < last; i++)
        {
            var part = new IPNetwork(Address(first + (i << (bits - Size)), address.Length), Size);
            if (!taken.Any(t => Overlap(t, part))) return part;
        }
        return null;
    }

    static bool Overlap(IPNetwork a, IPNetwork b) =>
        a.BaseAddress.AddressFamily == b.BaseAddress.AddressFamily && (a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress));

    static IPAddress Address(BigInteger value, int length)
    {
        byte[] bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true), padded = new byte[length];
        bytes.CopyTo(padded, length - bytes.Length);
        return new(padded);
    }
}
