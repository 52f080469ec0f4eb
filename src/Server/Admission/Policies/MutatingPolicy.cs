using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Apply;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Patch;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Apply;

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

    public bool Matches(CelActivation values, out string? error, CancellationToken ct)
    {
        ulong budget = CelLimits.PerMatchConditions;
        return _conditions.Match(values, ref budget, out error, ct);
    }

    /// <param name="values">Of the request as it is then: each mutation sees what those before it made.</param>
    /// <returns>Whether anything changed.</returns>
    /// <exception cref="PolicyConfigurationException">A mutation cannot be evaluated, or does not apply.</exception>
    public async ValueTask<bool> ApplyAsync(ReviewedWrite write, Invocation asked, Func<ValueTask<CelActivation>> values, DateTimeOffset now, CancellationToken ct)
    {
        bool changed = false;
        foreach (var (mutation, expression, program) in _mutations)
        {
            var view = await write.InAsync(asked.Kind, ct).ConfigureAwait(false);
            if (view.Object is null) return changed;
            var budget = new Budget();
            var result = budget.Evaluate(program, _expressions.With(await values().ConfigureAwait(false), budget, ct), ct);
            if (budget.Wrong(expression, program, result) is { } why) throw new PolicyConfigurationException(why);
            try
            {
                var made = CelJson.ToJson(result.Value!, out string? error) ?? throw new PolicyConfigurationException(error!);
                var tree = mutation.PatchType == "JSONPatch" ? Patched(view.Tree, made) : Applied(view, made, now);
                if (tree.Equals(view.Tree)) continue;
                await write.ChangeAsync(view.Object.Kind().Decode(tree.ToUtf8()), ct).ConfigureAwait(false);
                changed = true;
            }
            catch (Exception e) when (e is PatchException or ApplyException or FormatException or Api.Codec.DecodeException) { throw new PolicyConfigurationException(e.Message); }
        }
        return changed;
    }

    static JsonValue Patched(JsonValue tree, JsonValue patch)
    {
        try { return JsonPatch.Parse(patch).Apply(tree); }
        // A test that fails means that there is nothing to do.
        catch (PatchException e) when (e.Message.EndsWith("test failed", StringComparison.Ordinal)) { return tree; }
        catch (PatchException e) { throw new PolicyConfigurationException("JSONPath: " + e.Message); }
    }

    /// <summary>As server-side apply merges, but nobody comes to own anything by it.</summary>
    static JsonValue Applied(ReviewedWrite.View view, JsonValue made, DateTimeOffset now)
    {
        var kind = view.Object!.Kind();
        var wanted = ((JsonObject)made).With("apiVersion", kind.ApiVersion).With("kind", kind.Kind);
        TypedCheck.Check(wanted, ApplyKinds.TypeOf(kind));
        return (JsonValue?)Tracking.Apply(new Ownership(), view.Json, wanted, new FieldTracking("policy", kind, "").Write(now), force: true) ?? view.Tree;
    }
}
