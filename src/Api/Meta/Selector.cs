using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Hanbae.Api;

/// <summary>Anything that has labels; what a <see cref="Selector"/> asks.</summary>
public interface ILabels
{
    bool TryGet(string key, [MaybeNullWhen(false)] out string value);
}

/// <summary>A selector that cannot be; the message is upstream's.</summary>
public sealed class SelectorFormatException(string message) : FormatException(message);

/// <summary>Chooses objects by their labels: every requirement must hold.</summary>
/// <remarks>
/// The query's and the structured form alike (upstream's <c>labels.Selector</c>). Requirements are kept by key, so that
/// two ways to say the same print the same.
/// </remarks>
public sealed class Selector
{
    Selector(ImmutableArray<LabelRequirement> requirements, bool nothing = false) => (Requirements, MatchesNothing) = (requirements, nothing);

    /// <summary>Matches everything.</summary>
    public static Selector Everything { get; } = new([]);

    /// <summary>Matches nothing: what an absent structured selector means.</summary>
    public static Selector Nothing { get; } = new([], nothing: true);

    public ImmutableArray<LabelRequirement> Requirements { get; }

    public bool MatchesNothing { get; }

    /// <summary>Whether it matches everything.</summary>
    public bool IsEmpty => Requirements.IsEmpty && !MatchesNothing;

    public static Selector Of(params ReadOnlySpan<LabelRequirement> requirements) =>
        requirements.IsEmpty ? Everything : new([.. requirements.ToArray().OrderBy(r => r.Key, StringComparer.Ordinal)]);

    /// <summary>Reads a <c>labelSelector</c> parameter: <c>app=web,tier in (a,b),!canary,weight&gt;3</c>.</summary>
    /// <exception cref="SelectorFormatException">The text is no selector.</exception>
    public static Selector Parse(string text) => text.Length == 0 ? Everything : new SelectorParser(text).Parse();

    /// <summary>The structured form: labels that must be equal, and expressions with <c>In</c>, <c>NotIn</c>, <c>Exists</c> or <c>DoesNotExist</c>.</summary>
    /// <exception cref="SelectorFormatException">An operator, key or value cannot be.</exception>
    public static Selector From(
        IEnumerable<KeyValuePair<string, string>> matchLabels,
        IEnumerable<(string Key, string Operator, IEnumerable<string> Values)> matchExpressions)
    {
        var requirements = new List<LabelRequirement>();
        foreach (var (key, value) in matchLabels) requirements.Add(new(key, LabelOperator.Equal, value));
        foreach (var (key, name, values) in matchExpressions)
        {
            var op = name switch
            {
                "In" => LabelOperator.In,
                "NotIn" => LabelOperator.NotIn,
                "Exists" => LabelOperator.Exists,
                "DoesNotExist" => LabelOperator.DoesNotExist,
                _ => throw new SelectorFormatException(Json.GoQuote.Text(name) + " is not a valid label selector operator"),
            };
            requirements.Add(new(key, op, [.. values]));
        }
        return Of([.. requirements]);
    }

    public bool Matches<T>(T labels) where T : ILabels
    {
        if (MatchesNothing) return false;
        foreach (var requirement in Requirements)
        {
            bool has = labels.TryGet(requirement.Key, out string? value);
            if (!requirement.Matches(has ? value : null)) return false;
        }
        return true;
    }

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        if (MatchesNothing) return false;
        foreach (var requirement in Requirements)
            if (!requirement.Matches(labels.TryGetValue(requirement.Key, out string? value) ? value : null)) return false;
        return true;
    }

    /// <summary>Both selectors at once.</summary>
    public Selector And(Selector other) => MatchesNothing || other.MatchesNothing ? Nothing : Of([.. Requirements, .. other.Requirements]);

    /// <summary>The one value that the label must have, if the selector says so: what an index can be asked for.</summary>
    public bool RequiresExactly(string key, [NotNullWhen(true)] out string? value)
    {
        value = null;
        foreach (var requirement in Requirements)
            if (requirement.Key == key)
            {
                if (requirement.Operator is LabelOperator.Equal or LabelOperator.DoubleEqual or LabelOperator.In && requirement.Values.Length == 1)
                    value = requirement.Values[0];
                return value is not null;
            }
        return false;
    }

    /// <summary>The query form.</summary>
    public override string ToString() => string.Join(",", Requirements);
}
