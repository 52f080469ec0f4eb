using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Which requests a rule of a webhook or a policy is about.</summary>
sealed class ResourceRule(Seq<string> operations, Seq<string> groups, Seq<string> versions, Seq<string> resources, string? scope, Seq<string> names)
{
    static readonly GroupResource s_namespaces = new("", "namespaces");

    public static ResourceRule[] Of(Seq<RuleWithOperations> rules) => [.. rules.Select(r => new ResourceRule(r.Operations, r.ApiGroups, r.ApiVersions, r.Resources, r.Scope, default))];
    public static ResourceRule[] Of(Seq<NamedRuleWithOperations> rules) => [.. rules.Select(r => new ResourceRule(r.Operations, r.ApiGroups, r.ApiVersions, r.Resources, r.Scope, r.ResourceNames))];

    /// <param name="resource">The request's, or an equivalent of it.</param>
    public bool Matches(ReviewedWrite write, GroupVersionResource resource) =>
        Any(operations, write.Operation) && Any(groups, resource.Group) && Any(versions, resource.Version) && InScope(write, resource) && Resource(resource.Resource, write.Subresource)
        && (names.IsEmpty || names.Contains(write.Name));

    static bool Any(Seq<string> allowed, string value)
    {
        foreach (string one in allowed) if (one == "*" || one == value) return true;
        return false;
    }

    // A request for a namespace itself says that namespace, but is not in it.
    bool InScope(ReviewedWrite write, GroupVersionResource resource) => scope switch
    {
        "Namespaced" => resource.GroupResource != s_namespaces && write.Namespace.Length > 0,
        "Cluster" => resource.GroupResource == s_namespaces || write.Namespace.Length == 0,
        _ => true,
    };

    bool Resource(string resource, string subresource)
    {
        foreach (string one in resources)
        {
            int slash = one.IndexOf('/', StringComparison.Ordinal);
            var (wanted, below) = slash < 0 ? (one, "") : (one[..slash], one[(slash + 1)..]);
            if ((wanted == "*" || wanted == resource) && (below == "*" || below == subresource)) return true;
        }
        return false;
    }
}
