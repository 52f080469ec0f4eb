using Hanbae.Api;
using Hanbae.Api.Rbac.V1;

namespace Hanbae.Server.Auth.Rbac;

/// <summary>All rules that one user has in one place, found by resource.</summary>
sealed class RuleTable
{
    readonly Dictionary<string, List<(PolicyRule Rule, Grant Grant)>> _byResource = [];
    readonly List<(PolicyRule Rule, Grant Grant)> _byPath = [];

    public RuleTable(IEnumerable<Grant> grants, RbacIndex index)
    {
        foreach (var grant in grants)
        {
            if (index.RulesOf(grant.RoleKey) is not { } rules)
            {
                string kind = grant.Role.Kind == "Role" ? "role" : "clusterrole";
                Errors.Add($"{kind}.rbac.authorization.k8s.io \"{grant.Role.Name}\" not found");
                continue;
            }
            foreach (var rule in rules)
            {
                Rules.Add(rule);
                // Paths are no part of a namespace: only what is granted everywhere grants them.
                if (!rule.NonResourceURLs.IsEmpty && grant.Namespace.Length == 0) _byPath.Add((rule, grant));
                foreach (string resource in rule.Resources)
                {
                    if (!_byResource.TryGetValue(resource, out var list)) _byResource[resource] = list = [];
                    list.Add((rule, grant));
                }
            }
        }
    }

    public List<PolicyRule> Rules { get; } = [];
    /// <summary>Roles that are bound but do not exist.</summary>
    public List<string> Errors { get; } = [];

    /// <returns>What grants it, or null.</returns>
    public Grant? Find(Attributes a)
    {
        if (!a.IsResourceRequest)
        {
            foreach (var (rule, grant) in _byPath)
                if (Has(rule.Verbs, a.Verb) && rule.NonResourceURLs.Exists(p => CoversPath(p, a.Path))) return grant;
            return null;
        }
        if (a.Subresource.Length == 0) return Find(a.Resource, a) ?? Find("*", a);
        return Find(a.Resource + "/" + a.Subresource, a) ?? Find("*", a) ?? Find("*/" + a.Subresource, a);
    }

    Grant? Find(string resource, Attributes a)
    {
        if (_byResource.TryGetValue(resource, out var list))
            foreach (var (rule, grant) in list)
                if (Has(rule.Verbs, a.Verb) && Has(rule.ApiGroups, a.ApiGroup) && (rule.ResourceNames.IsEmpty || rule.ResourceNames.Contains(a.Name))) return grant;
        return null;
    }

    static bool Has(Seq<string> values, string value)
    {
        foreach (string v in values.Span)
            if (v == "*" || v == value) return true;
        return false;
    }

    public static bool CoversPath(string pattern, string path) =>
        pattern == "*" || pattern == path || pattern.EndsWith('*') && path.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal);
}
