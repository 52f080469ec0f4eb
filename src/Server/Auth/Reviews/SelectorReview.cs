using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Auth.Reviews;

/// <summary>Selectors in questions about access (KEP-4601): as text, or one requirement after the other.</summary>
static class SelectorReview
{
    public static IEnumerable<FieldError> Errors(ResourceAttributes? resource)
    {
        if (resource?.FieldSelector is { } fields)
            foreach (var error in Errors("spec.resourceAttributes.fieldSelector", fields.RawSelector, fields.Requirements.Select(r => (r.Key, r.Operator, r.Values)), _ => [])) yield return error;
        if (resource?.LabelSelector is { } labels)
            foreach (var error in Errors("spec.resourceAttributes.labelSelector", labels.RawSelector, labels.Requirements.Select(r => (r.Key, r.Operator, r.Values)), LabelSyntax.KeyErrors)) yield return error;
    }

    static IEnumerable<FieldError> Errors(string at, string raw, IEnumerable<(string Key, string Operator, Seq<string> Values)> requirements, Func<string, IReadOnlyList<string>> keyErrors)
    {
        var all = requirements.ToArray();
        if (raw.Length > 0 && all.Length > 0) yield return FieldError.Invalid(at + ".rawSelector", raw, "may not specified at the same time as requirements");
        if (raw.Length == 0 && all.Length == 0) yield return FieldError.Required(at + ".requirements", $"when {at} is specified, requirements or rawSelector is required");
        foreach (var (i, (key, op, values)) in all.Index())
        {
            string where = $"{at}.requirements[{i}]";
            // Operators that are not known are let through: newer clients may know more of them.
            if (op is "In" or "NotIn" && values.IsEmpty) yield return FieldError.Required(where + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
            if (op is "Exists" or "DoesNotExist" && !values.IsEmpty) yield return FieldError.Forbidden(where + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            if (key.Length == 0) yield return FieldError.Required(where + ".key", "must be specified");
            else
                foreach (string wrong in keyErrors(key)) yield return FieldError.Invalid(where + ".key", key, wrong);
        }
    }

    /// <summary>What cannot be said in a selector's text is left out: more is then asked for than was meant, so that no more is allowed than should be.</summary>
    public static string Text(FieldSelectorAttributes? selector) => selector is null ? "" : selector.RawSelector.Length > 0 ? selector.RawSelector
        : string.Join(",", selector.Requirements.Where(r => r.Operator is "In" or "NotIn" && r.Values.Count == 1).Select(r => new FieldTerm(r.Key, r.Operator == "In", r.Values[0]).ToString()));

    /// <inheritdoc cref="Text(FieldSelectorAttributes?)"/>
    public static string Text(LabelSelectorAttributes? selector) => selector is null ? "" : selector.RawSelector.Length > 0 ? selector.RawSelector
        : string.Join(",", selector.Requirements.Select(One).Where(t => t.Length > 0));

    static string One(LabelSelectorRequirement r) => r.Operator switch
    {
        "In" => $"{r.Key} in ({string.Join(",", r.Values)})",
        "NotIn" => $"{r.Key} notin ({string.Join(",", r.Values)})",
        "Exists" => r.Key,
        "DoesNotExist" => "!" + r.Key,
        _ => "",
    };
}
