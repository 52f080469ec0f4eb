using Hanbae.Api;
using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Server.FlowControl;

/// <summary>A FlowSchema made ready to ask whether requests are its.</summary>
sealed class CompiledSchema(FlowSchema schema, PriorityLevel level)
{
    readonly Seq<PolicyRulesWithSubjects> _rules = schema.Spec.Rules;
    readonly string _method = schema.Spec.DistinguisherMethod?.Type ?? "";
    readonly ulong _hash = ShuffleSharding.Hash(0, schema.Metadata.Name);

    public FlowSchema Object => schema;
    public string Name => schema.Metadata.Name;
    public PriorityLevel Level => level;
    public FlowCounts Counts { get; } = level.Queues.CountsOf(schema.Metadata.Name);
    /// <summary>What answers say about themselves; empty for what has no object yet.</summary>
    public KeyValuePair<string, string>[] Headers { get; } = schema.Metadata.Uid.Length == 0 || level.Object.Metadata.Uid.Length == 0 ? []
        : [new("X-Kubernetes-PF-FlowSchema-UID", schema.Metadata.Uid), new("X-Kubernetes-PF-PriorityLevel-UID", level.Object.Metadata.Uid)];

    /// <summary>Which of its flows a request is of.</summary>
    public string FlowOf(Identity user, RequestInfo info) => _method switch
    {
        "ByUser" => user.Name,
        "ByNamespace" => info.Namespace,
        _ => "",
    };

    public ulong HashOf(string flow) => ShuffleSharding.Hash(_hash, flow);

    public bool Matches(Identity user, RequestInfo info, string path)
    {
        foreach (var rule in _rules)
            if (IsOf(user, rule.Subjects) && (info.IsResourceRequest ? Covers(rule.ResourceRules, info) : Covers(rule.NonResourceRules, info, path))) return true;
        return false;
    }

    static bool IsOf(Identity user, Seq<Subject> subjects)
    {
        foreach (var subject in subjects)
            if (subject switch
            {
                { Kind: "User", User: { } u } => u.Name == "*" || u.Name == user.Name,
                { Kind: "Group", Group: { } g } => g.Name == "*" || user.Groups.Contains(g.Name),
                { Kind: "ServiceAccount", ServiceAccount: { } account } => IsAccount(user.Name, account),
                _ => false,
            }) return true;
        return false;
    }

    static bool IsAccount(string user, ServiceAccountSubject account)
    {
        if (!user.StartsWith(Auth.Groups.ServiceAccountPrefix, StringComparison.Ordinal)) return false;
        var rest = user.AsSpan(Auth.Groups.ServiceAccountPrefix.Length);
        return rest.Length > account.Namespace.Length + 1 && rest.StartsWith(account.Namespace, StringComparison.Ordinal) && rest[account.Namespace.Length] == ':'
            && rest[(account.Namespace.Length + 1)..] is var name && (account.Name == "*" ? !name.Contains(':') : name.SequenceEqual(account.Name));
    }

    static bool Covers(Seq<ResourcePolicyRule> rules, RequestInfo info)
    {
        foreach (var rule in rules)
            if (Has(rule.Verbs, info.Verb) && Has(rule.ApiGroups, info.ApiGroup) && HasResource(rule.Resources, info)
                && (info.Namespace.Length == 0 ? rule.ClusterScope : Has(rule.Namespaces, info.Namespace))) return true;
        return false;
    }

    static bool Covers(Seq<NonResourcePolicyRule> rules, RequestInfo info, string path)
    {
        foreach (var rule in rules)
        {
            if (!Has(rule.Verbs, info.Verb)) continue;
            foreach (string url in rule.NonResourceURLs)
                if (url == path || url.EndsWith('*') && path.AsSpan().StartsWith(url.AsSpan(0, url.Length - 1), StringComparison.Ordinal)) return true;
        }
        return false;
    }

    static bool Has(Seq<string> those, string one)
    {
        foreach (string each in those) if (each == "*" || each == one) return true;
        return false;
    }

    static bool HasResource(Seq<string> those, RequestInfo info)
    {
        foreach (string each in those)
            if (each == "*" || (info.Subresource.Length == 0 ? each == info.Resource
                : each.Length == info.Resource.Length + 1 + info.Subresource.Length && each.StartsWith(info.Resource, StringComparison.Ordinal)
                && each[info.Resource.Length] == '/' && each.EndsWith(info.Subresource, StringComparison.Ordinal))) return true;
        return false;
    }
}
