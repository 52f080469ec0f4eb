using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Admission policies and their bindings, but for what their expressions mean.</summary>
static class AdmissionPolicyRules
{
    const int MostAnnotations = 20, LongestAnnotation = 5 * 1024;
    static readonly string[] s_reserved =
        ["true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"];

    public static void Check(ValidatingAdmissionPolicy o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Failure(at["failurePolicy"], s.FailurePolicy, errors);
        Kind(at["paramKind"], s.ParamKind, errors);
        if (s.MatchConstraints is { } match) Constraints(at["matchConstraints"], match, errors);
        else errors.Required(at["matchConstraints"]);
        WebhookRules.MatchConditions(at["matchConditions"], s.MatchConditions, errors);
        Variables(at["variables"], s.Variables, errors);
        if (s.Validations.IsEmpty && s.AuditAnnotations.IsEmpty)
        {
            const string some = "validations or auditAnnotations must contain at least one item";
            errors.Required(at["validations"], some);
            errors.Required(at["auditAnnotations"], some);
        }
        for (int i = 0; i < s.Validations.Count; i++)
        {
            var (here, v) = (at["validations"][i], s.Validations[i]);
            string message = v.Message.Trim();
            if (v.Expression.Trim().Length == 0) errors.Required(here["expression"], "expression is not specified");
            if (v.MessageExpression.Length > 0 && v.MessageExpression.Trim().Length == 0) errors.Invalid(here["messageExpression"], v.MessageExpression, "must be non-empty if specified");
            if (v.Message.Length > 0 && message.Length == 0) errors.Invalid(here["message"], v.Message, "must be non-empty if specified");
            else if (message.AsSpan().ContainsAny('\n', '\r')) errors.Invalid(here["message"], v.Message, "must not contain line breaks");
            if (v.Reason is { } reason) errors.OneOf(here["reason"], reason, "Forbidden", "Invalid", "RequestEntityTooLarge");
        }
        if (s.AuditAnnotations.Count > MostAnnotations)
            errors.InvalidAs(at["auditAnnotations"], Shown.Messages(s.AuditAnnotations), $"must not have more than {MostAnnotations} auditAnnotations");
        var keys = new HashSet<string>();
        for (int i = 0; i < s.AuditAnnotations.Count; i++)
        {
            var (here, annotation) = (at["auditAnnotations"][i], s.AuditAnnotations[i]);
            string key = o.Metadata.Name + "/" + annotation.Key, value = annotation.ValueExpression.Trim();
            errors.Invalid(here["key"], key, LabelSyntax.KeyErrors(key));
            if (value.Length == 0) errors.Required(here["valueExpression"], "valueExpression is not specified");
            else if (System.Text.Encoding.UTF8.GetByteCount(value) > LongestAnnotation) errors.Required(here["valueExpression"], $"must not exceed {LongestAnnotation} bytes in length");
            if (!keys.Add(annotation.Key)) errors.Duplicate(here["key"], annotation.Key);
        }
    }

    public static void Part(ValidatingAdmissionPolicy o, ValidatingAdmissionPolicy old, string subresource, Errors errors)
    {
        var (at, status) = (FieldPath.Of("status"), o.Status);
        var warnings = status?.TypeChecking?.ExpressionWarnings ?? default;
        for (int i = 0; i < warnings.Count; i++)
        {
            var here = at["typeChecking"]["expressionWarnings"][i];
            if (warnings[i].Warning.Length == 0) errors.Required(here["warning"]);
            if (warnings[i].FieldRef.Trim().Length == 0) errors.Required(here["fieldRef"]);
        }
        ConditionRules.Check(at["conditions"], status?.Conditions ?? default, errors);
    }

    public static void Check(MutatingAdmissionPolicy o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Failure(at["failurePolicy"], s.FailurePolicy, errors);
        Kind(at["paramKind"], s.ParamKind, errors);
        if (s.MatchConstraints is { } match)
        {
            Constraints(at["matchConstraints"], match, errors);
            Mutable(at["matchConstraints"], match, errors);
        }
        else errors.Required(at["matchConstraints"]);
        WebhookRules.MatchConditions(at["matchConditions"], s.MatchConditions, errors);
        Variables(at["variables"], s.Variables, errors);
        if (s.Mutations.IsEmpty) errors.Required(at["mutations"], "mutations must contain at least one item");
        for (int i = 0; i < s.Mutations.Count; i++) Mutation(at["mutations"][i], s.Mutations[i], errors);
        errors.RequiredOneOf(at["reinvocationPolicy"], s.ReinvocationPolicy, "IfNeeded", "Never");
    }

    static void Mutation(FieldPath at, Mutation m, Errors errors)
    {
        const string apply = "ApplyConfiguration", patch = "JSONPatch";
        errors.RequiredOneOf(at["patchType"], m.PatchType, apply, patch);
        if (m.PatchType is not (apply or patch)) return;
        var (mine, expression, other, stray) = m.PatchType == apply
            ? ("applyConfiguration", m.ApplyConfiguration?.Expression, "jsonPatch", m.JsonPatch is not null)
            : ("jsonPatch", m.JsonPatch?.Expression, "applyConfiguration", m.ApplyConfiguration is not null);
        if (expression is null) errors.Required(at[mine], $"must be specified when patchType is {m.PatchType}");
        else if (expression.Trim().Length == 0) errors.Required(at[mine]["expression"]);
        if (stray) errors.Invalid(at[other], $"{{{other}}}", $"must not be specified when patchType is {m.PatchType}");
    }

    static void Failure(FieldPath at, string? policy, Errors errors)
    {
        if (policy is null) errors.Required(at);
        else errors.OneOf(at, policy, "Fail", "Ignore");
    }

    /// <summary>What is deleted cannot become something else.</summary>
    static void Mutable(FieldPath at, MatchResources match, Errors errors)
    {
        foreach (var rule in match.ResourceRules)
            foreach (string operation in rule.Operations) errors.OneOf(at["resourceRules"]["operations"], operation, "*", "CONNECT", "CREATE", "UPDATE");
    }

    public static void Check(ValidatingAdmissionPolicyBinding o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Binding(at, s.PolicyName, s.ParamRef, s.MatchResources, errors);
        var seen = new HashSet<string>();
        for (int i = 0; i < s.ValidationActions.Count; i++)
        {
            errors.OneOf(at["validationActions"][i], s.ValidationActions[i], "Audit", "Deny", "Warn");
            if (!seen.Add(s.ValidationActions[i])) errors.Duplicate(at["validationActions"][i], s.ValidationActions[i]);
        }
        if (seen.Contains("Deny") && seen.Contains("Warn"))
            errors.InvalidAs(at["validationActions"], Shown.List(s.ValidationActions),
                "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
        if (seen.Count == 0) errors.Required(at["validationActions"], "at least one validation action is required");
    }

    public static void Check(MutatingAdmissionPolicyBinding o, Errors errors)
    {
        Binding(FieldPath.Spec, o.Spec.PolicyName, o.Spec.ParamRef, o.Spec.MatchResources, errors);
        if (o.Spec.MatchResources is { } match) Mutable(FieldPath.Spec["matchResources"], match, errors);
    }

    static void Binding(FieldPath at, string policy, ParamRef? param, MatchResources? match, Errors errors)
    {
        if (policy.Length == 0) errors.Required(at["policyName"]);
        else errors.Invalid(at["policyName"], policy, Names.Subdomain(policy));
        Reference(at["paramRef"], param, errors);
        if (match is not null) Match(at["matchResources"], match, errors);
    }

    static void Reference(FieldPath at, ParamRef? param, Errors errors)
    {
        const string either = "name and selector are mutually exclusive";
        if (param is null) return;
        if (param.Name.Length > 0)
        {
            errors.Invalid(at["name"], param.Name, Names.PathSegment(param.Name));
            if (param.Selector is not null) errors.Forbidden(at["name"], either);
        }
        LabelRules.Selector(at["selector"], param.Selector, errors);
        if (param.Name.Length > 0 && param.Selector is not null) errors.Forbidden(at["selector"], either);
        if (param.Name.Length == 0 && param.Selector is null) errors.Required(at, "one of name or selector must be specified");
        errors.RequiredOneOf(at["parameterNotFoundAction"], param.ParameterNotFoundAction ?? "", "Deny", "Allow");
    }

    static void Kind(FieldPath at, ParamKind? kind, Errors errors)
    {
        if (kind is null) return;
        Version(at["apiVersion"], kind.ApiVersion, errors);
        if (kind.Kind.Length == 0) errors.Required(at["kind"]);
        else if (Names.Label1035(kind.Kind.ToLowerInvariant()) is { Count: > 0 } wrong)
            errors.Invalid(at["kind"], kind.Kind, "may have mixed case, but should otherwise match: " + string.Join(",", wrong));
    }

    static void Version(FieldPath at, string text, Errors errors)
    {
        string[] parts = text.Split('/');
        if (text.Length == 0) { errors.Required(at); return; }
        if (parts.Length > 2) { errors.Invalid(at, text, $"unexpected GroupVersion string: {text}"); return; }
        string group = parts.Length > 1 ? parts[0] : "", version = parts[^1];
        if (group.Length > 0 && Names.Subdomain(group) is { Count: > 0 } wrong) errors.Invalid(at, group, string.Join(",", wrong));
        if (version.Length == 0) errors.Invalid(at, text, "version must be specified");
        else if (Names.Label1035(version) is { Count: > 0 } bad) errors.Invalid(at, version, string.Join(",", bad));
    }

    /// <summary>What a policy is about: at least one rule says of which types its expressions speak.</summary>
    static void Constraints(FieldPath at, MatchResources match, Errors errors)
    {
        Match(at, match, errors);
        if (match.ResourceRules.IsEmpty) errors.Required(at["resourceRules"]);
    }

    static void Match(FieldPath at, MatchResources match, Errors errors)
    {
        errors.RequiredOneOf(at["matchPolicy"], match.MatchPolicy ?? "", "Equivalent", "Exact");
        LabelRules.Selector(at["namespaceSelector"], match.NamespaceSelector, errors);
        LabelRules.Selector(at["objectSelector"], match.ObjectSelector, errors);
        foreach (var (name, list) in (ReadOnlySpan<(string, Seq<NamedRuleWithOperations>)>)[("resourceRules", match.ResourceRules), ("excludeResourceRules", match.ExcludeResourceRules)])
            for (int i = 0; i < list.Count; i++)
            {
                var (here, names) = (at[name][i]["resourceNames"], new HashSet<string>());
                for (int j = 0; j < list[i].ResourceNames.Count; j++)
                {
                    string one = list[i].ResourceNames[j];
                    errors.Invalid(here[j], one, Names.PathSegment(one));
                    if (!names.Add(one)) errors.Duplicate(here[j], one);
                }
                WebhookRules.Rule(at[name][i], list[i].Operations, list[i].ApiGroups, list[i].ApiVersions, list[i].Resources, list[i].Scope, errors);
            }
    }

    static void Variables(FieldPath at, Seq<Variable> variables, Errors errors)
    {
        for (int i = 0; i < variables.Count; i++)
        {
            var (here, variable) = (at[i], variables[i]);
            if (variable.Name.Trim().Length == 0) errors.Required(here["name"], "name is not specified");
            else if (!IsIdentifier(variable.Name)) errors.Invalid(here["name"], variable.Name, "must be a valid CEL identifier");
            if (variable.Expression.Trim().Length == 0) errors.Required(here["expression"], "expression is not specified");
        }
    }

    static bool IsIdentifier(string name) =>
        (char.IsAsciiLetter(name[0]) || name[0] == '_') && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && !s_reserved.Contains(name);
}
