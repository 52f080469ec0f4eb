using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>What a step of a path names, in the order in which upstream sorts them.</summary>
public enum PathKind : byte { Field, Key, Value, Index }

/// <summary>One step into an object: a field, a list's item by key or by value, or a place.</summary>
/// <remarks>Immutable and pooled by <see cref="PathElements"/>: equal ones are mostly the same instance.</remarks>
public sealed class PathElement : IEquatable<PathElement>, IComparable<PathElement>
{
    /// <summary>The quoted text with a colon: what stands in FieldsV1 before the fields below.</summary>
    readonly byte[] _quoted;

    PathElement(PathKind kind, string text, JsonValue? value)
    {
        (Kind, Text, Content) = (kind, text, value);
        _quoted = [.. JsonPrinter.ToUtf8(Prefix(kind) + text), (byte)':'];
    }

    public PathKind Kind { get; }
    /// <summary>Behind the prefix: the field's name, or JSON.</summary>
    public string Text { get; }
    /// <summary>The key's fields sorted by name, the item's value or the index; null for fields.</summary>
    JsonValue? Content { get; }

    internal ReadOnlySpan<byte> Quoted => _quoted;

    public static PathElement Field(string name) => new(PathKind.Field, name, null);

    /// <param name="key">Sorted by name.</param>
    public static PathElement Key(JsonObject key) => new(PathKind.Key, key.ToString(), key);

    public static PathElement Value(JsonValue value) => new(PathKind.Value, value.ToString(), value);

    /// <summary>Reads <c>f:name</c>, <c>k:{"name":"x"}</c>, <c>v:1</c> or <c>i:0</c>.</summary>
    /// <returns>Null for an element of a kind that is not known: skipped, as upstream skips what newer versions may write.</returns>
    /// <exception cref="ApplyException">It is none of the known kinds' form.</exception>
    public static PathElement? Parse(string text)
    {
        if (text.Length < 2 || text[1] != ':') throw new ApplyException($"missing colon: {text}");
        string rest = text[2..];
        try
        {
            switch (text[0])
            {
                case 'f': return Field(rest);
                case 'v': return Value(JsonValue.Parse(rest));
                case 'k':
                    var key = JsonValue.Parse(rest) as JsonObject ?? throw new ApplyException($"expected a map: {rest}");
                    return Key(Sorted(key));
                case 'i': return int.TryParse(rest, out int index) ? new(PathKind.Index, rest, JsonNumber.Of(index)) : throw new ApplyException($"invalid index: {rest}");
                default: return null;
            }
        }
        catch (JsonSyntaxException e) { throw new ApplyException($"parsing {text}: {e.Message}"); }
    }

    internal static JsonObject Sorted(JsonObject key)
    {
        var members = key.Members.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        var builder = new JsonObjectBuilder(members.Length);
        foreach (var (name, value) in members) builder.Set(name, value);
        return builder.Build();
    }

    static string Prefix(PathKind kind) => kind switch { PathKind.Field => "f:", PathKind.Key => "k:", PathKind.Value => "v:", _ => "i:" };

    public bool Equals(PathElement? other) =>
        ReferenceEquals(this, other) || other is not null && Kind == other.Kind && (Kind == PathKind.Field ? Text == other.Text : Compare(Content!, other.Content!) == 0);

    public override bool Equals(object? obj) => obj is PathElement other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(Kind, Text);

    public int CompareTo(PathElement? other)
    {
        if (ReferenceEquals(this, other)) return 0;
        if (other is null) return 1;
        if (Kind != other.Kind) return Kind.CompareTo(other.Kind);
        return Kind == PathKind.Field ? string.CompareOrdinal(Text, other.Text) : Compare(Content!, other.Content!);
    }

    /// <summary>Upstream's order of values: numbers, texts, booleans, lists, maps, null.</summary>
    static int Compare(JsonValue a, JsonValue b)
    {
        int order = Rank(a) - Rank(b);
        if (order != 0) return order;
        switch (a, b)
        {
            case (JsonNumber x, JsonNumber y): return JsonNumber.Compare(x, y);
            case (JsonString x, JsonString y): return string.CompareOrdinal(x.Value, y.Value);
            case (JsonBool x, JsonBool y): return x.Value.CompareTo(y.Value);
            case (JsonArray x, JsonArray y):
                for (int i = 0; i < Math.Min(x.Count, y.Count); i++)
                    if (Compare(x[i], y[i]) is not 0 and var c) return c;
                return x.Count - y.Count;
            case (JsonObject x, JsonObject y):
                for (int i = 0; i < Math.Min(x.Count, y.Count); i++)
                {
                    if (string.CompareOrdinal(x[i].Name, y[i].Name) is not 0 and var n) return n;
                    if (Compare(x[i].Value, y[i].Value) is not 0 and var c) return c;
                }
                return x.Count - y.Count;
            default: return 0;
        }
    }

    static int Rank(JsonValue value) => value.Kind switch
    {
        JsonKind.Number => 0, JsonKind.String => 1, JsonKind.Bool => 2, JsonKind.Array => 3, JsonKind.Object => 4, _ => 5,
    };

    /// <summary>As conflicts show it: <c>.name</c>, <c>[name="x"]</c>, <c>[="x"]</c>, <c>[0]</c>.</summary>
    public override string ToString() => Kind switch
    {
        PathKind.Field => "." + Text,
        PathKind.Key => "[" + string.Join(",", ((JsonObject)Content!).Select(m => m.Name + "=" + m.Value)) + "]",
        PathKind.Value => "[=" + Content + "]",
        _ => "[" + Text + "]",
    };

    internal static PathElement FromQuotedKey(PathKind kind, ReadOnlySpan<byte> json) =>
        kind == PathKind.Key ? Key((JsonObject)JsonValue.Parse(json)) : kind == PathKind.Value ? Value(JsonValue.Parse(json)) : Field(Encoding.UTF8.GetString(json));
}
