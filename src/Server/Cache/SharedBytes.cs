using System.Buffers;
using Hanbae.Api.Codec;

namespace Hanbae.Server.Cache;

/// <summary>Keeps in memory once what objects of one shape have alike: bytes without the field sets in them, and the sets, which many share.</summary>
/// <remarks>
/// A third of a Pod's bytes says who owns which of its fields, and 10,000 Pods of one Deployment say the same. What is left out is what stands
/// between a set's braces, so that JSON without its sets is JSON still.
/// </remarks>
readonly struct SharedBytes
{
    /// <summary>Shorter sets are not worth the note of where they belong.</summary>
    const int Worth = 96;
    const int MostRuns = 16;

    readonly byte[]? _own;
    readonly Run[] _runs;

    /// <param name="At">Where it belongs in the own bytes.</param>
    /// <param name="Set">The set, with its braces.</param>
    readonly record struct Run(int At, byte[] Set)
    {
        public ReadOnlySpan<byte> Bytes => Set.AsSpan(1, Set.Length - 2);
    }

    SharedBytes(byte[] own, Run[] runs)
    {
        (_own, _runs) = (own, runs);
        Length = own.Length;
        foreach (var run in runs) Length += run.Bytes.Length;
    }

    public bool IsNil => _own is null;
    public int Length { get; }
    /// <summary>What nobody else has; of JSON, the document with empty field sets.</summary>
    public byte[] Own => _own!;
    public bool IsWhole => _runs.Length == 0;

    /// <param name="insert">Put in at <paramref name="at"/>, before every set.</param>
    public static SharedBytes OfJson(ReadOnlySpan<byte> json, int at = 0, ReadOnlySpan<byte> insert = default)
    {
        Span<(int Start, int End)> found = stackalloc (int, int)[MostRuns];
        int count = 0, gone = 0;
        for (int from = at; count < MostRuns && NextSet(json, ref from) is var start and >= 0;)
            if (from - start is >= Worth and <= FieldsPool.Longest)
            {
                found[count++] = (start + 1, from - 1);
                gone += from - start - 2;
            }
        byte[] own = GC.AllocateUninitializedArray<byte>(json.Length + insert.Length - gone);
        json[..at].CopyTo(own);
        insert.CopyTo(own.AsSpan(at));
        var runs = count == 0 ? [] : new Run[count];
        int to = at + insert.Length, next = at;
        for (int i = 0; i < count; i++)
        {
            var (start, end) = found[i];
            json[next..start].CopyTo(own.AsSpan(to));
            to += start - next;
            runs[i] = new(to, FieldsPool.Get(json[(start - 1)..(end + 1)]));
            next = end;
        }
        json[next..].CopyTo(own.AsSpan(to));
        return new(own, runs);
    }

    /// <summary>The next field set: a member's name cannot stand in a text unescaped, so it is one wherever it is.</summary>
    /// <param name="from">Where to look; behind the set afterwards.</param>
    static int NextSet(ReadOnlySpan<byte> json, ref int from)
    {
        var name = "\"fieldsV1\":{\"f:"u8;
        int found = json[from..].IndexOf(name);
        if (found < 0) return -1;
        int start = from + found + name.Length - 4;
        int depth = 0;
        for (int i = start; i < json.Length; i++)
        {
            int step = json[i..].IndexOfAny("{}\""u8);
            if (step < 0) return -1;
            i += step;
            if (json[i] == '{') depth++;
            else if (json[i] == '"')
                for (i++; ; i++)
                {
                    step = json[i..].IndexOfAny((byte)'"', (byte)'\\');
                    if (step < 0) return -1;
                    i += step;
                    if (json[i] == '"') break;
                    if (++i >= json.Length) return -1;
                }
            else if (--depth == 0)
            {
                from = i + 1;
                return start;
            }
        }
        return -1;
    }

    /// <summary>Another encoding of the same object, where the same sets stand in the same order.</summary>
    public static SharedBytes Like(SharedBytes json, ReadOnlySpan<byte> bytes)
    {
        if (json.IsWhole) return new(bytes.ToArray(), []);
        var runs = new Run[json._runs.Length];
        byte[] own = GC.AllocateUninitializedArray<byte>(bytes.Length);
        int count = 0, next = 0, to = 0;
        foreach (var run in json._runs)
        {
            int found = bytes[next..].IndexOf(run.Set);
            if (found < 0) continue;
            bytes.Slice(next, found + 1).CopyTo(own.AsSpan(to));
            to += found + 1;
            runs[count++] = new(to, run.Set);
            next += found + run.Set.Length - 1;
        }
        bytes[next..].CopyTo(own.AsSpan(to));
        to += bytes.Length - next;
        return new(own[..to], count == runs.Length ? runs : runs[..count]);
    }

    /// <param name="to">As long as the bytes at least.</param>
    public void CopyTo(Span<byte> to) => Slice(0, Own.Length).CopyTo(to);

    public void WriteTo(IBufferWriter<byte> to) => Slice(0, Own.Length).WriteTo(to);

    /// <summary>The part of the own bytes, with the sets that belong into it.</summary>
    public Part Slice(int start, int end) => new(this, start, end);

    public byte[] ToArray()
    {
        byte[] all = GC.AllocateUninitializedArray<byte>(Length);
        CopyTo(all);
        return all;
    }

    /// <summary>A run of bytes, and the sets in it.</summary>
    public readonly struct Part
    {
        readonly SharedBytes _of;
        readonly int _start, _end;

        internal Part(SharedBytes of, int start, int end)
        {
            (_of, _start, _end) = (of, start, end);
            Length = end - start;
            foreach (var run in of._runs)
                if (run.At > start && run.At < end) Length += run.Bytes.Length;
        }

        public int Length { get; }

        public void CopyTo(Span<byte> to)
        {
            int from = _start;
            foreach (var run in _of._runs)
            {
                if (run.At <= _start || run.At >= _end) continue;
                _of._own.AsSpan(from, run.At - from).CopyTo(to);
                to = to[(run.At - from)..];
                run.Bytes.CopyTo(to);
                to = to[run.Bytes.Length..];
                from = run.At;
            }
            _of._own.AsSpan(from, _end - from).CopyTo(to);
        }

        public void WriteTo(IBufferWriter<byte> to)
        {
            int from = _start;
            foreach (var run in _of._runs)
            {
                if (run.At <= _start || run.At >= _end) continue;
                to.Write(_of._own.AsSpan(from, run.At - from));
                to.Write(run.Bytes);
                from = run.At;
            }
            to.Write(_of._own.AsSpan(from, _end - from));
        }
    }
}
