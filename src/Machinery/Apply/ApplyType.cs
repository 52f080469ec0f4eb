using System.Collections.Immutable;
using System.Text;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;

namespace Hanbae.Machinery.Apply;

/// <summary>How values of a type merge.</summary>
public enum Merging : byte
{
    /// <summary>One value: replaced as a whole. Structures, maps and lists that are atomic are no different from a number.</summary>
    Leaf,
    /// <summary>A structure or map, field by field.</summary>
    Fields,
    /// <summary>A list without order or repetition.</summary>
    Set,
    /// <summary>A list whose items are found by a key.</summary>
    Keyed,
    /// <summary>Nothing is known: objects merge, lists and all else are leaves.</summary>
    Deduced,
    /// <summary>Not looked at: managedFields themselves.</summary>
    Ignored,
}

/// <summary>What a leaf may hold, for the check of what is applied.</summary>
public enum LeafForm : byte { Any, Scalar, String, Number, Bool, List, Map }

/// <summary>What server-side apply knows of a type. Built-in types come from <see cref="TypeSchema"/>, those of custom resources from their schema: both make these.</summary>
/// <remarks>Fields are made when first asked for, since types refer to themselves. Make each type once: they are compared by reference nowhere, but they cache.</remarks>
public sealed class ApplyType
{
    readonly Func<IEnumerable<ApplyField>>? _make;
    ApplyFields? _fields;

    ApplyType(Merging merging, LeafForm form = LeafForm.Any, Func<IEnumerable<ApplyField>>? fields = null) => (Merging, Form, _make) = (merging, form, fields);

    public Merging Merging { get; }
    public LeafForm Form { get; }
    /// <summary>Of lists the items', of maps the values', of structures that of undeclared fields; null when these are refused.</summary>
    public ApplyType? Element { get; private init; }
    /// <summary>What keys a keyed list's items, by name.</summary>
    public ImmutableArray<string> Keys { get; private init; } = [];
    internal ImmutableArray<byte[]> KeyNames { get; private init; } = [];

    /// <summary>Any scalar.</summary>
    public static ApplyType Scalar { get; } = new(Merging.Leaf, LeafForm.Scalar);
    public static ApplyType String { get; } = new(Merging.Leaf, LeafForm.String);
    public static ApplyType Number { get; } = new(Merging.Leaf, LeafForm.Number);
    public static ApplyType Bool { get; } = new(Merging.Leaf, LeafForm.Bool);
    /// <summary>Anything at all, as one value.</summary>
    public static ApplyType Atomic { get; } = new(Merging.Leaf);
    /// <summary>Free-form JSON without a schema.</summary>
    public static ApplyType Deduced { get; } = new(Merging.Deduced);
    internal static ApplyType Ignored { get; } = new(Merging.Ignored);

    /// <param name="rest">The type of fields that are not declared; null to refuse them.</param>
    public static ApplyType Structure(Func<IEnumerable<ApplyField>> fields, ApplyType? rest = null) => new(Merging.Fields, fields: fields) { Element = rest };
    /// <summary>A structure that is replaced as a whole; its fields matter for the check alone.</summary>
    public static ApplyType AtomicStructure(Func<IEnumerable<ApplyField>> fields, ApplyType? rest = null) => new(Merging.Leaf, LeafForm.Map, fields) { Element = rest };
    public static ApplyType MapOf(ApplyType values) => new(Merging.Fields) { Element = values };
    public static ApplyType AtomicMapOf(ApplyType values) => new(Merging.Leaf, LeafForm.Map) { Element = values };
    public static ApplyType AtomicListOf(ApplyType items) => new(Merging.Leaf, LeafForm.List) { Element = items };
    public static ApplyType SetOf(ApplyType items) => new(Merging.Set) { Element = items };
    public static ApplyType KeyedList(ApplyType items, params IEnumerable<string> keys)
    {
        ImmutableArray<string> sorted = [.. keys.Order(StringComparer.Ordinal)];
        return new(Merging.Keyed) { Element = items, Keys = sorted, KeyNames = [.. sorted.Select(Encoding.UTF8.GetBytes)] };
    }

    /// <summary>Of lists, the items' type; never null.</summary>
    internal ApplyType Items => Merging == Merging.Deduced ? Deduced : Element ?? Atomic;

    internal ApplyFields Fields => _fields ??= new(_make is null ? [] : _make());

    /// <summary>Whether it is a field of a structure rather than a key of a map.</summary>
    public bool Declares(string name) => _make is not null && Fields.Find(name) is not null;

    /// <summary>The type of a field or of a map's values; null when there is no such field.</summary>
    public ApplyType? Member(string name) => Merging == Merging.Deduced ? Deduced : (_make is null ? null : Fields.Find(name)?.Type) ?? Element;

    /// <summary>A key field's value where an item leaves it out, or null.</summary>
    internal JsonValue? KeyDefault(string key) => Element?._make is null ? null : Element.Fields.Find(key)?.Default;
}

/// <summary>A declared field.</summary>
/// <param name="Default">What stands in for a list's key that an item leaves out.</param>
public sealed record ApplyField(string Name, ApplyType Type, JsonValue? Default = null)
{
    internal byte[] Utf8 { get; } = Encoding.UTF8.GetBytes(Name);
    internal PathElement Element { get; } = PathElements.Field(Name);
}

/// <summary>The fields of a structure, found by their bytes: those of one object come in the order of declaration.</summary>
sealed class ApplyFields
{
    readonly ApplyField[] _fields;
    readonly Dictionary<string, ApplyField> _byName;

    public ApplyFields(IEnumerable<ApplyField> fields)
    {
        _fields = [.. fields];
        _byName = _fields.ToDictionary(f => f.Name, StringComparer.Ordinal);
    }

    public ApplyField? Find(string name) => _byName.GetValueOrDefault(name);

    /// <param name="at">Where the last one was found: the next one is most likely right behind.</param>
    public ApplyField? Find(ReadOnlySpan<byte> name, ref int at)
    {
        for (int n = 0; n < _fields.Length; n++)
        {
            if (++at >= _fields.Length) at = 0;
            if (name.SequenceEqual(_fields[at].Utf8)) return _fields[at];
        }
        return null;
    }
}
