using System.Net;

namespace Hanbae.Controllers.Nodes;

/// <summary>Cuts a network into equal parts, and knows which are taken: taking one, giving it back and finding the first that is free cost the same however many there are.</summary>
/// <remarks>Not for more than one thread at a time.</remarks>
sealed class Parts
{
    readonly IPNetwork _whole;
    readonly int _size, _bits;
    readonly UInt128 _first, _last;
    readonly bool _any;
    /// <summary>By part: how many have it, or some of it.</summary>
    readonly Dictionary<UInt128, int> _taken = [];
    /// <summary>Of networks that are larger than a part: seldom any.</summary>
    readonly List<(UInt128 From, UInt128 To)> _wide = [];
    /// <summary>Where the search goes on: what was given back lately is given out last, since somebody may still send there.</summary>
    UInt128 _next;

    public Parts(IPNetwork whole, int size)
    {
        (_whole, _size) = (whole, size);
        byte[] address = whole.BaseAddress.GetAddressBytes();
        _bits = address.Length * 8;
        _first = Number(whole.BaseAddress);
        _any = size >= whole.PrefixLength && size <= _bits && size - whole.PrefixLength < 127;
        _last = _any ? (UInt128.One << (size - whole.PrefixLength)) - 1 : 0;
    }

    public void Take(IPNetwork network)
    {
        if (RangeOf(network) is not var (from, to)) return;
        if (from == to) _taken[from] = _taken.GetValueOrDefault(from) + 1;
        else _wide.Add((from, to));
    }

    public void GiveBack(IPNetwork network)
    {
        if (RangeOf(network) is not var (from, to)) return;
        if (from != to) _wide.Remove((from, to));
        else if (_taken.TryGetValue(from, out int count) && count > 1) _taken[from] = count - 1;
        else _taken.Remove(from);
    }

    /// <summary>The first part that nobody has, after the last that was given out; null when all are taken.</summary>
    public IPNetwork? FirstFree() => Find() is { } at ? At(at) : null;

    IPNetwork At(UInt128 part) => new(Address(_first + (part << (_bits - _size))), _size);

    /// <summary>Takes the first part that nobody has.</summary>
    public IPNetwork? TakeNext()
    {
        if (Find() is not { } at) return null;
        _taken[at] = 1;
        _next = After(at);
        return At(at);
    }

    UInt128? Find()
    {
        if (!_any || (UInt128)_taken.Count > _last) return null;
        for (UInt128 at = _next, seen = 0; seen <= _last;)
        {
            int wide = _wide.FindIndex(w => w.From <= at && at <= w.To);
            if (wide < 0 && !_taken.ContainsKey(at)) return at;
            var to = wide < 0 || _wide[wide].To > _last ? wide < 0 ? at : _last : _wide[wide].To;
            seen += to - at + 1;
            at = After(to);
        }
        return null;
    }

    UInt128 After(UInt128 at) => at >= _last ? 0 : at + 1;

    /// <summary>The parts that overlap it; null for none.</summary>
    (UInt128 From, UInt128 To)? RangeOf(IPNetwork network)
    {
        if (!_any || network.BaseAddress.AddressFamily != _whole.BaseAddress.AddressFamily) return null;
        if (network.Contains(_whole.BaseAddress)) return (0, _last == 0 || network.PrefixLength <= _whole.PrefixLength ? _last : Span(network, 0));
        if (!_whole.Contains(network.BaseAddress)) return null;
        var from = (Number(network.BaseAddress) - _first) >> (_bits - _size);
        return (from, network.PrefixLength >= _size ? from : Span(network, from));
    }

    UInt128 Span(IPNetwork network, UInt128 from) => network.PrefixLength >= _size ? from : from + (UInt128.One << (_size - network.PrefixLength)) - 1;

    static UInt128 Number(IPAddress address)
    {
        UInt128 number = 0;
        foreach (byte b in address.GetAddressBytes()) number = number << 8 | b;
        return number;
    }

    IPAddress Address(UInt128 value)
    {
        byte[] bytes = new byte[_bits / 8];
        for (int i = bytes.Length - 1; i >= 0; i--, value >>= 8) bytes[i] = (byte)(value & 0xff);
        return new(bytes);
    }
}
