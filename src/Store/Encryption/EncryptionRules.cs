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
        ResourceOf(key.Path, out var group, out var resource);
        foreach (var rule in Rules)
            if (rule.Names(group, resource)) return rule.Chain;
        return null;
    }

    /// <summary><c>/registry/secrets/…</c> is of the core group, <c>/registry/apps/deployments/…</c> of its own.</summary>
    /// <remarks>Asked of every key that is read or written, so it makes no strings.</remarks>
    static void ResourceOf(ReadOnlySpan<char> path, out ReadOnlySpan<char> group, out ReadOnlySpan<char> resource)
    {
        const string root = "/registry/";
        group = default;
        if (!path.StartsWith(root)) { resource = default; return; }
        resource = Segment(path[root.Length..], out var rest);
        if (rest.IsEmpty || !IsGroup(resource)) return;
        group = resource;
        resource = Segment(rest, out _);
    }

    static ReadOnlySpan<char> Segment(ReadOnlySpan<char> path, out ReadOnlySpan<char> rest)
    {
        int end = path.IndexOf('/');
        rest = end < 0 ? default : path[(end + 1)..];
        return end < 0 ? path : path[..end];
    }

    /// <summary>No core resource has a dot; these groups have none either.</summary>
    static bool IsGroup(ReadOnlySpan<char> segment) => segment.Contains('.') || segment is "apps" or "autoscaling" or "batch" or "policy" or "extensions";
}

/// <param name="Resources">As in an EncryptionConfiguration: <c>secrets</c>, <c>deployments.apps</c>, <c>*.apps</c>, <c>*.</c> (the core group) or <c>*.*</c>.</param>
public sealed record EncryptionRule(ImmutableArray<string> Resources, ProviderChain Chain)
{
    public bool Names(ReadOnlySpan<char> group, ReadOnlySpan<char> resource)
    {
        foreach (string name in Resources)
        {
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            if (Is(dot < 0 ? name : name.AsSpan(0, dot), resource) && Is(dot < 0 ? default : name.AsSpan(dot + 1), group)) return true;
        }
        return false;
    }

    static bool Is(ReadOnlySpan<char> said, ReadOnlySpan<char> what) => said is "*" || said.SequenceEqual(what);
}
