using System.Collections.Immutable;

namespace Hanbae.Controllers;

/// <summary>Which controllers run, told as upstream's <c>--controllers</c> tells it: <c>*</c> for all that are on by default, a name for that one, <c>-name</c> for all but it.</summary>
public sealed class ControllerChoice
{
    public static ControllerChoice All { get; } = new(["*"]);

    readonly ImmutableArray<string> _said;

    ControllerChoice(ImmutableArray<string> said) => _said = said;

    /// <param name="said">In upstream's names, or those it had before.</param>
    /// <exception cref="FormatException">There is no controller of a name.</exception>
    public static ControllerChoice Of(IEnumerable<string> said)
    {
        var all = said.Select(s => s.Trim()).Where(s => s.Length > 0).ToImmutableArray();
        foreach (string name in all)
            if (name != "*" && !Catalog.All.Any(e => Means(name.TrimStart('-'), e)) && !Elsewhere.Names.Contains(name.TrimStart('-')))
                throw new FormatException($"\"{name}\" is not in the list of known controllers");
        return new(all);
    }

    /// <summary>The first word about a controller counts, as upstream.</summary>
    public bool Has(CatalogEntry entry)
    {
        foreach (string said in _said)
            if (Means(said, entry)) return true;
            else if (said.StartsWith('-') && Means(said[1..], entry)) return false;
        return _said.Contains("*");
    }

    static bool Means(string name, CatalogEntry entry) => name == entry.Name || name == entry.Alias;
}
