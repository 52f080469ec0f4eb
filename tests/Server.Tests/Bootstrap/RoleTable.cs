using Hanbae.Api.Rbac.V1;
using Hanbae.Kit;

namespace Hanbae.Server.Tests.Bootstrap;

/// <summary>One thing that may be done: the least that a rule can say.</summary>
/// <param name="Group">Empty for the core group; null for a path.</param>
public readonly record struct Cell(string? Group, string Resource, string Name, string Verb)
{
    public override string ToString() => $"{Verb} {(Group is null ? "path" : Group.Length == 0 ? "-" : Group)} {Resource}{(Name.Length > 0 ? $"[{Name}]" : "")}";

    public static IEnumerable<Cell> Of(IEnumerable<PolicyRule> rules)
    {
        foreach (var rule in rules)
            foreach (string verb in rule.Verbs)
            {
                foreach (string path in rule.NonResourceURLs) yield return new(null, path, "", verb);
                foreach (string group in rule.ApiGroups)
                    foreach (string resource in rule.Resources)
                        foreach (string name in rule.ResourceNames.IsEmpty ? [""] : rule.ResourceNames.ToArray()) yield return new(group, resource, name, verb);
            }
    }
}

/// <summary>A role of the table, with its place (<c>namespace/</c> when it has one) before its name.</summary>
public sealed record RoleRow(string Place, string Name, string PartOf, string Gathers)
{
    public HashSet<Cell> Cells { get; } = [];
    public string Key => Place + Name;
}

/// <summary>A binding of the table; subjects as <c>user=</c>, <c>group=</c> and <c>account=</c>.</summary>
public sealed record BindingRow(string Place, string Name, string Role, IReadOnlyList<string> Subjects)
{
    public string Key => Place + Name;
}

/// <summary>Reads <c>roles.txt</c>: what upstream's roles may, in a form of its own, so that it can be held against what the server makes.</summary>
public sealed class RoleTable
{
    const string Letters = "glwcupdD*";
    static readonly string[] s_verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"];

    public Dictionary<string, RoleRow> Roles { get; } = [];
    public Dictionary<string, BindingRow> Bindings { get; } = [];

    public static RoleTable Read()
    {
        var table = new RoleTable();
        string place = "";
        RoleRow? role = null;
        foreach (string line in File.ReadLines(Path.Combine(Repository.Root, "tests/Server.Tests/Bootstrap/roles.txt")))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0] == "#") continue;
            if (line[0] == ' ')
            {
                foreach (string resource in words[1..^1])
                    foreach (string verb in VerbsOf(words[^1])) table.Add(role!, words[0], resource, verb);
                continue;
            }
            switch (words[0])
            {
                case "namespace": place = words.Length > 1 ? words[1] + "/" : ""; break;
                case "role": role = table.Add(new RoleRow(place, words[1], Option(words, "for"), Option(words, "gathers"))); break;
                case "controller":
                    role = table.Add(new RoleRow(place, "system:controller:" + words[1], "", ""));
                    table.Add(new BindingRow(place, role.Name, role.Name, ["account=" + words[1]]));
                    break;
                case "bind":
                    table.Add(new BindingRow(place, words[1], Option(words, "to") is { Length: > 0 } to ? to : words[1], [.. words[2..].Where(w => !w.StartsWith("to=", StringComparison.Ordinal))]));
                    break;
                default: throw new FormatException(line);
            }
        }
        table.Gather();
        return table;
    }

    RoleRow Add(RoleRow role)
    {
        Roles.Add(role.Key, role);
        return role;
    }

    void Add(BindingRow binding) => Bindings.Add(binding.Key, binding);

    void Add(RoleRow role, string group, string resource, string verb)
    {
        string name = "";
        if (resource.IndexOf('[') is > 0 and var at) (resource, name) = (resource[..at], resource[(at + 1)..^1]);
        if (!role.Cells.Add(new(group switch { "path" => null, "-" => "", _ => group }, resource, name, verb))) throw new FormatException($"{role.Key}: {verb} {resource} is there twice");
    }

    static IEnumerable<string> VerbsOf(string text)
    {
        string[] parts = text.Split('+');
        return [.. parts[0].Select(c => s_verbs[Letters.IndexOf(c, StringComparison.Ordinal)]), .. parts[1..]];
    }

    static string Option(string[] words, string name) => words.FirstOrDefault(w => w.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..] ?? "";

    /// <summary>Roles that are put together hold what their parts hold, which may be put together themselves.</summary>
    void Gather()
    {
        for (int round = 0; round < 3; round++)
            foreach (var whole in Roles.Values.Where(r => r.Gathers.Length > 0))
                foreach (var part in Roles.Values.Where(r => r.PartOf == whole.Gathers)) whole.Cells.UnionWith(part.Cells);
    }
}
