using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Admission.Webhooks;

namespace Hanbae.Server.Admission.Policies;

/// <summary>Holds a policy's expressions against the types that it is about: what it says at run time may then be known when it is written (KEP-3488).</summary>
/// <remarks>Warnings only: a policy may be about kinds that come later, or that differ from each other.</remarks>
sealed class PolicyTypes(ResourceVersions versions)
{
    /// <summary>As upstream: a rule may name very many resources.</summary>
    const int MostKinds = 10;

    public async ValueTask<Seq<ExpressionWarning>> CheckAsync(ValidatingAdmissionPolicySpec spec, CancellationToken ct)
    {
        var param = spec.ParamKind is { } kind && await versions.FindAsync((GroupVersion.Parse(kind.ApiVersion) ?? default).Kind(kind.Kind), ct).ConfigureAwait(false) is var (_, served) ? served : null;
        var environments = KindsOf(spec).Select(k => (k.Gvk, Environment: EnvironmentOf(spec, k, param))).ToArray();
        var warnings = new List<ExpressionWarning>();
        void Check(string at, string expression)
        {
            if (expression.Length == 0) return;
            string[] found = [.. from e in environments let error = e.Environment.Compile(expression).Error where error is not null select $"{e.Gvk.GroupVersion}, Kind={e.Gvk.Kind}: {error}\n"];
            if (found.Length > 0) warnings.Add(new() { FieldRef = at, Warning = string.Join("\n", found) });
        }
        for (int i = 0; i < spec.Validations.Count; i++)
        {
            Check($"spec.validations[{i}].expression", spec.Validations[i].Expression);
            Check($"spec.validations[{i}].messageExpression", spec.Validations[i].MessageExpression);
        }
        return warnings.ToSeq();
    }

    static CelEnvironment EnvironmentOf(ValidatingAdmissionPolicySpec spec, KindInfo kind, KindInfo? param) =>
        new PolicyExpressions(spec.Variables, RequestVariables.Typed(CelSchemas.Of(kind.Schema), kind.Kind, param is null ? null : (CelSchemas.Of(param.Schema), param.Kind))).Environment;

    /// <summary>In upstream's order. Rules with wildcards are about too much to say anything of.</summary>
    IEnumerable<KindInfo> KindsOf(ValidatingAdmissionPolicySpec spec)
    {
        var kinds = new Dictionary<GroupVersionKind, KindInfo>();
        foreach (var rule in spec.MatchConstraints?.ResourceRules ?? default)
        {
            if (rule.ApiGroups.Exists(g => g.Contains('*')) || rule.ApiVersions.Exists(v => v.Contains('*'))) continue;
            int count = 0;
            foreach (string group in rule.ApiGroups.Order(StringComparer.Ordinal))
                foreach (string version in rule.ApiVersions.Order(StringComparer.Ordinal))
                    foreach (string resource in rule.Resources.Where(r => !r.Contains('*') && !r.Contains('/')).Order(StringComparer.Ordinal))
                        if (count < MostKinds && versions.KindOf(new(group, version, resource)) is { } kind)
                        {
                            kinds[kind.Gvk] = kind;
                            count++;
                        }
        }
        return kinds.Values.OrderBy(k => k.Gvk.Group, StringComparer.Ordinal).ThenBy(k => k.Gvk.Version, StringComparer.Ordinal).ThenBy(k => k.Gvk.Kind, StringComparer.Ordinal);
    }
}
