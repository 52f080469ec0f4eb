using Hanbae.Api.Meta.V1;

namespace Hanbae.Controllers;

/// <summary>Shows values in Events and conditions as Go prints them: upstream's words have them so, and people search for those.</summary>
static class GoText
{
    public static string AsGo(this LabelSelector? selector)
    {
        if (selector is null) return "nil";
        string labels = string.Concat(selector.MatchLabels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}: {l.Value},"));
        string expressions = string.Concat(selector.MatchExpressions.Select(e => $"LabelSelectorRequirement{{Key:{e.Key},Operator:{e.Operator},Values:[{string.Join(' ', e.Values)}],}},"));
        return $"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}";
    }
}
