using System.Text;
using Hanbae.Api.Codec;
using Hanbae.Api.Schema;

namespace Hanbae.Server.Verbs;

/// <summary>Says where a JSON body is of the wrong type in the words of a Go server: only asked for when decoding failed.</summary>
ref struct TypeErrors
{
    JsonReader _reader;
    string? _message;

    /// <summary>The text of the first thing that is wrong: syntax before types, as upstream looks at the whole text first.</summary>
    public static string Message(ReadOnlySpan<byte> json, TypeSchema schema, string otherwise)
    {
        try
        {
            var whole = new JsonReader(json);
            whole.Skip();
            whole.End();
        }
        catch (DecodeException e) { return e.Message; }
        var errors = new TypeErrors { _reader = new(json) };
        if (errors._reader.Next is '{' or 'n') errors.Struct(schema, "");
        else errors._message = $"json: cannot unmarshal {Got(errors._reader.Next)} into Go value of type {GoTypes.Struct(schema)}";
        return errors._message ?? otherwise;
    }

    void Struct(TypeSchema schema, string path)
    {
        if (!_reader.Object()) return;
        do
        {
            string name = Encoding.UTF8.GetString(_reader.Name());
            if (schema.Find(name) is not { } field) { _reader.Skip(); continue; }
            Field(schema, field, path.Length == 0 ? name : path + "." + name);
            if (_message is not null) return;
        } while (_reader.NextMember());
    }

    void Field(TypeSchema owner, FieldSchema field, string path)
    {
        char next = _reader.Next;
        if (next == 'n' || field.Kind == ValueKind.Raw) { _reader.Skip(); return; }
        switch (field.Shape)
        {
            case Shape.List:
                if (next != '[') { Wrong(owner, path, Got(next), GoTypes.Of(owner, field)); return; }
                if (!_reader.Array(out _)) return;
                do Value(owner, field, path); while (_message is null && _reader.NextItem());
                return;
            case Shape.Map or Shape.ListMap:
                if (next != '{') { Wrong(owner, path, Got(next), GoTypes.Of(owner, field)); return; }
                if (!_reader.Object()) return;
                do
                {
                    _reader.Name();
                    if (field.Shape == Shape.Map) Value(owner, field, path);
                    else _reader.Skip();
                } while (_message is null && _reader.NextMember());
                return;
            default: Value(owner, field, path); return;
        }
    }

    void Value(TypeSchema owner, FieldSchema field, string path)
    {
        char next = _reader.Next;
        if (next == 'n') { _reader.Skip(); return; }
        bool number = next == '-' || char.IsAsciiDigit(next);
        switch (field.Kind)
        {
            case ValueKind.Object:
                if (next == '{') Struct(field.Type!, path);
                else Wrong(owner, path, Got(next), GoTypes.Item(owner, field));
                return;
            case ValueKind.Int32 or ValueKind.Int64:
                if (number) Whole(owner, field, path);
                else Wrong(owner, path, Got(next), GoTypes.Item(owner, field));
                return;
            // Its own decoder, which knows no field: an int32 is what it tries last.
            case ValueKind.IntOrString:
                if (next == '"') _reader.Skip();
                else if (number) Whole(owner, field, path);
                else Wrong(owner, path, Got(next), "int32");
                return;
            case ValueKind.Bool when next is 't' or 'f':
            case ValueKind.Double when number:
            case ValueKind.String or ValueKind.Bytes or ValueKind.Time or ValueKind.MicroTime or ValueKind.Duration when next == '"':
                _reader.Skip();
                return;
            case ValueKind.Quantity:
                if (next != '"' && !number) _message = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                else _reader.Skip();
                return;
            default: Wrong(owner, path, Got(next), GoTypes.Item(owner, field)); return;
        }
    }

    void Whole(TypeSchema owner, FieldSchema field, string path)
    {
        double value = _reader.Double();
        bool narrow = field.Kind != ValueKind.Int64;
        // Beyond 2^53 the text decides; what gets here has failed to decode, so that a rounded bound is near enough.
        if (value == Math.Floor(value) && (narrow ? value is >= int.MinValue and <= int.MaxValue : Math.Abs(value) < 9.3e18)) return;
        Wrong(owner, path, "number " + value.ToString("R", System.Globalization.CultureInfo.InvariantCulture), narrow ? "int32" : "int64");
    }

    void Wrong(TypeSchema owner, string path, string got, string wanted) =>
        _message = $"json: cannot unmarshal {got} into Go struct field {GoTypes.Name(owner)}.{path} of type {wanted}";

    static string Got(char next) => next switch { '{' => "object", '[' => "array", '"' => "string", 't' or 'f' => "bool", _ => "number" };
}
