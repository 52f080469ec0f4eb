using System.Buffers.Binary;
using System.Net;

namespace Hanbae.Cri.Fake;

/// <summary>Hands out a range's addresses in turn, as CNI's host-local does: a freed one comes back last.</summary>
/// <remarks>The network's own address, the first (the gateway's) and an IPv4 broadcast are kept back.</remarks>
internal sealed class AddressPool
{
    readonly HashSet<UInt128> _used = [];
    readonly UInt128 _first;
    readonly UInt128 _last;
    readonly bool _v4;
    UInt128 _next;

    public AddressPool(string cidr)
    {
        var network = IPNetwork.Parse(cidr);
        byte[] bytes = network.BaseAddress.GetAddressBytes();
        _v4 = bytes.Length == 4;
        var start = _v4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
        var size = UInt128.One << Math.Min(bytes.Length * 8 - network.PrefixLength, 64);
        (_first, _last) = (start + 2, start + size - (_v4 ? 2u : 1u));
        _next = _first;
    }

    /// <returns>Null when all are in use.</returns>
    public string? Take()
    {
        for (var tried = _first; tried <= _last; tried++)
        {
            var address = _next;
            _next = _next == _last ? _first : _next + 1;
            if (_used.Add(address)) return Text(address);
        }
        return null;
    }

    public void Return(string address) => _used.Remove(Number(IPAddress.Parse(address).GetAddressBytes()));

    public override string ToString() => $"{Text(_first)}-{Text(_last)}";

    static UInt128 Number(byte[] bytes) => bytes.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);

    string Text(UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return new IPAddress(_v4 ? bytes[12..] : bytes).ToString();
    }
}
