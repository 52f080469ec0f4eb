using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel.Check;

/// <summary>Knows which type may stand for which, and what type parameters have come to mean.</summary>
sealed class Unifier
{
    const int MaxDepth = 100;
    Dictionary<string, CelType> _bound = new(StringComparer.Ordinal);
    int _fresh;

    public CelType Fresh() => CelType.Parameter("_var" + _fresh++);

    /// <summary>Whether values of the one may be used as the other; binds parameters when so, and only then.</summary>
    public bool Assignable(CelType from, CelType to) => Try(() => Assign(from, to, 0));

    public bool Assignable(ReadOnlySpan<CelType> from, ImmutableArray<CelType> to)
    {
        if (from.Length != to.Length) return false;
        var before = _bound;
        _bound = new(before, StringComparer.Ordinal);
        for (int i = 0; i < from.Length; i++)
            if (!Assign(from[i], to[i], 0)) { _bound = before; return false; }
        return true;
    }

    bool Try(Func<bool> attempt)
    {
        var before = _bound;
        _bound = new(before, StringComparer.Ordinal);
        if (attempt()) return true;
        _bound = before;
        return false;
    }

    bool Assign(CelType a, CelType b, int depth)
    {
        if (depth > MaxDepth) return false;
        if (b.Kind == CelTypeKind.Parameter)
        {
            var (valid, known) = Bind(a, b, depth);
            if (valid) return true;
            if (known) return false;
        }
        if (a.Kind == CelTypeKind.Parameter) return Bind(b, a, depth).Valid;
        if (a.IsDynOrError || b.IsDynOrError) return true;
        if (a.Kind == CelTypeKind.Null) return MayBeNull(b);
        if (b.Kind == CelTypeKind.Null) return MayBeNull(a);
        if (a.Kind != b.Kind) return false;
        switch (a.Kind)
        {
            // A type is a type is a type.
            case CelTypeKind.Type: return true;
            case CelTypeKind.Object: return a.Name == b.Name;
        }
        if (a.Name != b.Name || a.Parameters.Length != b.Parameters.Length) return false;
        for (int i = 0; i < a.Parameters.Length; i++) if (!Assign(a.Parameters[i], b.Parameters[i], depth + 1)) return false;
        return true;
    }

    static bool MayBeNull(CelType type) => type.Kind is CelTypeKind.Null or CelTypeKind.Object or CelTypeKind.Opaque or CelTypeKind.Timestamp or CelTypeKind.Duration;

    (bool Valid, bool Known) Bind(CelType value, CelType parameter, int depth)
    {
        if (value.Equals(parameter)) return (true, true);
        if (_bound.TryGetValue(parameter.Name, out var bound))
        {
            if (value.Equals(bound)) return (true, true);
            if (!Assign(value, bound, depth + 1)) return (false, true);
            _bound[parameter.Name] = MoreGeneral(value, bound);
            return (true, true);
        }
        if (Occurs(parameter, value, 0)) return (false, false);
        _bound[parameter.Name] = value;
        return (true, false);
    }

    bool Occurs(CelType parameter, CelType within, int depth)
    {
        if (depth > MaxDepth || parameter.Equals(within)) return true;
        if (within.Kind == CelTypeKind.Parameter) return _bound.TryGetValue(within.Name, out var bound) && Occurs(parameter, bound, depth + 1);
        foreach (var inner in within.Parameters) if (Occurs(parameter, inner, depth + 1)) return true;
        return false;
    }

    public static CelType MoreGeneral(CelType a, CelType b) => AtLeastAsGeneral(a, b) ? a : b;

    static bool AtLeastAsGeneral(CelType a, CelType b)
    {
        if (a.Kind is CelTypeKind.Dyn or CelTypeKind.Parameter) return true;
        if (b.Kind is CelTypeKind.Dyn or CelTypeKind.Parameter) return false;
        if (a.Kind != b.Kind) return false;
        if (a.Kind == CelTypeKind.Type) return true;
        if (a.Name != b.Name || a.Parameters.Length != b.Parameters.Length) return false;
        for (int i = 0; i < a.Parameters.Length; i++) if (!AtLeastAsGeneral(a.Parameters[i], b.Parameters[i])) return false;
        return true;
    }

    /// <summary>The type with bound parameters replaced.</summary>
    /// <param name="toDyn">What is not bound becomes dyn.</param>
    public CelType Resolve(CelType type, bool toDyn = false)
    {
        int depth = 0;
        while (type.Kind == CelTypeKind.Parameter && _bound.TryGetValue(type.Name, out var bound) && depth++ < MaxDepth) type = bound;
        if (type.Kind == CelTypeKind.Parameter) return toDyn ? CelType.Dyn : type;
        return type.Parameters.IsEmpty ? type : type.With([.. type.Parameters.Select(p => Resolve(p, toDyn))]);
    }

    /// <summary>An overload's types with parameters of their own.</summary>
    public (ImmutableArray<CelType> Args, CelType Result) Instantiate(Overload overload)
    {
        if (overload.Parameters.IsEmpty) return (overload.Args, overload.Result);
        var names = overload.Parameters.ToDictionary(p => p, _ => Fresh());
        return ([.. overload.Args.Select(Replace)], Replace(overload.Result));

        CelType Replace(CelType type) => type.Kind == CelTypeKind.Parameter ? names[type.Name]
            : type.Parameters.IsEmpty ? type : type.With([.. type.Parameters.Select(Replace)]);
    }
}
