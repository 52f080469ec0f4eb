using System.Security.Cryptography;

namespace Hanbae.Server.Registry.Services;

/// <summary>Numbers of which each has at most one owner: the offsets of addresses in a network, or ports.</summary>
/// <remarks>Not thread-safe: the allocator's lock guards it.</remarks>
/// <param name="size">How many there are.</param>
/// <param name="preferred">Below it nothing is given unasked while there is room above, so that numbers chosen by hand seldom collide (KEP-3070, KEP-3668).</param>
sealed class Pool(UInt128 size, UInt128 preferred)
{
    const int Guesses = 16;
    readonly Dictionary<UInt128, string> _owners = [];

    public UInt128 Size => size;

    /// <returns>False when another has it.</returns>
    public bool Take(UInt128 number, string owner)
    {
        if (_owners.TryGetValue(number, out string? other)) return other == owner;
        _owners.Add(number, owner);
        return true;
    }

    public bool Holds(UInt128 number, string owner) => _owners.TryGetValue(number, out string? other) && other == owner;

    /// <summary>Any free one.</summary>
    /// <returns>Null when there is none.</returns>
    public UInt128? TakeAny(string owner)
    {
        if ((UInt128)_owners.Count >= size) return null;
        return Free(preferred, size) is { } high ? Taken(high) : Free(0, preferred) is { } low ? Taken(low) : null;

        UInt128 Taken(UInt128 number)
        {
            _owners.Add(number, owner);
            return number;
        }
    }

    UInt128? Free(UInt128 from, UInt128 to)
    {
        if (from >= to) return null;
        // A guess finds one in a pool that has room; a full one is searched from the last guess on.
        UInt128 span = to - from, at = from;
        for (int i = 0; i < Guesses; i++)
        {
            at = from + Random(span);
            if (!_owners.ContainsKey(at)) return at;
        }
        for (UInt128 i = 0; i < span; i++)
        {
            var candidate = from + (at - from + i) % span;
            if (!_owners.ContainsKey(candidate)) return candidate;
        }
        return null;
    }

    static UInt128 Random(UInt128 below)
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes) % below;
    }

    /// <summary>Does nothing when the owner is another: what was released may be another's by now.</summary>
    public void Release(UInt128 number, string owner)
    {
        if (Holds(number, owner)) _owners.Remove(number);
    }

    public void Clear() => _owners.Clear();
}
