using System.Collections.Frozen;
using System.Collections.Immutable;
using Hanbae.Machinery.Cel.Check;
using Hanbae.Machinery.Cel.Cost;
using Hanbae.Machinery.Cel.Functions;
using Hanbae.Machinery.Cel.Run;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel;

/// <summary>What an expression may refer to, where it stands: variables with their types, types it may construct, libraries.</summary>
/// <remarks>
/// Immutable; <c>With…</c> makes the next one. <code>
/// var env = CelEnvironment.Kubernetes.WithVariable("self", schema, "self").WithVariable("oldSelf", schema, "self");
/// var program = env.Compile("self.replicas &lt;= self.maxReplicas");      // program.Error, program.Cost, program.ResultType
/// var result = program.Evaluate(new(("self", CelJson.Wrap(json, schema))), CelLimits.PerCall, ct);   // result.Value or result.Error, result.Cost
/// </code></remarks>
public sealed class CelEnvironment
{
    readonly CelLibraries _libraries;
    readonly ImmutableDictionary<string, CelType> _variables;
    readonly ImmutableDictionary<string, CelSchema> _schemas;
    readonly ImmutableDictionary<string, CelType> _constructible;
    readonly Func<string, CelType?>? _resolve;

    CelEnvironment(CelLibraries libraries, ImmutableDictionary<string, CelType> variables, ImmutableDictionary<string, CelSchema> schemas,
        ImmutableDictionary<string, CelType> constructible, Func<string, CelType?>? resolve) =>
        (_libraries, _variables, _schemas, _constructible, _resolve) = (libraries, variables, schemas, constructible, resolve);

    public static CelEnvironment Of(CelLibraries libraries) => new(libraries,
        ImmutableDictionary.Create<string, CelType>(StringComparer.Ordinal), ImmutableDictionary.Create<string, CelSchema>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, CelType>(StringComparer.Ordinal), null);

    /// <summary>What every expression field of Kubernetes v1.36 has.</summary>
    public static CelEnvironment Kubernetes { get; } = Of(CelLibraries.Kubernetes);

    /// <summary>With a variable; its name may have dots, as <c>authorizer.requestResource</c>.</summary>
    public CelEnvironment WithVariable(string name, CelType type) => new(_libraries, _variables.SetItem(name, type), _schemas.Remove(name), _constructible, _resolve);

    /// <summary>With a variable whose schema gives its type and bounds its costs.</summary>
    /// <param name="typeName">What objects of it are called in errors.</param>
    public CelEnvironment WithVariable(string name, CelSchema schema, string typeName) =>
        new(_libraries, _variables.SetItem(name, schema.ToType(typeName)), _schemas.SetItem(name, schema), _constructible, _resolve);

    /// <summary>With a variable that is an optional of what the schema describes: <c>oldSelf</c> under <c>optionalOldSelf</c>.</summary>
    public CelEnvironment WithOptionalVariable(string name, CelSchema schema, string typeName) =>
        new(_libraries, _variables.SetItem(name, CelType.Optional(schema.ToType(typeName))), _schemas.SetItem(name, schema), _constructible, _resolve);

    /// <summary>With an object type that expressions may construct.</summary>
    public CelEnvironment WithType(CelType type) => new(_libraries, _variables, _schemas, _constructible.SetItem(type.Name, type), _resolve);

    /// <summary>With object types that are found by name when an expression constructs them.</summary>
    public CelEnvironment WithTypes(Func<string, CelType?> resolve) => new(_libraries, _variables, _schemas, _constructible, resolve);

    /// <summary>Parses, checks, prices and plans an expression; what is wrong with it is in <see cref="CelProgram.Error"/>.</summary>
    public CelProgram Compile(string text)
    {
        var source = new Source(text);
        if (Parser.Parse(source, _libraries) is not { } root) return CelProgram.Failed(source.Errors());
        Checker.Check(root, source, new Scope(Find), FunctionTable.Of(_libraries), Constructible, homogeneous: true);
        if (!source.HasErrors) Validators.Check(root, source);
        if (source.HasErrors) return CelProgram.Failed(source.Errors());
        var cost = new Estimator(_schemas).Cost(root);
        var (node, slots) = Planner.Plan(root);
        return new CelProgram(node, slots, root.Type, new(cost.Min, cost.Max), References.Of(root));
    }

    CelType? Constructible(string name) => _constructible.GetValueOrDefault(name) ?? _resolve?.Invoke(name);

    (CelType, CelValue?)? Find(string name)
    {
        if (_variables.TryGetValue(name, out var variable)) return (variable, null);
        if (s_types.GetOrAdd(_libraries, static l => Catalog.Types(l).ToFrozenDictionary(t => t.Name)).TryGetValue(name, out var type) || (type = Constructible(name)) is not null)
            return (CelType.TypeOf(type), new CelTypeValue(type));
        return null;
    }

    static readonly System.Collections.Concurrent.ConcurrentDictionary<CelLibraries, FrozenDictionary<string, CelType>> s_types = new();
}
