using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Hanbae.Server.Registry.Services;

/// <summary>The cluster IPs of one family.</summary>
sealed class AddressPool
{
    readonly IPNetwork _network;
    readonly UInt128 _base;
    readonly Pool _pool;

    public AddressPool(IPNetwork network)
    {
        _network = network;
        _base = Number(network.BaseAddress);
        // As upstream: neither the network's own address nor, in IPv4, its broadcast; of IPv6 no more than 64 bits.
        int hostBits = (IsV6 ? 128 : 32) - network.PrefixLength;
        UInt128 size = (UInt128.One << Math.Min(hostBits, 64)) - (IsV6 ? 1u : 2u);
        _pool = new(size, Preferred(size, 16, 256));
    }

    public IPNetwork Network => _network;
    public bool IsV6 => _network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
    public string Family => IsV6 ? "IPv6" : "IPv4";

    /// <summary>min(max(16, size/step), largest), or nothing for small ranges.</summary>
    internal static UInt128 Preferred(UInt128 size, uint step, uint largest)
    {
        const uint least = 16;
        return size < least ? 0 : UInt128.Min(UInt128.Max(least, size / step), largest);
    }

    /// <returns>Null when it is taken, else what is wrong with it.</returns>
    public string? Take(IPAddress address, string owner)
    {
        if (Offset(address) is not { } offset) return $"the provided IP ({address}) is not in the valid range. The range of valid IPs is {_network}";
        return _pool.Take(offset, owner) ? null : "provided IP is already allocated";
    }

    public IPAddress? TakeAny(string owner) => _pool.TakeAny(owner) is { } offset ? Address(_base + offset + 1) : null;

    public void Release(IPAddress address, string owner)
    {
        if (Offset(address) is { } offset) _pool.Release(offset, owner);
    }

    public void Clear() => _pool.Clear();

    UInt128? Offset(IPAddress address)
    {
        if (address.AddressFamily != _network.BaseAddress.AddressFamily || !_network.Contains(address)) return null;
        var number = Number(address);
        return number > _base && number - _base - 1 < _pool.Size ? number - _base - 1 : null;
    }

    static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    IPAddress Address(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!IsV6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)number);
            return new(bytes[..4]);
        }
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new(bytes);
    }
}
