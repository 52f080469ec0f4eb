using System.Text;

namespace Hanbae.Api.Json;

/// <summary>The shapes a JSON value comes in.</summary>
public enum JsonKind : byte { Null, Bool, Number, String, Array, Object }

/// <summary>One JSON value that nobody can change: what custom objects, patches and server-side apply work on.</summary>
/// <remarks>
/// Equality is Kubernetes': the order of members does not matter, the order of items does, and 1 and 1.0 are two values
/// (as int64 and float64 are to upstream's DeepEqual); <see cref="JsonNumber.SameNumber"/> compares across the two.
/// </remarks>
public abstract class JsonValue : IEquatable<JsonValue>
{
    private protected JsonValue() { }

    public abstract JsonKind Kind { get; }

    public abstract bool Equals(JsonValue? other);
    public sealed override bool Equals(object? obj) => obj is JsonValue other && Equals(other);
    public abstract override int GetHashCode();

    /// <summary>Reads one document; see <see cref="JsonParser"/> for the limits and the errors.</summary>
    public static JsonValue Parse(ReadOnlySpan<byte> utf8) => JsonParser.Parse(utf8);
    /// <inheritdoc cref="Parse(ReadOnlySpan{byte})"/>
    public static JsonValue Parse(string text) => JsonParser.Parse(Encoding.UTF8.GetBytes(text));

    /// <summary>The value as UTF-8 JSON.</summary>
    public byte[] ToUtf8(JsonStyle style = JsonStyle.AsWritten) => JsonPrinter.ToUtf8(this, style);

    /// <summary>The value as JSON text, members as written.</summary>
    public sealed override string ToString() => Encoding.UTF8.GetString(ToUtf8());

    public static implicit operator JsonValue(string value) => new JsonString(value);
    public static implicit operator JsonValue(long value) => JsonNumber.Of(value);
    public static implicit operator JsonValue(double value) => JsonNumber.Of(value);
    public static implicit operator JsonValue(bool value) => JsonBool.Of(value);
}

/// <summary><c>null</c>.</summary>
public sealed class JsonNull : JsonValue
{
    JsonNull() { }
    public static JsonNull Instance { get; } = new();
    public override JsonKind Kind => JsonKind.Null;
    public override bool Equals(JsonValue? other) => other is JsonNull;
    public override int GetHashCode() => 0x6e75;
}

/// <summary><c>true</c> or <c>false</c>.</summary>
public sealed class JsonBool : JsonValue
{
    JsonBool(bool value) => Value = value;
    public static JsonBool True { get; } = new(true);
    public static JsonBool False { get; } = new(false);
    public static JsonBool Of(bool value) => value ? True : False;
    public bool Value { get; }
    public override JsonKind Kind => JsonKind.Bool;
    public override bool Equals(JsonValue? other) => ReferenceEquals(this, other);
    public override int GetHashCode() => Value ? 1231 : 1237;
}

/// <summary>Text, its escapes resolved.</summary>
public sealed class JsonString(string value) : JsonValue
{
    public static JsonString Empty { get; } = new("");
    public string Value { get; } = value;
    public override JsonKind Kind => JsonKind.String;
    public override bool Equals(JsonValue? other) => other is JsonString s && string.Equals(Value, s.Value);
    public override int GetHashCode() => Value.GetHashCode();
}
