using System.Collections.Immutable;

namespace Hanbae.Store.Encryption;

/// <summary>Which resources are encrypted how. The first rule that names a resource holds for it.</summary>
public sealed class EncryptionRules(ImmutableArray<EncryptionRule> rules)
{
    public static EncryptionRules None { get; } = new([]);

    public ImmutableArray<EncryptionRule> Rules { get; } = rules;

    /// <summary>Null for what is kept as it is.</summary>
    public ProviderChain? For(Key key)
    {
        if (Rules.IsEmpty) return null;
        var (group, resource) = ResourceOf(key.Path);
        foreach (var rule in Rules)
            if (rule.Names(group, resource)) return rule.Chain;
        return null;
    }

    /// <summary><c>/registry/secrets/…</c> is of the core group, <c>/registry/apps/deployments/…</c> of its own.</summary>
    static (string Group, string Resource) ResourceOf(string path)
    {
        string[] parts = path.Split('/', 5);
        if (parts.Length < 4 || parts[1] != "registry") return ("", parts.Length > 2 ? parts[2] : "");
        return parts.Length > 3 && IsGroup(parts[2]) ? (parts[2], parts[3]) : ("", parts[2]);
    }

    /// <summary>No core resource has a dot; these groups have none either.</summary>
    static bool IsGroup(string segment) => segment.Contains('.', StringComparison.Ordinal) || segment is "apps" or "autoscaling" or "batch" or "policy" or "extensions";
}

/// <param name="Resources">As in an EncryptionConfiguration: <c>secrets</c>, <c>deployments.apps</c>, <c>*.apps</c>, <c>*.</c> (the core group) or <c>*.*</c>.</param>
public sealed record EncryptionRule(ImmutableArray<string> Resources, ProviderChain Chain)
{
    public bool Names(string group, string resource)
    {
        foreach (string name in Resources)
        {
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            var (r, g) = dot < 0 ? (name, "") : (name[..dot], name[(dot + 1)..]);
            if ((r == "*" || r == resource) && (g == "*" || g == group)) return true;
        }
        return false;
    }
}
