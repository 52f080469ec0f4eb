using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel.Check;

/// <summary>The functions of a set of libraries, by name.</summary>
sealed class FunctionTable
{
    static readonly ConcurrentDictionary<CelLibraries, FunctionTable> s_known = new();
    readonly FrozenDictionary<string, ImmutableArray<Overload>> _functions;

    FunctionTable(IEnumerable<(string Name, Overload Overload)> all) =>
        _functions = all.GroupBy(f => f.Name, f => f.Overload, StringComparer.Ordinal).ToFrozenDictionary(g => g.Key, g => g.ToImmutableArray());

    public static FunctionTable Of(CelLibraries libraries) => s_known.GetOrAdd(libraries, static l => new(Functions.Catalog.Of(l)));

    public bool Has(string name) => _functions.ContainsKey(name);
    public ImmutableArray<Overload> Find(string name) => _functions.GetValueOrDefault(name, []);
}
