using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel;

/// <summary>The shapes that CEL's type system tells apart.</summary>
public enum CelTypeKind : byte
{
    Error, Dyn, Null, Bool, Int, Uint, Double, String, Bytes, Timestamp, Duration, List, Map, Type,
    /// <summary>Named, with fields.</summary>
    Object,
    /// <summary>Named, perhaps with parameters, without fields: <c>optional_type</c>, <c>net.IP</c>.</summary>
    Opaque,
    /// <summary>Stands for a type while an expression is checked.</summary>
    Parameter,
}

/// <summary>The fields of an object type: what may be selected from it.</summary>
public interface ICelFields
{
    /// <summary>The type of a field by the name that expressions use, or null when there is none.</summary>
    CelType? Find(string name);
}

/// <summary>What a checked expression, a variable or a function's argument can be.</summary>
/// <remarks>Objects are equal by name, as upstream has it: two schemas must not share one.</remarks>
public sealed class CelType : IEquatable<CelType>
{
    CelType(CelTypeKind kind, string name, ImmutableArray<CelType> parameters = default, ICelFields? fields = null)
    {
        (Kind, Name, Fields) = (kind, name, fields);
        Parameters = parameters.IsDefault ? [] : parameters;
    }

    public CelTypeKind Kind { get; }
    /// <summary>The name at run time, such as <c>google.protobuf.Timestamp</c>.</summary>
    public string Name { get; }
    public ImmutableArray<CelType> Parameters { get; }
    /// <summary>Of an object; null when any field may be selected.</summary>
    public ICelFields? Fields { get; }

    public static CelType Dyn { get; } = new(CelTypeKind.Dyn, "dyn");
    public static CelType Null { get; } = new(CelTypeKind.Null, "null_type");
    public static CelType Bool { get; } = new(CelTypeKind.Bool, "bool");
    public static CelType Int { get; } = new(CelTypeKind.Int, "int");
    public static CelType Uint { get; } = new(CelTypeKind.Uint, "uint");
    public static CelType Double { get; } = new(CelTypeKind.Double, "double");
    public static CelType String { get; } = new(CelTypeKind.String, "string");
    public static CelType Bytes { get; } = new(CelTypeKind.Bytes, "bytes");
    public static CelType Timestamp { get; } = new(CelTypeKind.Timestamp, "google.protobuf.Timestamp");
    public static CelType Duration { get; } = new(CelTypeKind.Duration, "google.protobuf.Duration");
    /// <summary>The type of types, without saying which.</summary>
    public static CelType Type { get; } = new(CelTypeKind.Type, "type");
    internal static CelType Error { get; } = new(CelTypeKind.Error, "!error!");

    /// <summary>A list of anything.</summary>
    public static CelType AnyList { get; } = List(Dyn);
    /// <summary>A map of anything.</summary>
    public static CelType AnyMap { get; } = Map(Dyn, Dyn);

    public static CelType List(CelType item) => new(CelTypeKind.List, "list", [item]);
    public static CelType Map(CelType key, CelType value) => new(CelTypeKind.Map, "map", [key, value]);
    public static CelType Optional(CelType value) => new(CelTypeKind.Opaque, OptionalName, [value]);
    /// <summary>The type whose values are <paramref name="of"/> and its like.</summary>
    public static CelType TypeOf(CelType of) => new(CelTypeKind.Type, "type", [of]);
    public static CelType Object(string name, ICelFields? fields = null) => new(CelTypeKind.Object, name, default, fields);
    public static CelType Opaque(string name) => new(CelTypeKind.Opaque, name);

    /// <summary>An object whose fields are just these.</summary>
    public static CelType Object(string name, IReadOnlyDictionary<string, CelType> fields) => Object(name, new NamedFields(fields));

    internal static CelType Parameter(string name) => new(CelTypeKind.Parameter, name);
    internal CelType With(ImmutableArray<CelType> parameters) => new(Kind, Name, parameters, Fields);

    internal const string OptionalName = "optional_type";
    internal bool IsOptional => Kind == CelTypeKind.Opaque && Name == OptionalName;
    internal bool IsDynOrError => Kind is CelTypeKind.Dyn or CelTypeKind.Error;

    public bool Equals(CelType? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || other.Kind != Kind || other.Name != Name || other.Parameters.Length != Parameters.Length) return false;
        for (int i = 0; i < Parameters.Length; i++) if (!Parameters[i].Equals(other.Parameters[i])) return false;
        return true;
    }

    public override bool Equals(object? obj) => obj is CelType other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(Kind, Name, Parameters.Length);

    /// <summary>As cel-go writes types in its errors: <c>map(string, list(int))</c>, <c>timestamp</c>.</summary>
    public override string ToString() => Kind switch
    {
        CelTypeKind.Null => "null",
        CelTypeKind.Timestamp => "timestamp",
        CelTypeKind.Duration => "duration",
        _ => Parameters.IsEmpty ? Name : $"{Name}({string.Join(", ", Parameters)})",
    };

    sealed class NamedFields(IReadOnlyDictionary<string, CelType> fields) : ICelFields
    {
        public CelType? Find(string name) => fields.GetValueOrDefault(name);
    }
}
