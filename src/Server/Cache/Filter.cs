using Hanbae.Api;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Cache;

/// <summary>Which items of a resource a list or watch is about.</summary>
public sealed class Filter
{
    readonly IStrategy _strategy;

    /// <param name="prefix">Of keys: a namespace and its slash, or empty.</param>
    /// <param name="name">The one name that is asked for, or empty.</param>
    /// <param name="fields">Without the terms that prefix and name stand for.</param>
    public Filter(IStrategy strategy, string prefix, string name, Selector labels, FieldSelector fields)
    {
        (_strategy, Prefix, Name, Labels, Fields) = (strategy, prefix, name, labels, fields);
        IsEmpty = labels.IsEmpty && fields.IsEmpty && name.Length == 0;
    }

    public string Prefix { get; }
    public string Name { get; }
    public Selector Labels { get; }
    public FieldSelector Fields { get; }
    /// <summary>The prefix is all there is to it.</summary>
    public bool IsEmpty { get; }

    /// <summary>The one key that it can be, or null.</summary>
    public string? Key(bool namespaced) => Name.Length > 0 && (!namespaced || Prefix.Length > 0) ? Prefix + Name : null;

    /// <summary>The same with other fields.</summary>
    public Filter With(FieldSelector fields) => new(_strategy, Prefix, Name, Labels, fields);

    public bool Matches(Item item) => item.Key.StartsWith(Prefix, StringComparison.Ordinal) && (IsEmpty || MatchesRest(item));

    bool MatchesRest(Item item)
    {
        if (Name.Length > 0 && !item.Name.SequenceEqual(Name)) return false;
        if (!Labels.IsEmpty && !Labels.Matches(item.Labels)) return false;
        if (Fields.IsEmpty) return true;
        IObject? obj = null;
        foreach (var term in Fields.Terms)
        {
            bool equal = term.Field switch
            {
                "metadata.name" => item.Name.SequenceEqual(term.Value),
                "metadata.namespace" => item.Namespace.SequenceEqual(term.Value),
                _ => _strategy.Field(obj ??= item.Object, term.Field) == term.Value,
            };
            if (equal != term.Equal) return false;
        }
        return true;
    }
}
