using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Labels and what selects them.</summary>
static class LabelRules
{
    public static void Labels(FieldPath at, Map<string> labels, Errors errors)
    {
        foreach (var (key, value) in labels)
        {
            errors.Invalid(at, key, LabelSyntax.KeyErrors(key));
            errors.Invalid(at, value, LabelSyntax.ValueErrors(value));
        }
    }

    /// <param name="badValues">Values that no label can have are taken: what is stored with such must still be changeable.</param>
    public static void Selector(FieldPath at, LabelSelector? selector, Errors errors, bool badValues = false)
    {
        if (selector is null) return;
        Labels(at["matchLabels"], selector.MatchLabels, errors);
        for (int i = 0; i < selector.MatchExpressions.Count; i++)
        {
            var (here, term) = (at["matchExpressions"][i], selector.MatchExpressions[i]);
            switch (term.Operator)
            {
                case "In" or "NotIn" when term.Values.IsEmpty: errors.Required(here["values"], "must be specified when `operator` is 'In' or 'NotIn'"); break;
                case "Exists" or "DoesNotExist" when !term.Values.IsEmpty: errors.Forbidden(here["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"); break;
                case "In" or "NotIn" or "Exists" or "DoesNotExist": break;
                default: errors.Invalid(here["operator"], term.Operator, "not a valid selector operator"); break;
            }
            errors.Invalid(here["key"], term.Key, LabelSyntax.KeyErrors(term.Key));
            for (int j = 0; j < term.Values.Count && !badValues; j++) errors.Invalid(here["values"][j], term.Values[j], LabelSyntax.ValueErrors(term.Values[j]));
        }
    }

    /// <summary>Whether the selector, if it can be read, selects what has these labels.</summary>
    public static bool Matches(LabelSelector selector, Map<string> labels)
    {
        foreach (var (key, value) in selector.MatchLabels) if (!labels.TryGet(key, out string? has) || has != value) return false;
        foreach (var term in selector.MatchExpressions)
        {
            bool present = labels.TryGet(term.Key, out string? has), listed = present && term.Values.Contains(has!);
            if (term.Operator switch { "In" => !listed, "NotIn" => listed, "Exists" => !present, "DoesNotExist" => present, _ => false }) return false;
        }
        return true;
    }

    public static bool IsEmpty(LabelSelector selector) => selector.MatchLabels.IsEmpty && selector.MatchExpressions.IsEmpty;
}
