using System.Collections.Immutable;

namespace Hanbae.Api.Schema;

/// <summary>What is known of one API type besides its C# shape: what strict decoding, patch, apply, defaulting and OpenAPI need.</summary>
/// <remarks>Emitted from <c>api/</c>; a CustomResourceDefinition yields the same shape, so both walk one path.</remarks>
public sealed class TypeSchema(string name, ImmutableArray<FieldSchema> fields)
{
    readonly Dictionary<string, FieldSchema> _byName = fields.ToDictionary(f => f.Name, StringComparer.Ordinal);

    /// <summary>The OpenAPI definition name, such as <c>io.k8s.api.core.v1.Pod</c>.</summary>
    public string Name { get; } = name;
    /// <summary>Has kind and apiVersion.</summary>
    public bool IsKind { get; init; }
    /// <summary>One value for server-side apply wherever it stands.</summary>
    public bool Atomic { get; init; }
    /// <summary>What it is, for <c>kubectl explain</c>; may be empty.</summary>
    public string Doc { get; init; } = "";

    /// <summary>Fields in the order upstream writes them.</summary>
    public ImmutableArray<FieldSchema> Fields { get; } = fields;

    /// <summary>The field of that JSON name, or null.</summary>
    public FieldSchema? Find(string jsonName) => _byName.GetValueOrDefault(jsonName);

    /// <inheritdoc cref="Find(string)"/>
    public FieldSchema? Find(ReadOnlySpan<char> jsonName) =>
        _byName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(jsonName, out var field) ? field : null;
}

/// <summary>The kinds of value a field (or a list's item, or a map's value) can hold.</summary>
public enum ValueKind
{
    String, Bool, Int32, Int64, Double,
    /// <summary>Base64 in JSON, raw in protobuf.</summary>
    Bytes,
    Quantity, IntOrString, Time, MicroTime, Duration,
    /// <summary>Any JSON value, kept as it came.</summary>
    Raw,
    /// <summary>A structure; see <see cref="FieldSchema.Type"/>.</summary>
    Object,
}

/// <summary>How values of a field are gathered.</summary>
public enum Shape { Single, List, Map, ListMap /* map of string to list */ }

/// <summary>How a list merges in server-side apply (<c>x-kubernetes-list-type</c>).</summary>
public enum ListType { Atomic, Set, Map }

/// <summary>One field of a <see cref="TypeSchema"/>.</summary>
public sealed class FieldSchema(string name, ValueKind kind, Shape shape = Shape.Single, Func<TypeSchema>? type = null)
{
    /// <summary>The JSON name.</summary>
    public string Name { get; } = name;
    public ValueKind Kind { get; } = kind;
    public Shape Shape { get; } = shape;
    /// <summary>The structure's schema when <see cref="Kind"/> is <see cref="ValueKind.Object"/>; lazy, since types refer to themselves.</summary>
    public TypeSchema? Type => type?.Invoke();

    public bool Required { get; init; }
    /// <summary>Strategic merge: lists and maps merge rather than being replaced.</summary>
    public bool PatchMerge { get; init; }
    /// <summary>Strategic merge: <c>retainKeys</c> semantics for unions.</summary>
    public bool PatchRetainKeys { get; init; }
    /// <summary>Strategic merge: the key that identifies an item of a merged list of objects.</summary>
    public string? PatchMergeKey { get; init; }
    public ListType ListType { get; init; }
    /// <summary>Whether the list type is stated rather than assumed; OpenAPI publishes only stated ones.</summary>
    public bool ListTypeDeclared { get; init; }
    /// <summary>The keys of a <see cref="ListType.Map"/> list.</summary>
    public ImmutableArray<string> ListKeys { get; init; } = [];
    /// <summary>The structure or map is one value for server-side apply (<c>x-kubernetes-map-type: atomic</c>).</summary>
    public bool Atomic { get; init; }
    /// <summary>The declared default as JSON text, or null.</summary>
    public string? Default { get; init; }
    /// <summary>OpenAPI publishes the zero value as default.</summary>
    public bool ZeroDefault { get; init; }
    /// <summary>Left out of JSON when it has its zero value.</summary>
    public bool OmitEmpty { get; init; }
    /// <summary>What it is, for <c>kubectl explain</c>; may be empty.</summary>
    public string Doc { get; init; } = "";
    public ImmutableArray<string> Enum { get; init; } = [];
    /// <summary>OpenAPI <c>format</c> where <see cref="Kind"/> alone does not tell it.</summary>
    public string? Format { get; init; }
}
