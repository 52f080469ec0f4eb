namespace Hanbae.Machinery.Cel;

/// <summary>The shapes that values come in.</summary>
public enum CelKind : byte { Null, Bool, Int, Uint, Double, String, Bytes, Timestamp, Duration, List, Map, Type, Optional, Object, Error }

/// <summary>An immutable value of an expression. JSON is wrapped, not copied; an error is a value, since <c>&amp;&amp;</c> and <c>||</c> may absorb it.</summary>
public abstract class CelValue
{
    private protected CelValue() { }

    public abstract CelKind Kind { get; }
    /// <summary>The type at run time; lists and maps do not say of what.</summary>
    public abstract CelType Type { get; }

    internal bool IsError => Kind == CelKind.Error;
    /// <summary>What costs are counted by: characters, bytes, items, entries; 1 for the rest.</summary>
    internal virtual ulong Size => 1;
    internal virtual bool IsZero => false;

    public static implicit operator CelValue(bool value) => CelBool.Of(value);
    public static implicit operator CelValue(long value) => CelInt.Of(value);
    public static implicit operator CelValue(string value) => new CelString(value);

    /// <summary>For people and tests; not CEL's <c>string()</c>.</summary>
    public override string ToString() => Text.ValueText.Literal(this);
}

public sealed class CelNull : CelValue
{
    CelNull() { }
    public static CelNull Instance { get; } = new();
    public override CelKind Kind => CelKind.Null;
    public override CelType Type => CelType.Null;
    internal override bool IsZero => true;
}

public sealed class CelBool : CelValue
{
    CelBool(bool value) => Value = value;
    public static CelBool True { get; } = new(true);
    public static CelBool False { get; } = new(false);
    public static CelBool Of(bool value) => value ? True : False;
    public bool Value { get; }
    public override CelKind Kind => CelKind.Bool;
    public override CelType Type => CelType.Bool;
    internal override bool IsZero => !Value;
}

public sealed class CelInt : CelValue
{
    static readonly CelInt[] s_small = [.. Enumerable.Range(-1, 258).Select(i => new CelInt(i))];
    CelInt(long value) => Value = value;
    public static CelInt Of(long value) => value is >= -1 and < 257 ? s_small[value + 1] : new(value);
    public long Value { get; }
    public override CelKind Kind => CelKind.Int;
    public override CelType Type => CelType.Int;
    internal override bool IsZero => Value == 0;
}

public sealed class CelUint(ulong value) : CelValue
{
    public ulong Value { get; } = value;
    public override CelKind Kind => CelKind.Uint;
    public override CelType Type => CelType.Uint;
    internal override bool IsZero => Value == 0;
}

public sealed class CelDouble(double value) : CelValue
{
    public double Value { get; } = value;
    public override CelKind Kind => CelKind.Double;
    public override CelType Type => CelType.Double;
    internal override bool IsZero => Value == 0;
}

public sealed class CelString(string value) : CelValue
{
    public static CelString Empty { get; } = new("");
    public string Value { get; } = value;
    public override CelKind Kind => CelKind.String;
    public override CelType Type => CelType.String;
    internal override ulong Size => (ulong)Text.CodePoints.Count(Value);
    internal override bool IsZero => Value.Length == 0;
}

public sealed class CelBytes(ReadOnlyMemory<byte> value) : CelValue
{
    public ReadOnlyMemory<byte> Value { get; } = value;
    public override CelKind Kind => CelKind.Bytes;
    public override CelType Type => CelType.Bytes;
    internal override ulong Size => (ulong)Value.Length;
    internal override bool IsZero => Value.IsEmpty;
}

/// <summary>A type as a value: <c>int</c>, <c>type(x)</c>.</summary>
public sealed class CelTypeValue(CelType value) : CelValue
{
    public CelType Value { get; } = value;
    public override CelKind Kind => CelKind.Type;
    public override CelType Type => CelType.Type;
}

/// <summary>A value or none.</summary>
public sealed class CelOptional : CelValue
{
    CelOptional(CelValue? value) => Value = value;
    public static CelOptional None { get; } = new(null);
    public static CelOptional Of(CelValue value) => new(value);
    public CelValue? Value { get; }
    public override CelKind Kind => CelKind.Optional;
    public override CelType Type { get; } = CelType.Optional(CelType.Dyn);
    internal override bool IsZero => Value is null;
}

/// <summary>What went wrong, in cel-go's words.</summary>
public sealed class CelError(string message) : CelValue
{
    public string Message { get; } = message;
    public override CelKind Kind => CelKind.Error;
    public override CelType Type => CelType.Error;

    internal static CelError NoSuchOverload { get; } = new("no such overload");
    internal static CelError DivideByZero { get; } = new("division by zero");
    internal static CelError ModulusByZero { get; } = new("modulus by zero");
    internal static CelError IntOverflow { get; } = new("integer overflow");
    internal static CelError UintOverflow { get; } = new("unsigned integer overflow");
    internal static CelError DurationOverflow { get; } = new("duration overflow");
    internal static CelError TimestampOverflow { get; } = new("timestamp overflow");
    internal static CelError TooLarge { get; } = new("result is too large");

    internal static CelError NoSuchKey(string key) => new("no such key: " + key);
    internal static CelError Conversion(CelValue from, CelType to) => new($"type conversion error from '{from.Type.Name}' to '{to.Name}'");
}

/// <summary>A value of a type that a library brings: a quantity, a URL, an authorizer's check.</summary>
abstract class CelExtension : CelValue
{
    public sealed override CelKind Kind => CelKind.Object;
    /// <summary>Whether the two are equal; the other has the same class.</summary>
    public abstract bool Same(CelExtension other);
}
