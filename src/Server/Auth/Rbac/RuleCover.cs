using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rbac.V1;

namespace Hanbae.Server.Auth.Rbac;

/// <summary>Says whether some rules allow all that others allow: nobody may grant what he does not hold.</summary>
static class RuleCover
{
    /// <returns>The parts of <paramref name="wanted"/> that <paramref name="held"/> does not cover, each for one verb and resource.</returns>
    public static List<PolicyRule> Missing(IReadOnlyList<PolicyRule> held, IEnumerable<PolicyRule> wanted) =>
        [.. wanted.SelectMany(Split).Where(part => !held.Any(h => Covers(h, part)))];

    static IEnumerable<PolicyRule> Split(PolicyRule rule)
    {
        foreach (string verb in rule.Verbs)
        {
            foreach (string group in rule.ApiGroups)
                foreach (string resource in rule.Resources)
                {
                    var part = new PolicyRule { Verbs = [verb], ApiGroups = [group], Resources = [resource] };
                    if (rule.ResourceNames.IsEmpty) yield return part;
                    foreach (string name in rule.ResourceNames) yield return part with { ResourceNames = [name] };
                }
            foreach (string path in rule.NonResourceURLs) yield return new() { Verbs = [verb], NonResourceURLs = [path] };
        }
    }

    static bool Covers(PolicyRule held, PolicyRule part)
    {
        if (!Has(held.Verbs, part.Verbs[0])) return false;
        if (!part.NonResourceURLs.IsEmpty) return held.NonResourceURLs.Exists(p => RuleTable.CoversPath(p, part.NonResourceURLs[0]));
        return Has(held.ApiGroups, part.ApiGroups[0]) && CoversResource(held.Resources, part.Resources[0])
            && (held.ResourceNames.IsEmpty || !part.ResourceNames.IsEmpty && held.ResourceNames.Contains(part.ResourceNames[0]));
    }

    static bool Has(Seq<string> values, string value) => values.Contains("*") || values.Contains(value);

    static bool CoversResource(Seq<string> held, string resource) =>
        Has(held, resource) || resource.IndexOf('/') is > 0 and var slash && held.Contains("*" + resource[slash..]);

    /// <summary>Puts parts that differ in nothing but their verbs together again, and prints them as upstream does.</summary>
    public static IEnumerable<string> Print(IEnumerable<PolicyRule> parts) =>
        parts.GroupBy(p => p with { Verbs = [] })
            .Select(g => Print(g.Key with { Verbs = g.Select(p => p.Verbs[0]).Distinct().ToSeq() }))
            .Order(StringComparer.Ordinal);

    static string Print(PolicyRule rule)
    {
        var parts = new List<string>();
        void Say(string name, Seq<string> values)
        {
            if (!values.IsEmpty) parts.Add($"{name}:[{string.Join(", ", values.Select(GoQuote.Text))}]");
        }
        Say("APIGroups", rule.ApiGroups);
        Say("Resources", rule.Resources);
        Say("NonResourceURLs", rule.NonResourceURLs);
        Say("ResourceNames", rule.ResourceNames);
        Say("Verbs", rule.Verbs);
        return "{" + string.Join(", ", parts) + "}";
    }
}
