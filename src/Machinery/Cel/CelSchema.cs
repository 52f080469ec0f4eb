using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel;

/// <summary>What a place in a Kubernetes object holds.</summary>
public enum CelSchemaKind : byte
{
    Object, Map, List, String,
    /// <summary>A string of format <c>byte</c>: base64 in JSON, bytes to expressions.</summary>
    Bytes,
    Date, DateTime, Duration, Integer, Number, Boolean, IntOrString,
    /// <summary>Any JSON; expressions see it as it is.</summary>
    Dyn,
    /// <summary>Any JSON that expressions may only compare as a part of something larger: preserved unknown fields without a type.</summary>
    Hidden,
}

/// <summary>How equality and <c>+</c> treat a list (<c>x-kubernetes-list-type</c>).</summary>
public enum CelListType : byte { Atomic, Set, Map }

/// <summary>A property of an object.</summary>
/// <param name="Schema">Lazy, since built-in types refer to themselves.</param>
/// <param name="HasDefault">A default fills it in, so that it need not be sent.</param>
public sealed record CelProperty(string Name, Func<CelSchema> Schema, bool Required = false, bool HasDefault = false)
{
    CelSchema? _schema;
    internal CelSchema Value => _schema ??= Schema();
    /// <summary>The name that expressions use, or null when there is none. Upstream escapes names of custom schemas only: <c>request.namespace</c> is written as it is.</summary>
    public string? Identifier { get; init; } = CelNames.Escape(Name);
}

/// <summary>A Kubernetes schema as CEL needs it: types to check, how to read JSON, bounds to estimate costs from. Made of a built-in type or of a custom one.</summary>
public sealed class CelSchema
{
    public CelSchema(CelSchemaKind kind) => Kind = kind;

    public CelSchemaKind Kind { get; }
    public bool Nullable { get; init; }
    /// <summary>Of a string, in characters.</summary>
    public long? MaxLength { get; init; }
    public long? MaxItems { get; init; }
    public long? MaxProperties { get; init; }
    /// <summary>Of a list its items, of a map its values.</summary>
    public CelSchema? Items { get; init; }
    public CelListType ListType { get; init; }
    public ImmutableArray<string> ListKeys { get; init; } = [];
    /// <summary>The texts a string may be; they bound its length.</summary>
    public ImmutableArray<string> Enum { get; init; } = [];
    /// <summary>Expressions may select apiVersion, kind and metadata even when they are not among the properties.</summary>
    public bool IsResource { get; init; }

    public ImmutableArray<CelProperty> Properties
    {
        get;
        init
        {
            field = value;
            _byName = value.ToFrozenDictionary(p => p.Name);
            _byIdentifier = value.Where(p => p.Identifier is not null).ToFrozenDictionary(p => p.Identifier!);
        }
    } = [];

    readonly FrozenDictionary<string, CelProperty> _byName = FrozenDictionary<string, CelProperty>.Empty;
    readonly FrozenDictionary<string, CelProperty> _byIdentifier = FrozenDictionary<string, CelProperty>.Empty;

    public static CelSchema String { get; } = new(CelSchemaKind.String);
    public static CelSchema Integer { get; } = new(CelSchemaKind.Integer);
    public static CelSchema Number { get; } = new(CelSchemaKind.Number);
    public static CelSchema Boolean { get; } = new(CelSchemaKind.Boolean);
    public static CelSchema Dyn { get; } = new(CelSchemaKind.Dyn) { Nullable = true };
    public static CelSchema Hidden { get; } = new(CelSchemaKind.Hidden) { Nullable = true };

    static readonly CelSchema s_metadata = new(CelSchemaKind.Object) { Properties = [new("name", () => String), new("generateName", () => String)] };
    static readonly FrozenDictionary<string, CelProperty> s_resource = new[]
    {
        new CelProperty("apiVersion", () => String), new CelProperty("kind", () => String), new CelProperty("metadata", () => s_metadata),
    }.ToFrozenDictionary(p => p.Name);

    /// <summary>A list of these.</summary>
    public static CelSchema List(CelSchema items, CelListType type = CelListType.Atomic, params ImmutableArray<string> keys) =>
        new(CelSchemaKind.List) { Items = items, ListType = type, ListKeys = keys };

    /// <summary>A map from strings to these.</summary>
    public static CelSchema Map(CelSchema values) => new(CelSchemaKind.Map) { Items = values };

    public static CelSchema Object(params ImmutableArray<CelProperty> properties) => new(CelSchemaKind.Object) { Properties = properties };

    internal CelProperty? ByName(string name) =>
        _byName.TryGetValue(name, out var known) || IsResource && s_resource.TryGetValue(name, out known) ? known : null;

    internal CelProperty? ByIdentifier(string identifier) =>
        _byIdentifier.TryGetValue(identifier, out var known) || IsResource && s_resource.TryGetValue(identifier, out known) ? known : null;

    /// <summary>Whether expressions may touch it: lists and maps of hidden things are hidden.</summary>
    internal bool Exposed => Kind switch
    {
        CelSchemaKind.Hidden => false,
        CelSchemaKind.List or CelSchemaKind.Map => Items is { Exposed: true },
        _ => true,
    };

    readonly ConcurrentDictionary<string, CelType> _types = new(StringComparer.Ordinal);

    /// <summary>The type of values of this schema.</summary>
    /// <param name="name">What objects of it are called in errors; objects within are called by their path from there.</param>
    public CelType ToType(string name) => Kind switch
    {
        CelSchemaKind.Object => _types.GetOrAdd(name, static (n, s) => CelType.Object(n, new Fields(n, s)), this),
        CelSchemaKind.Map => CelType.Map(CelType.String, Items!.ToType(name + ".@elem")),
        CelSchemaKind.List => CelType.List(Items!.ToType(name + ".@idx")),
        CelSchemaKind.String => CelType.String,
        CelSchemaKind.Bytes => CelType.Bytes,
        CelSchemaKind.Date or CelSchemaKind.DateTime => CelType.Timestamp,
        CelSchemaKind.Duration => CelType.Duration,
        CelSchemaKind.Integer => CelType.Int,
        CelSchemaKind.Number => CelType.Double,
        CelSchemaKind.Boolean => CelType.Bool,
        _ => CelType.Dyn,
    };

    sealed class Fields(string name, CelSchema schema) : ICelFields
    {
        public CelType? Find(string identifier) =>
            schema.ByIdentifier(identifier) is { } property && property.Value.Exposed ? property.Value.ToType(name + "." + identifier) : null;
    }
}
