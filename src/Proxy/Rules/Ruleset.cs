using System.Collections.Immutable;

namespace Hanbae.Proxy.Rules;

/// <summary>What the kernel is to have: chains with their rules, maps with their elements, sets that remember clients. A value; see <see cref="RulesetDiff"/>.</summary>
internal sealed record Ruleset(
    ImmutableSortedDictionary<string, Chain> Chains,
    ImmutableSortedDictionary<string, RuleMap> Maps,
    ImmutableSortedDictionary<string, string> Sets)
{
    public static Ruleset Empty { get; } = new(
        ImmutableSortedDictionary.Create<string, Chain>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, RuleMap>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));
}

/// <param name="Hook">The declaration of a chain that the kernel calls (<c>type nat hook prerouting priority dstnat;</c>); null for others.</param>
internal sealed record Chain(string? Hook, ImmutableArray<string> Rules)
{
    public bool Equals(Chain? other) => other is not null && Hook == other.Hook && Rules.SequenceEqual(other.Rules, StringComparer.Ordinal);
    public override int GetHashCode() => HashCode.Combine(Hook, Rules.Length);
}

/// <param name="Type">Such as <c>ipv4_addr . inet_proto . inet_service : verdict</c>.</param>
/// <param name="Elements">Of a set the values are empty.</param>
/// <param name="IsSet">It says of elements only that they are in.</param>
internal sealed record RuleMap(string Type, ImmutableSortedDictionary<string, string> Elements, bool IsSet = false)
{
    /// <summary>What nft calls it.</summary>
    public string Kind => IsSet ? "set" : "map";
}
