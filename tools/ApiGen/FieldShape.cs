using Hanbae.Api.Schema;

namespace Hanbae.Tools.ApiGen;

/// <summary>How one field is held, read and written: everything about it that becomes C# text.</summary>
sealed class FieldShape
{
    static readonly HashSet<string> NeverShared = ["uid", "resourceVersion", "message", "containerID", "imageID", "podIP", "ip", "selfLink", "generateName"];

    public required ApiField Field { get; init; }
    public required string Property { get; init; }
    /// <summary>The type of the backing field; the property's unless the field is kept null for its default.</summary>
    public required string Backing { get; init; }
    public required string PropertyType { get; init; }
    /// <summary>How the property gets: an expression over the backing field.</summary>
    public required string Getter { get; init; }
    public required string Setter { get; init; }
    public required string ReadJson { get; init; }
    /// <summary>Statement that writes the value (after its name).</summary>
    public required string WriteJson { get; init; }
    /// <summary>The condition under which JSON has the field; null for always.</summary>
    public required string? JsonWhen { get; init; }
    /// <summary>Statement run at the field's tag.</summary>
    public required string ReadProto { get; init; }
    public required string WriteProto { get; init; }
    public required string? ProtoWhen { get; init; }
    /// <summary>Protobuf repeats the tag: items are gathered in a builder of this element type.</summary>
    public string? Gathers { get; init; }
    public bool GathersMap { get; init; }

    public string Store => "_" + char.ToLowerInvariant(Property[0]) + Property[1..];

    public static FieldShape Of(Universe universe, ApiFile here, ApiType type, ApiField f)
    {
        string property = Universe.Pascal(f.Name);
        if (property == type.Name) property += "Value";
        string store = "_" + char.ToLowerInvariant(property[0]) + property[1..];
        string n = f.Number.ToString();
        string element = f.Type switch
        {
            "string" => "string", "bool" => "bool", "int32" => "int", "int64" => "long", "double" => "double", "bytes" => "Bytes",
            "quantity" => "Quantity", "intorstring" => "IntOrString", "time" or "microtime" => "DateTimeOffset?", "duration" => "Duration",
            "raw" => "RawJson", "strings" => "Seq<string>", _ => universe.TypeName(here, f.Type),
        };
        string? codec = f.Type switch
        {
            "bool" => "BoolCodec", "int32" => "Int32Codec", "int64" => "Int64Codec", "double" => "DoubleCodec", "bytes" => "BytesCodec",
            "quantity" => "QuantityCodec", "intorstring" => "IntOrStringCodec", "time" => "TimeCodec", "microtime" => "MicroTimeCodec",
            "duration" => "DurationCodec", "raw" => "RawJsonCodec", "strings" => "StringsCodec", _ => null,
        };
        bool text = f.Type == "string", message = codec is null && !text;

        FieldShape Make(string backing, string propertyType, string getter, string setter, string readJson, string writeJson, string present,
            string readProto, string writeProto, string? protoWhen, string? gathers = null, bool gathersMap = false) => new()
        {
            Field = f, Property = property, Backing = backing, PropertyType = propertyType, Getter = getter, Setter = setter, ReadJson = readJson,
            // A Go pointer without omitempty is written as null.
            WriteJson = f.Pointer && !f.OmitEmpty ? $"if ({present}) {writeJson}; else w.Null()" : writeJson, JsonWhen = f.OmitEmpty ? present : null, ReadProto = readProto, WriteProto = writeProto, ProtoWhen = protoWhen,
            Gathers = gathers, GathersMap = gathersMap,
        };

        if (f.List || f.Map)
        {
            string shape = f.Map ? "Map" : "Seq", many = $"{shape}<{element}>";
            string kind = text ? (f.Map ? "StringMap" : "Strings") : message ? (f.Map ? $"MessageMap<{element}>" : $"Messages<{element}>")
                : f.Map ? $"ValueMap<{element}, {codec}>" : $"Values<{element}, {codec}>";
            string item = f.Map
                ? text ? "r.StringEntry()" : message ? $"r.MessageEntry<{element}>()" : $"r.ValueEntry<{element}, {codec}>()"
                : text ? "r.Pointer()" : message ? $"r.Message<{element}>()" : $"r.Value<{element}, {codec}>()";
            return Make(many, many, store, "value", $"r.{kind}()", $"w.{kind}({store})", $"!{store}.IsEmpty",
                $"{store}Items.Add({item})", $"w.{kind}({n}, {store})", $"!{store}.IsEmpty",
                f.Map ? $"KeyValuePair<string, {element}>" : element, f.Map);
        }
        if (text && f.Pointer)
            return Make("string?", "string?", store, "value", "r.Pointer()", $"w.String({store})", $"{store} is not null",
                $"o.{store} = r.Pointer()", $"w.String({n}, {store})", $"{store} is not null");
        if (text)
        {
            string read = NeverShared.Contains(f.Name) ? "Unique" : "String";
            return Make("string?", "string", $"{store} ?? \"\"", "value.Length == 0 ? null : value", $"r.{read}()", $"w.String({store})", $"{store} is not null",
                $"o.{store} = r.{read}()", $"w.String({n}, {store})", null);
        }
        if (message && f.Pointer)
            return Make(element + "?", element + "?", store, "value", $"r.TryNull() ? null : r.Message<{element}>()", $"{store}!.WriteJson(ref w)", $"{store} is not null",
                $"o.{store} = r.Message<{element}>()", $"w.Message({n}, {store}!)", $"{store} is not null");
        if (message)
            return Make(element + "?", element, $"{store} ?? {element}.Empty", $"value.Equals({element}.Empty) ? null : value",
                $"Codecs.NullIfEqual(r.Message<{element}>())", $"({store} ?? {element}.Empty).WriteJson(ref w)", f.OmitZero ? $"{store} is not null" : "true",
                $"o.{store} = Codecs.NullIfEqual(r.Message<{element}>())", $"w.Message({n}, {store} ?? {element}.Empty)", null);

        string writer = f.Type switch
        {
            "bool" => "Bool", "int32" or "int64" => "Int64", "double" => "Double", "bytes" => "Bytes", "quantity" => "Quantity", "intorstring" => "IntOrString",
            "time" => "Time", "microtime" => "MicroTime", "duration" => "Duration", "raw" => "RawJson", _ => "Strings",
        };
        string reader = f.Type switch
        {
            "int32" => "Int32", "int64" => "Int64", "microtime" => "Time", "raw" => "Raw", _ => writer,
        };
        bool nullable = element.EndsWith('?'), selfAbsent = f.Type is "bytes" or "raw" or "strings";
        if (selfAbsent || nullable)
        {
            string absent = nullable ? $"{store} is not null" : $"!{store}.IsNil";
            bool always = !f.Pointer && f.Type is "time" or "microtime" or "raw" or "strings" && !f.Pointer;
            string present = f.Type == "raw" && !f.Pointer && !f.OmitZero ? "true"
                : f.Type == "bytes" ? $"{store}.Length > 0" : f.Type == "strings" ? $"!{store}.IsEmpty"
                : nullable && !f.Pointer && !f.OmitZero ? "true" : absent;
            return Make(element, element, store, "value", $"r.{reader}()", $"w.{writer}({store})", present,
                $"o.{store} = r.Value<{element}, {codec}>()", $"w.Value<{element}, {codec}>({n}, {store})", always ? null : absent);
        }
        if (f.Pointer)
            return Make(element + "?", element + "?", store, "value", $"r.TryNull() ? ({element}?)null : r.{reader}()", $"w.{writer}({store}!.Value)", $"{store} is not null",
                $"o.{store} = r.Value<{element}, {codec}>()", $"w.Value<{element}, {codec}>({n}, {store}!.Value)", $"{store} is not null");
        string nonZero = f.Type switch
        {
            "bool" => store, "int32" or "int64" or "double" => $"{store} != 0",
            // A Go struct is never empty: only omitzero leaves it out.
            _ => f.OmitZero ? $"{store} != default" : "true",
        };
        return Make(element, element, store, "value", $"r.{reader}()", $"w.{writer}({store})", nonZero,
            $"o.{store} = r.Value<{element}, {codec}>()", $"w.Value<{element}, {codec}>({n}, {store})", null);
    }
}
