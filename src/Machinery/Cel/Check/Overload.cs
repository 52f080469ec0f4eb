using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel.Check;

/// <summary>What a function does; never called with an error unless the overload asks for it.</summary>
delegate CelValue Implementation(ReadOnlySpan<CelValue> args, Run.Evaluation run);

/// <summary>One signature of a function: to check calls, to choose at run time, and to be priced by its id.</summary>
sealed class Overload
{
    public Overload(string id, bool member, ImmutableArray<CelType> args, CelType result, Implementation run)
    {
        (Id, Member, Args, Result, Run) = (id, member, args, result, run);
        var parameters = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var type in args) Collect(type, parameters);
        Collect(result, parameters);
        Parameters = [.. parameters];
    }

    /// <summary>Upstream's name of it: cost tables are written by it.</summary>
    public string Id { get; }
    /// <summary>Called as <c>target.f(…)</c>; the target is the first argument.</summary>
    public bool Member { get; }
    public ImmutableArray<CelType> Args { get; }
    public CelType Result { get; }
    public Implementation Run { get; }
    /// <summary>Type parameters of the signature.</summary>
    public ImmutableArray<string> Parameters { get; }
    /// <summary>Gets errors as arguments.</summary>
    public bool TakesErrors { get; init; }

    static void Collect(CelType type, SortedSet<string> to)
    {
        if (type.Kind == CelTypeKind.Parameter) to.Add(type.Name);
        foreach (var inner in type.Parameters) Collect(inner, to);
    }

    /// <summary>Whether values of these kinds may be passed.</summary>
    public bool Accepts(ReadOnlySpan<CelValue> values)
    {
        if (values.Length != Args.Length) return false;
        for (int i = 0; i < values.Length; i++) if (!Accepts(Args[i], values[i])) return false;
        return true;
    }

    static bool Accepts(CelType type, CelValue value) => type.Kind switch
    {
        CelTypeKind.Dyn or CelTypeKind.Parameter => true,
        CelTypeKind.Null => value.Kind == CelKind.Null,
        CelTypeKind.Bool => value.Kind == CelKind.Bool,
        CelTypeKind.Int => value.Kind == CelKind.Int,
        CelTypeKind.Uint => value.Kind == CelKind.Uint,
        CelTypeKind.Double => value.Kind == CelKind.Double,
        CelTypeKind.String => value.Kind == CelKind.String,
        CelTypeKind.Bytes => value.Kind == CelKind.Bytes,
        CelTypeKind.Timestamp => value.Kind == CelKind.Timestamp,
        CelTypeKind.Duration => value.Kind == CelKind.Duration,
        CelTypeKind.List => value.Kind == CelKind.List,
        CelTypeKind.Map => value is CelMap,
        CelTypeKind.Type => value.Kind == CelKind.Type,
        CelTypeKind.Opaque when type.IsOptional => value.Kind == CelKind.Optional,
        _ => value.Type.Name == type.Name,
    };

    public override string ToString() => Id;
}
