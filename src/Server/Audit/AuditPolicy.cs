using System.Collections.Immutable;
using Hanbae.Api.Rest;
using Hanbae.Server.ConfigFiles;

namespace Hanbae.Server.Audit;

/// <summary>What a policy says about a request.</summary>
/// <param name="Omitted">Stages that are not written.</param>
readonly record struct AuditTerms(AuditLevel Level, AuditStages Omitted, bool WithoutManagedFields);

/// <summary>Which requests are written down and how much of them: an audit.k8s.io/v1 Policy. The first rule that matches counts; what none matches is not written.</summary>
public sealed class AuditPolicy
{
    readonly ImmutableArray<AuditRule> _rules;

    AuditPolicy(ImmutableArray<AuditRule> rules) => _rules = rules;

    internal AuditTerms Of(RequestContext request)
    {
        foreach (var rule in _rules)
            if (rule.Matches(request.User, request.Info, request.Path)) return rule.Terms;
        return default;
    }

    /// <summary>Reads a policy file, YAML or JSON.</summary>
    /// <exception cref="FormatException">It is no policy, or says what cannot be; the message says where.</exception>
    public static AuditPolicy Parse(string text)
    {
        var policy = ConfigNode.Read(text, "Policy", "audit.k8s.io/v1", "audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1");
        var omitted = AuditRule.Stages(policy, "omitStages");
        bool without = policy.Bool("omitManagedFields", false);
        var rules = policy.Objects("rules").Select(rule => AuditRule.Of(rule, omitted, without)).ToImmutableArray();
        policy.End();
        // As upstream: a policy that writes nothing is one that somebody got wrong.
        if (rules.IsEmpty) throw new FormatException("loaded illegal policy with 0 rules");
        return new(rules);
    }
}

/// <summary>One rule of a policy.</summary>
sealed record AuditRule
{
    public required AuditTerms Terms { get; init; }
    public ImmutableArray<string> Users { get; init; } = [];
    public ImmutableArray<string> Groups { get; init; } = [];
    public ImmutableArray<string> Verbs { get; init; } = [];
    public ImmutableArray<string> Namespaces { get; init; } = [];
    public ImmutableArray<string> Urls { get; init; } = [];
    public ImmutableArray<Target> Resources { get; init; } = [];

    internal sealed record Target(string Group, ImmutableArray<string> Resources, ImmutableArray<string> Names);

    public bool Matches(Identity user, RequestInfo info, string path)
    {
        if (!Users.IsEmpty && !Users.Contains(user.Name)) return false;
        if (!Groups.IsEmpty && !user.Groups.Any(g => Groups.Contains(g))) return false;
        if (!Verbs.IsEmpty && !Verbs.Contains(info.Verb)) return false;
        if (!Namespaces.IsEmpty || !Resources.IsEmpty) return info.IsResourceRequest && IsIn(info);
        return Urls.IsEmpty || !info.IsResourceRequest && Urls.Any(u => u == "*" || u == path || u.EndsWith('*') && path.StartsWith(u[..^1], StringComparison.Ordinal));
    }

    bool IsIn(RequestInfo info)
    {
        if (!Namespaces.IsEmpty && !Namespaces.Contains(info.Namespace)) return false;
        return Resources.IsEmpty || Resources.Any(t => t.Group == info.ApiGroup && (t.Resources.IsEmpty || t.Resources.Any(r => Names(r, info)) && (t.Names.IsEmpty || t.Names.Contains(info.Name))));
    }

    /// <summary>A resource is not its subresources: these are named, or one of both is a star.</summary>
    static bool Names(string pattern, RequestInfo info)
    {
        if (pattern == "*") return true;
        int slash = pattern.IndexOf('/');
        if (slash < 0) return info.Subresource.Length == 0 && pattern == info.Resource;
        if (info.Subresource.Length == 0) return false;
        var resource = pattern.AsSpan(0, slash);
        var sub = pattern.AsSpan(slash + 1);
        return (resource is "*" || resource.SequenceEqual(info.Resource)) && (sub is "*" || sub.SequenceEqual(info.Subresource));
    }

    /// <exception cref="FormatException"/>
    public static AuditRule Of(ConfigNode rule, AuditStages omitted, bool without)
    {
        string at = rule.Where;
        if (!Enum.TryParse<AuditLevel>(rule.Text("level"), out var level) || !Enum.IsDefined(level))
            throw new FormatException($"{at}.level: Unsupported value: \"{rule.Text("level")}\": supported values: \"Metadata\", \"None\", \"Request\", \"RequestResponse\"");
        ImmutableArray<string> Texts(string name) => [.. rule.Texts(name)];
        var made = new AuditRule
        {
            Terms = new(level, omitted | Stages(rule, "omitStages"), rule.Bool("omitManagedFields", without)),
            Users = Texts("users"), Groups = Texts("userGroups"), Verbs = Texts("verbs"), Namespaces = Texts("namespaces"), Urls = Texts("nonResourceURLs"),
            Resources = [.. rule.Objects("resources").Select(TargetOf)],
        };
        if (!made.Urls.IsEmpty && (!made.Resources.IsEmpty || !made.Namespaces.IsEmpty))
            throw new FormatException($"{at}.nonResourceURLs: Invalid value: rules cannot apply to both regular resources and non-resource URLs");
        foreach (string url in made.Urls)
            if (url != "*" && (!url.StartsWith('/') || url[..^1].Contains('*'))) throw new FormatException($"{at}.nonResourceURLs: Invalid value: \"{url}\": must begin with a '/', and have a '*' only at its end");
        return made;
    }

    static Target TargetOf(ConfigNode target)
    {
        string group = target.Text("group");
        if (group.Contains('/')) throw new FormatException($"{target.Where}.group: Invalid value: \"{group}\": group names are without a version");
        var (resources, names) = (target.Texts("resources"), target.Texts("resourceNames"));
        if (names.Count > 0 && resources.Count == 0) throw new FormatException($"{target.Where}.resourceNames: Invalid value: using resourceNames requires at least one resource");
        return new(group, [.. resources], [.. names]);
    }

    internal static AuditStages Stages(ConfigNode node, string name)
    {
        var stages = AuditStages.None;
        foreach (string text in node.Texts(name))
            stages |= Enum.TryParse<AuditStages>(text, out var stage) && Enum.IsDefined(stage) && stage != AuditStages.None ? stage
                : throw new FormatException($"{(node.Where.Length > 0 ? node.Where + "." : "")}{name}: Unsupported value: \"{text}\": "
                    + "supported values: \"Panic\", \"RequestReceived\", \"ResponseComplete\", \"ResponseStarted\"");
        return stages;
    }
}
