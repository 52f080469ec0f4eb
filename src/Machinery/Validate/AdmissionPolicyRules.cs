using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Admission policies and their bindings, but for what their expressions mean.</summary>
static class AdmissionPolicyRules
{
    public static void Check(ValidatingAdmissionPolicy o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.FailurePolicy is { } failure) errors.OneOf(at["failurePolicy"], failure, "Fail", "Ignore");
        Kind(at["paramKind"], s.ParamKind, errors);
        if (s.MatchConstraints is { } match) Match(at["matchConstraints"], match, true, errors);
        else errors.Required(at["matchConstraints"]);
        WebhookRules.MatchConditions(at["matchConditions"], s.MatchConditions, errors);
        Variables(at["variables"], s.Variables, errors);
        if (s.Validations.IsEmpty && s.AuditAnnotations.IsEmpty)
        {
            const string some = "validations or auditAnnotations must be non-empty";
            errors.Required(at["validations"], some);
            errors.Required(at["auditAnnotations"], some);
        }
        for (int i = 0; i < s.Validations.Count; i++)
        {
            var (here, v) = (at["validations"][i], s.Validations[i]);
            string message = v.Message.Trim();
            if (v.Expression.Trim().Length == 0) errors.Required(here["expression"], "expression is not specified");
            if (v.MessageExpression.Length > 0 && v.MessageExpression.Trim().Length == 0) errors.Invalid(here["messageExpression"], v.MessageExpression, "must be non-empty if specified");
            if (v.Message.Length > 0 && message.Length == 0) errors.Invalid(here["message"], v.Message, "message must be non-empty if specified");
            else if (message.Contains('\n')) errors.Invalid(here["message"], v.Message, "message must not contain line breaks");
            else if (message.Length == 0 && v.Expression.Contains('\n')) errors.Required(here["message"], "message must be specified if expression contains line breaks");
            if (v.Reason is { } reason) errors.OneOf(here["reason"], reason, "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized");
        }
        var keys = new HashSet<string>();
        for (int i = 0; i < s.AuditAnnotations.Count; i++)
        {
            var (here, annotation) = (at["auditAnnotations"][i], s.AuditAnnotations[i]);
            if (annotation.Key.Length == 0) errors.Required(here["key"]);
            else errors.Invalid(here["key"], annotation.Key, LabelSyntax.KeyErrors(o.Metadata.Name + "/" + annotation.Key));
            if (annotation.ValueExpression.Trim().Length == 0) errors.Required(here["valueExpression"], "valueExpression is not specified");
            if (!keys.Add(annotation.Key)) errors.Duplicate(here["key"], annotation.Key);
        }
    }

    public static void Check(MutatingAdmissionPolicy o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.FailurePolicy is { } failure) errors.OneOf(at["failurePolicy"], failure, "Fail", "Ignore");
        Kind(at["paramKind"], s.ParamKind, errors);
        if (s.MatchConstraints is { } match) Match(at["matchConstraints"], match, true, errors);
        else errors.Required(at["matchConstraints"]);
        WebhookRules.MatchConditions(at["matchConditions"], s.MatchConditions, errors);
        Variables(at["variables"], s.Variables, errors);
        if (s.Mutations.IsEmpty) errors.Required(at["mutations"], "mutations must contain at least one item");
        for (int i = 0; i < s.Mutations.Count; i++)
        {
            var (here, m) = (at["mutations"][i], s.Mutations[i]);
            switch (m.PatchType)
            {
                case "ApplyConfiguration" when m.ApplyConfiguration is null: errors.Required(here["applyConfiguration"], "must be specified when patchType is ApplyConfiguration"); break;
                case "ApplyConfiguration" when m.ApplyConfiguration!.Expression.Trim().Length == 0: errors.Required(here["applyConfiguration"]["expression"], "expression is not specified"); break;
                case "JSONPatch" when m.JsonPatch is null: errors.Required(here["jsonPatch"], "must be specified when patchType is JSONPatch"); break;
                case "JSONPatch" when m.JsonPatch!.Expression.Trim().Length == 0: errors.Required(here["jsonPatch"]["expression"], "expression is not specified"); break;
                case "ApplyConfiguration" or "JSONPatch": break;
                default: errors.RequiredOneOf(here["patchType"], m.PatchType, "ApplyConfiguration", "JSONPatch"); break;
            }
        }
        errors.RequiredOneOf(at["reinvocationPolicy"], s.ReinvocationPolicy, "IfNeeded", "Never");
    }

    public static void Check(ValidatingAdmissionPolicyBinding o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Binding(at, s.PolicyName, s.ParamRef, s.MatchResources, errors);
        if (s.ValidationActions.IsEmpty) errors.Required(at["validationActions"], "at least one validation action is required");
        var seen = new HashSet<string>();
        for (int i = 0; i < s.ValidationActions.Count; i++)
        {
            errors.OneOf(at["validationActions"][i], s.ValidationActions[i], "Audit", "Deny", "Warn");
            if (!seen.Add(s.ValidationActions[i])) errors.Duplicate(at["validationActions"][i], s.ValidationActions[i]);
        }
        if (seen.Contains("Deny") && seen.Contains("Warn"))
            errors.InvalidAs(at["validationActions"], Shown.List(s.ValidationActions), "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
    }

    public static void Check(MutatingAdmissionPolicyBinding o, Errors errors) => Binding(FieldPath.Spec, o.Spec.PolicyName, o.Spec.ParamRef, o.Spec.MatchResources, errors);

    static void Binding(FieldPath at, string policy, ParamRef? param, MatchResources? match, Errors errors)
    {
        if (policy.Length == 0) errors.Required(at["policyName"]);
        else errors.Invalid(at["policyName"], policy, Names.Subdomain(policy));
        if (match is not null) Match(at["matchResources"], match, false, errors);
        if (param is null) return;
        var here = at["paramRef"];
        if (param.Name.Length > 0)
        {
            errors.Invalid(here["name"], param.Name, Names.PathSegment(param.Name));
            if (param.Selector is not null) errors.Forbidden(here["name"], "name and selector are mutually exclusive");
        }
        if (param.Selector is not null) LabelRules.Selector(here["selector"], param.Selector, errors);
        else if (param.Name.Length == 0) errors.Required(here, "one of name or selector must be specified");
        if (param.ParameterNotFoundAction is { } action) errors.OneOf(here["parameterNotFoundAction"], action, "Allow", "Deny");
        else errors.Required(here["parameterNotFoundAction"]);
    }

    static void Kind(FieldPath at, ParamKind? kind, Errors errors)
    {
        if (kind is null) return;
        if (kind.ApiVersion.Length == 0) errors.Required(at["apiVersion"]);
        else if (GroupVersion.Parse(kind.ApiVersion) is null) errors.Invalid(at["apiVersion"], kind.ApiVersion, $"unexpected GroupVersion string: {kind.ApiVersion}");
        if (kind.Kind.Length == 0) errors.Required(at["kind"]);
        else if (Names.Label1035(kind.Kind.ToLowerInvariant()) is { Count: > 0 } wrong)
            errors.Invalid(at["kind"], kind.Kind, "may have mixed case, but should otherwise match: " + string.Join(",", wrong));
    }

    static void Match(FieldPath at, MatchResources match, bool rules, Errors errors)
    {
        LabelRules.Selector(at["namespaceSelector"], match.NamespaceSelector, errors);
        LabelRules.Selector(at["objectSelector"], match.ObjectSelector, errors);
        if (match.MatchPolicy is { } policy) errors.OneOf(at["matchPolicy"], policy, "Equivalent", "Exact");
        else errors.Required(at["matchPolicy"]);
        if (rules && match.ResourceRules.IsEmpty) errors.Required(at["resourceRules"]);
        foreach (var (name, list) in (ReadOnlySpan<(string, Seq<NamedRuleWithOperations>)>)[("resourceRules", match.ResourceRules), ("excludeResourceRules", match.ExcludeResourceRules)])
            for (int i = 0; i < list.Count; i++)
                WebhookRules.Rule(at[name][i], list[i].Operations, list[i].ApiGroups, list[i].ApiVersions, list[i].Resources, list[i].Scope, errors);
    }

    static void Variables(FieldPath at, Seq<Variable> variables, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < variables.Count; i++)
        {
            var (here, variable) = (at[i], variables[i]);
            if (variable.Name.Length == 0) errors.Required(here["name"], "name is not specified");
            else if (!char.IsAsciiLetter(variable.Name[0]) && variable.Name[0] != '_' || variable.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_'))
                errors.Invalid(here["name"], variable.Name, "name is not a valid CEL identifier");
            else if (!names.Add(variable.Name)) errors.Duplicate(here["name"], variable.Name);
            if (variable.Expression.Trim().Length == 0) errors.Required(here["expression"], "expression is not specified");
        }
    }
}
