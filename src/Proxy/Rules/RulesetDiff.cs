using System.Text;

namespace Hanbae.Proxy.Rules;

/// <summary>Turns two rulesets into the commands that lead from one to the other: one nft transaction, as long as the change.</summary>
/// <remarks>Sets that remember clients (session affinity) live through changes of everything around them.</remarks>
internal static class RulesetDiff
{
    /// <param name="table">Family and name, such as <c>ip hanbae_1a2b_proxy</c>.</param>
    /// <param name="from">What the kernel has; null when that is not known, and the table is made anew.</param>
    /// <returns>Input for <c>nft -f</c>; empty when there is nothing to do.</returns>
    public static string Commands(string table, Ruleset? from, Ruleset to)
    {
        var text = new StringBuilder();
        if (from is null)
        {
            // Adding first makes deleting safe when there is none.
            text.Append($"add table {table}\ndelete table {table}\nadd table {table}\n");
            from = Ruleset.Empty;
        }
        foreach (var (name, declaration) in to.Sets)
            if (!from.Sets.ContainsKey(name)) text.Append($"add set {table} {name} {{ {declaration} }}\n");
        foreach (var (name, map) in to.Maps)
            if (!from.Maps.ContainsKey(name)) text.Append($"add {map.Kind} {table} {name} {{ type {map.Type} ; }}\n");
        // All chains before any rule, since rules jump between them.
        foreach (var (name, chain) in to.Chains)
            if (!from.Chains.ContainsKey(name)) text.Append(chain.Hook is null ? $"add chain {table} {name}\n" : $"add chain {table} {name} {{ {chain.Hook} }}\n");
        foreach (var (name, chain) in to.Chains)
        {
            bool known = from.Chains.TryGetValue(name, out var before);
            if (known && (ReferenceEquals(before, chain) || before!.Equals(chain))) continue;
            if (known) text.Append($"flush chain {table} {name}\n");
            foreach (string rule in chain.Rules) text.Append($"add rule {table} {name} {rule}\n");
        }
        foreach (var (name, map) in to.Maps)
        {
            var before = from.Maps.TryGetValue(name, out var m) ? m.Elements : RuleElements.None;
            if (ReferenceEquals(before, map.Elements)) continue;
            foreach (var (key, value) in before)
                if (!map.Elements.TryGetValue(key, out string? now) || now != value) text.Append($"delete element {table} {name} {{ {key} }}\n");
            foreach (var (key, value) in map.Elements)
                if (!before.TryGetValue(key, out string? was) || was != value) text.Append($"add element {table} {name} {{ {(map.IsSet ? key : $"{key} : {value}")} }}\n");
        }
        // What nothing refers to any longer: emptied first, since doomed chains may jump to each other.
        var doomed = from.Chains.Keys.Where(n => !to.Chains.ContainsKey(n)).ToList();
        foreach (string name in doomed) text.Append($"flush chain {table} {name}\n");
        foreach (string name in doomed) text.Append($"delete chain {table} {name}\n");
        foreach (var (name, map) in from.Maps)
            if (!to.Maps.ContainsKey(name)) text.Append($"delete {map.Kind} {table} {name}\n");
        foreach (string name in from.Sets.Keys)
            if (!to.Sets.ContainsKey(name)) text.Append($"delete set {table} {name}\n");
        return text.ToString();
    }
}

static class RuleElements
{
    public static System.Collections.Immutable.ImmutableSortedDictionary<string, string> None { get; } =
        System.Collections.Immutable.ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
}
