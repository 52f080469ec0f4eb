using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Admission.Policies;

/// <summary>Stores what carries expressions only when these compile; what was stored with others before may go on having them.</summary>
sealed class ExpressionStrategy(KindInfo kind) : Strategy(kind)
{
    public override IReadOnlyList<FieldError> Validate(IObject obj, WriteContext context) => [.. base.Validate(obj, context), .. Broken(obj)];

    public override IReadOnlyList<FieldError> ValidateUpdate(IObject obj, IObject old, WriteContext context)
    {
        var errors = base.ValidateUpdate(obj, old, context);
        var broken = Broken(obj);
        if (broken.Count == 0) return errors;
        var before = Broken(old).Select(e => e.Body).ToHashSet();
        return [.. errors, .. broken.Where(e => !before.Contains(e.Body))];
    }

    static List<FieldError> Broken(IObject obj)
    {
        var errors = new List<FieldError>();
        switch (obj)
        {
            case MutatingWebhookConfiguration c:
                for (int i = 0; i < c.Webhooks.Count; i++) Conditions($"webhooks[{i}].matchConditions", c.Webhooks[i].MatchConditions, RequestVariables.Webhook, errors);
                break;
            case ValidatingWebhookConfiguration c:
                for (int i = 0; i < c.Webhooks.Count; i++) Conditions($"webhooks[{i}].matchConditions", c.Webhooks[i].MatchConditions, RequestVariables.Webhook, errors);
                break;
            case ValidatingAdmissionPolicy { Spec: var s }:
                var policy = new PolicyExpressions(s.Variables, s.ParamKind is not null);
                Variables(policy, errors);
                Conditions("spec.matchConditions", s.MatchConditions, policy.Conditions, errors);
                for (int i = 0; i < s.Validations.Count; i++)
                {
                    Check($"spec.validations[{i}].expression", s.Validations[i].Expression, policy.Environment, errors, CelType.Bool);
                    Check($"spec.validations[{i}].messageExpression", s.Validations[i].MessageExpression, policy.Environment, errors, CelType.String);
                }
                for (int i = 0; i < s.AuditAnnotations.Count; i++)
                    Check($"spec.auditAnnotations[{i}].valueExpression", s.AuditAnnotations[i].ValueExpression, policy.Environment, errors, CelType.String, CelType.Null);
                break;
            case MutatingAdmissionPolicy { Spec: var s }:
                var mutating = MutatingPolicy.ExpressionsOf(s);
                Variables(mutating, errors);
                Conditions("spec.matchConditions", s.MatchConditions, mutating.Conditions, errors);
                for (int i = 0; i < s.Mutations.Count; i++)
                    if (s.Mutations[i].PatchType == "JSONPatch") Check($"spec.mutations[{i}].jsonPatch.expression", s.Mutations[i].JsonPatch?.Expression ?? "", mutating.Environment, errors, MutatingPolicy.PatchType);
                    else Check($"spec.mutations[{i}].applyConfiguration.expression", s.Mutations[i].ApplyConfiguration?.Expression ?? "", mutating.Environment, errors, MutatingPolicy.ObjectType);
                break;
        }
        return errors;
    }

    static void Variables(PolicyExpressions policy, List<FieldError> errors)
    {
        for (int i = 0; i < policy.Variables.Count; i++)
            if (policy.Variables[i] is var (_, expression, program) && expression.Trim().Length > 0 && program.Error is { } broken)
                errors.Add(FieldError.Invalid($"spec.variables[{i}].expression", expression, "compilation failed: " + broken));
    }

    static void Conditions(string at, Seq<MatchCondition> conditions, CelEnvironment env, List<FieldError> errors)
    {
        for (int i = 0; i < conditions.Count; i++) Check($"{at}[{i}].expression", conditions[i].Expression, env, errors, CelType.Bool);
    }

    static void Check(string at, string expression, CelEnvironment env, List<FieldError> errors, params ReadOnlySpan<CelType> allowed)
    {
        // What is missing altogether is for the other rules to say.
        if (expression.Trim().Length == 0) return;
        var program = env.Compile(expression);
        if (program.Error is { } broken)
        {
            errors.Add(FieldError.Invalid(at, expression, "compilation failed: " + broken));
            return;
        }
        foreach (var type in allowed) if (program.ResultType.Equals(type)) return;
        errors.Add(FieldError.Invalid(at, expression, allowed.Length == 1 ? $"must evaluate to {allowed[0]}" : "must evaluate to one of [string null_type]"));
    }
}
