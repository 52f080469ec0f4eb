using System.Diagnostics.CodeAnalysis;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Api;

/// <summary>Lets selectors look at labels as objects carry them.</summary>
public static class Labels
{
    readonly struct LabelMap(Map<string> map) : ILabels
    {
        public bool TryGet(string key, [MaybeNullWhen(false)] out string value) => map.TryGet(key, out value);
    }

    public static bool Matches(this Selector selector, Map<string> labels) => selector.Matches(new LabelMap(labels));

    /// <summary>The structured form as a selector: absent selects nothing, empty selects everything.</summary>
    /// <exception cref="SelectorFormatException">An operator or value that cannot be.</exception>
    public static Selector ToSelector(this LabelSelector? selector) =>
        selector is null ? Selector.Nothing
        : Selector.From(selector.MatchLabels, selector.MatchExpressions.Select(e => (e.Key, e.Operator, (IEnumerable<string>)e.Values)));

    /// <summary>A plain map as a selector: each pair must be there; an empty one selects everything.</summary>
    public static Selector ToSelector(this Map<string> labels) => Selector.From(labels, []);
}
