using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Admission.Webhooks;

namespace Hanbae.Server.Admission.Policies;

/// <summary>A MutatingAdmissionPolicy, compiled: its expressions make patches, or what is to be applied (KEP-3962).</summary>
sealed class MutatingPolicy
{
    static readonly CelType s_patch = CelType.Object("JSONPatch", new Dictionary<string, CelType> { ["op"] = CelType.String, ["path"] = CelType.String, ["from"] = CelType.String, ["value"] = CelType.Dyn });

    public static CelType PatchType { get; } = CelType.List(s_patch);
    public static CelType ObjectType { get; } = CelType.Object("Object");

    readonly PolicyExpressions _expressions;
    readonly MatchConditions _conditions;
    readonly (Mutation Mutation, string Expression, CelProgram Program)[] _mutations;

    public MutatingPolicy(MutatingAdmissionPolicy policy)
    {
        var spec = policy.Spec;
        (Name, ParamKind, FailsClosed, Reinvokes) = (policy.Metadata.Name, spec.ParamKind, spec.FailurePolicy != "Ignore", spec.ReinvocationPolicy == "IfNeeded");
        _expressions = ExpressionsOf(spec);
        Selection = ValidatingPolicy.SelectionOf(spec.MatchConstraints, all: false);
        _conditions = new(spec.MatchConditions, _expressions.Conditions, FailsClosed);
        _mutations = [.. spec.Mutations.Select(m => (m, ExpressionOf(m), _expressions.Compile(ExpressionOf(m))))];
    }

    public string Name { get; }
    public Selection Selection { get; }
    public ParamKind? ParamKind { get; }
    public bool FailsClosed { get; }
    public bool Reinvokes { get; }

    public static PolicyExpressions ExpressionsOf(MutatingAdmissionPolicySpec spec) => new(spec.Variables, spec.ParamKind is not null, CelLibraries.Mutation,
        static env => env.WithType(s_patch).WithTypes(static name => name == "Object" || name.StartsWith("Object.", StringComparison.Ordinal) ? CelType.Object(name) : null));

    public static string ExpressionOf(Mutation mutation) => mutation.JsonPatch?.Expression ?? mutation.ApplyConfiguration?.Expression ?? "";

    public (bool Match, string? Error) Matches(CelActivation values, CancellationToken ct) => _conditions.Match(values, ct);

    /// <param name="values">Of the request as it is then: each mutation sees what those before it made.</param>
    /// <param name="failures">Takes why mutations could not be evaluated or do not apply; those after them are tried all the same.</param>
    /// <returns>Whether anything changed.</returns>
    public async ValueTask<bool> ApplyAsync(ReviewedWrite write, Invocation asked, RequestAuthorizer asking, Func<ValueTask<CelActivation>> values, List<string> failures, DateTimeOffset now, CancellationToken ct)
    {
        bool changed = false;
        foreach (var (mutation, expression, program) in _mutations)
        {
            var view = await write.InAsync(asked.Kind, ct).ConfigureAwait(false);
            if (view.Object is null) return changed;
            var given = await values().ConfigureAwait(false);
            var (result, wrong) = await asking.EvaluateAsync(() =>
            {
                var budget = new Budget();
                var came = budget.Evaluate(program, _expressions.With(given, budget, ct), ct);
                return (came.Value, budget.Wrong(expression, program, came));
            }).ConfigureAwait(false);
            if (wrong is not null)
            {
                failures.Add(wrong);
                continue;
            }
            try
            {
                var tree = mutation.PatchType == "JSONPatch" ? PolicyPatches.Patched(view.Tree, result!) : PolicyPatches.Applied(view, result!, now);
                if (tree.Equals(view.Tree)) continue;
                await write.ChangeAsync(view.Object.Kind().Decode(tree.ToUtf8()), ct).ConfigureAwait(false);
                changed = true;
            }
            catch (Exception e) when (e is PolicyConfigurationException or FormatException or Api.Codec.DecodeException) { failures.Add(e.Message); }
        }
        return changed;
    }
}
