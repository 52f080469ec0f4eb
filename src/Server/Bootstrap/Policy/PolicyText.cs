using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;

namespace Hanbae.Server.Bootstrap.Policy;

/// <summary>Reads roles and bindings from the short form they are written in.</summary>
/// <remarks>
/// <c>role NAME</c> (with <c>for=</c> the role it is part of and <c>gathers=</c> the label it is put together from), below it one rule a line:
/// verbs, group (<c>-</c> is core) or <c>path</c>, resources, <c>names=</c>. <c>R</c> reads, <c>W</c> writes, <c>EV</c> tells events.
/// <c>bind ROLE user= group= account=</c> binds it under its own name or <c>as=</c>; <c>controller NAME</c> is a role and its binding;
/// <c>namespace NAME</c> begins what is namespaced.
/// </remarks>
sealed class PolicyText
{
    const string Group = "rbac.authorization.k8s.io", AggregateLabel = Group + "/aggregate-to-";
    const string ControllerPrefix = "system:controller:", ControllerNamespace = "kube-system";

    static readonly Map<string> s_labels = Map.Of(("kubernetes.io/bootstrapping", "rbac-defaults"));
    static readonly Map<string> s_annotations = Map.Of(("rbac.authorization.kubernetes.io/autoupdate", "true"));
    static readonly string[] s_read = ["get", "list", "watch"], s_write = ["create", "delete", "deletecollection", "patch", "update"];

    string _namespace = "";

    public List<IObject> Roles { get; } = [];
    public List<IObject> Bindings { get; } = [];

    public static PolicyText Read(params ReadOnlySpan<string> texts)
    {
        var policy = new PolicyText();
        foreach (string text in texts)
        {
            policy._namespace = "";
            foreach (string line in text.Split('\n')) policy.Line(line);
        }
        policy.Gather();
        return policy;
    }

    void Line(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case []: break;
            case ["namespace", var ns]: _namespace = ns; break;
            case ["role", var name, ..]: Role(name, words[2..]); break;
            case ["controller", var name]:
                Role(ControllerPrefix + name, []);
                Bind(ControllerPrefix + name, ["account=" + name]);
                break;
            case ["bind", var name, ..]: Bind(name, words[2..]); break;
            default: Rule(words); break;
        }
    }

    void Role(string name, string[] options)
    {
        var meta = Meta(name);
        if (_namespace.Length > 0) Roles.Add(new Role { Metadata = meta, Rules = [] });
        else
        {
            if (Option(options, "for") is { } part) meta = meta with { Labels = meta.Labels.Set(AggregateLabel + part, "true") };
            var gathered = Option(options, "gathers") is { } label
                ? new AggregationRule { ClusterRoleSelectors = [new LabelSelector { MatchLabels = Map.Of((AggregateLabel + label, "true")) }] } : null;
            Roles.Add(new ClusterRole { Metadata = meta, Rules = [], AggregationRule = gathered });
        }
    }

    void Rule(string[] words)
    {
        var rule = words switch
        {
            ["EV"] => new PolicyRule { Verbs = ["create", "patch", "update"], ApiGroups = ["", "events.k8s.io"], Resources = ["events"] },
            [var verbs, "path", var paths] => new() { Verbs = Verbs(verbs), NonResourceURLs = Sorted(paths) },
            [var verbs, var groups, var resources, .. var rest] => new()
            {
                Verbs = Verbs(verbs), ApiGroups = groups.Split(',').Select(g => g == "-" ? "" : g).ToSeq(), Resources = Sorted(resources),
                ResourceNames = Option(rest, "names") is { } names ? Sorted(names) : default(Seq<string>),
            },
            _ => throw new FormatException("not a rule: " + string.Join(' ', words)),
        };
        Roles[^1] = Roles[^1] switch
        {
            ClusterRole role => role with { Rules = role.Rules.Add(rule) },
            Role role => role with { Rules = role.Rules.Add(rule) },
            var other => other,
        };
    }

    static Seq<string> Verbs(string text) => text switch
    {
        "R" => s_read,
        "W" => s_write,
        "RW" => [.. s_read.Concat(s_write).Order(StringComparer.Ordinal)],
        _ => Sorted(text),
    };

    /// <summary>As upstream stores them, and <c>kubectl describe</c> shows them.</summary>
    static Seq<string> Sorted(string text) => [.. text.Split(',').Order(StringComparer.Ordinal)];

    void Bind(string role, string[] options)
    {
        var meta = Meta(Option(options, "as") ?? role);
        Seq<Subject> subjects = [.. options.Select(SubjectOf).OfType<Subject>()];
        var to = new RoleRef { ApiGroup = Group, Kind = _namespace.Length > 0 ? "Role" : "ClusterRole", Name = role };
        Bindings.Add(_namespace.Length > 0 ? new RoleBinding { Metadata = meta, Subjects = subjects, RoleRef = to } : new ClusterRoleBinding { Metadata = meta, Subjects = subjects, RoleRef = to });
    }

    static Subject? SubjectOf(string option)
    {
        string value = option[(option.IndexOf('=') + 1)..];
        return option[..option.IndexOf('=')] switch
        {
            "user" => new() { Kind = "User", ApiGroup = Group, Name = value },
            "group" => new() { Kind = "Group", ApiGroup = Group, Name = value },
            "account" => new() { Kind = "ServiceAccount", Name = value, Namespace = ControllerNamespace },
            _ => null,
        };
    }

    /// <summary>So that roles that are put together have their rules before the controller that keeps them so first looks.</summary>
    void Gather()
    {
        // What is gathered may itself be gathered: view is in edit, which is in admin.
        for (int round = 0; round < 3; round++)
            for (int i = 0; i < Roles.Count; i++)
                if (Roles[i] is ClusterRole { AggregationRule: { } rule } role)
                    Roles[i] = role with
                    {
                        Rules = Roles.OfType<ClusterRole>().Where(r => r != role && rule.ClusterRoleSelectors.Exists(s => s.ToSelector().Matches(r.Metadata.Labels)))
                            .OrderBy(r => r.Metadata.Name, StringComparer.Ordinal).SelectMany(r => r.Rules).Distinct().ToSeq(),
                    };
    }

    ObjectMeta Meta(string name) => new() { Name = name, Namespace = _namespace, Labels = s_labels, Annotations = s_annotations };

    static string? Option(string[] options, string name) =>
        options.FirstOrDefault(o => o.StartsWith(name + "=", StringComparison.Ordinal)) is { } option ? option[(name.Length + 1)..] : null;
}
