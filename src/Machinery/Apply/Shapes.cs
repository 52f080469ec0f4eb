using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>How a value at hand merges: by its type or, where nothing is known of that, by what it is.</summary>
static class Shapes
{
    /// <param name="first">The value's first byte.</param>
    public static Merging Of(ApplyType type, byte first) =>
        type.Merging != Merging.Deduced ? type.Merging : first is (byte)'{' or (byte)'n' ? Merging.Fields : Merging.Leaf;

    public static Merging Of(ApplyType type, JsonValue value) =>
        type.Merging != Merging.Deduced ? type.Merging : value is JsonObject or JsonNull ? Merging.Fields : Merging.Leaf;

    /// <param name="name">As it stands in JSON.</param>
    /// <param name="cursor">Begins at -1.</param>
    public static (PathElement Element, ApplyType Type) Member(ApplyType type, ReadOnlySpan<byte> name, ref int cursor)
    {
        if (type.Merging == Merging.Deduced) return (Element(name), ApplyType.Deduced);
        if (type.Fields.Find(name, ref cursor) is { } field) return (field.Element, field.Type);
        return (Element(name), type.Element ?? ApplyType.Atomic);
    }

    static PathElement Element(ReadOnlySpan<byte> name) =>
        name.Contains((byte)'\\') ? PathElements.Field(((JsonString)JsonValue.Parse([(byte)'"', .. name, (byte)'"'])).Value) : PathElements.Get(PathKind.Field, name);

    public static ApplyType Member(ApplyType type, string name) => type.Member(name) ?? ApplyType.Atomic;
}
