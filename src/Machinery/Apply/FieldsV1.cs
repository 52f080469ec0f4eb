using System.Buffers;
using System.Text;
using Hanbae.Api.Codec;

namespace Hanbae.Machinery.Apply;

/// <summary>Reads and writes <see cref="FieldSet"/>s as they stand in <c>managedFields</c>, and lets equal ones be one.</summary>
/// <remarks>
/// A direct-mapped table of the sets seen last, found by their bytes: a write parses no set that another write had before, and objects of
/// one shape share the bytes. Bound: 1,024 sets of at most 16 KiB of JSON; a miss replaces.
/// </remarks>
public static class FieldsV1
{
    const int Size = 1024, Longest = 16 << 10;
    static readonly FieldSet?[] s_table = new FieldSet?[Size];

    /// <exception cref="ApplyException">It is no FieldsV1.</exception>
    public static FieldSet Read(ReadOnlySpan<byte> json)
    {
        ref var slot = ref Slot(json);
        if (slot is { } seen && json.SequenceEqual(seen.Bytes)) return seen;
        FieldSet set;
        try
        {
            var reader = new JsonReader(json);
            set = Read(ref reader, out _);
            reader.End();
        }
        catch (DecodeException e) { throw new ApplyException(e.Message); }
        return Share(set);
    }

    /// <summary>The bytes of a set, in upstream's order; not to be changed.</summary>
    public static byte[] Write(FieldSet set) => Share(set).Bytes!;

    /// <summary>The set itself or an equal one that was there before, with its bytes.</summary>
    public static FieldSet Share(FieldSet set)
    {
        if (set.Bytes is not null) return set;
        var buffer = s_buffer ??= new(4096);
        buffer.ResetWrittenCount();
        Write(set, false, buffer);
        var json = buffer.WrittenSpan;
        ref var slot = ref Slot(json);
        if (slot is { } seen && json.SequenceEqual(seen.Bytes)) return seen;
        set.Bytes = json.ToArray();
        if (json.Length <= Longest) slot = set;
        return set;
    }

    [ThreadStatic] static ArrayBufferWriter<byte>? s_buffer;

    static ref FieldSet? Slot(ReadOnlySpan<byte> json)
    {
        var hash = new HashCode();
        hash.AddBytes(json);
        return ref s_table[hash.ToHashCode() & (Size - 1)];
    }

    static void Write(FieldSet set, bool self, ArrayBufferWriter<byte> to)
    {
        to.Write("{"u8);
        if (self) to.Write("\".\":{}"u8);
        bool first = !self;
        foreach (var entry in set.Entries)
        {
            if (!first) to.Write(","u8);
            first = false;
            to.Write(entry.Element.Quoted);
            if (entry.Below is null) to.Write("{}"u8);
            else Write(entry.Below, entry.Owned, to);
        }
        to.Write("}"u8);
    }

    static FieldSet Read(ref JsonReader reader, out bool self)
    {
        self = false;
        if (!reader.Object()) return FieldSet.Empty;
        var entries = new List<FieldSet.Entry>();
        do
        {
            var name = reader.Name();
            if (name.SequenceEqual("."u8))
            {
                self = true;
                reader.Skip();
                continue;
            }
            var element = name.Length > 2 && name[0] == 'f' && name[1] == ':' ? PathElements.Get(PathKind.Field, name[2..]) : PathElement.Parse(Encoding.UTF8.GetString(name));
            if (element is null)
            {
                reader.Skip();
                continue;
            }
            var below = Read(ref reader, out bool owned);
            // An element with nothing below is owned whether or not it says so.
            entries.Add(new(element, owned || below.IsEmpty, below));
        } while (reader.NextMember());
        return FieldSet.Of(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries));
    }
}
