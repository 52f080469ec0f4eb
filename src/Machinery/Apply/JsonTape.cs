using System.Buffers;
using System.Diagnostics;

namespace Hanbae.Machinery.Apply;

/// <summary>Lets comparisons walk a JSON document without decoding it: where each value begins, ends and continues, found in one pass.</summary>
/// <remarks>For documents that a writer made: valid and without blanks. What is equal byte by byte is never walked.</remarks>
struct JsonTape : IDisposable
{
    /// <param name="Name">Where the member's name begins behind its quote; 0 for items.</param>
    /// <param name="Size">Values in this one, itself included: the next sibling is that far.</param>
    /// <param name="Count">Members or items.</param>
    internal record struct Value(int Name, int NameLength, int Start, int End, int Size, int Count);

    readonly byte[] _json;
    Value[] _values = ArrayPool<Value>.Shared.Rent(256);
    int _count, _at;

    /// <param name="json">Not to be changed while the tape lives.</param>
    /// <exception cref="ApplyException">It is no such document.</exception>
    public JsonTape(byte[] json)
    {
        _json = json;
        try { Read(0, 0); }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentOutOfRangeException or ApplyException)
        {
            Dispose();
            throw e as ApplyException ?? new ApplyException("unexpected end of JSON input");
        }
    }

    public readonly ref readonly Value this[int index] => ref _values[index];
    public readonly byte[] Json => _json;
    public readonly ReadOnlySpan<byte> Name(int index) => _json.AsSpan(_values[index].Name, _values[index].NameLength);
    public readonly ReadOnlySpan<byte> Bytes(int index) => _json.AsSpan(_values[index].Start, _values[index].End - _values[index].Start);
    /// <summary><c>{</c>, <c>[</c>, <c>"</c>, <c>n</c>, or how else the value begins.</summary>
    public readonly byte Kind(int index) => _json[_values[index].Start];

    void Read(int name, int nameLength)
    {
        int index = _count++;
        if (index == _values.Length) Grow();
        int start = _at, members = 0;
        switch (_json[_at])
        {
            case (byte)'{':
                _at++;
                while (_json[_at] != '}')
                {
                    if (members++ > 0) Expect((byte)',');
                    int quote = _at;
                    Text();
                    int end = _at - 1;
                    Expect((byte)':');
                    Read(quote + 1, end - quote - 1);
                }
                _at++;
                break;
            case (byte)'[':
                _at++;
                while (_json[_at] != ']')
                {
                    if (members++ > 0) Expect((byte)',');
                    Read(0, 0);
                }
                _at++;
                break;
            case (byte)'"': Text(); break;
            default:
                int length = _json.AsSpan(_at).IndexOfAny(",]}"u8);
                _at = length < 0 ? _json.Length : _at + length;
                if (_at == start) throw new ApplyException($"invalid character in JSON at {start}");
                break;
        }
        _values[index] = new(name, nameLength, start, _at, _count - index, members);
    }

    void Text()
    {
        Expect((byte)'"');
        while (true)
        {
            int length = _json.AsSpan(_at).IndexOfAny((byte)'"', (byte)'\\');
            if (length < 0) throw new ApplyException("unexpected end of JSON input");
            _at += length + 1;
            if (_json[_at - 1] == '"') return;
            _at++;
        }
    }

    void Expect(byte c)
    {
        if (_json[_at] != c) throw new ApplyException($"invalid character in JSON at {_at}");
        _at++;
    }

    void Grow()
    {
        var larger = ArrayPool<Value>.Shared.Rent(_values.Length * 2);
        _values.CopyTo(larger, 0);
        ArrayPool<Value>.Shared.Return(_values);
        _values = larger;
    }

    public void Dispose()
    {
        if (_values.Length > 0) ArrayPool<Value>.Shared.Return(_values);
        _values = [];
    }
}
