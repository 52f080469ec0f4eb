using Hanbae.Server.Registry;

namespace Hanbae.Server.Cache;

/// <summary>Items by the value of a label or field: made when a list first asks for the label, maintained from then on.</summary>
/// <remarks>Bound: 16 labels and fields per resource; further ones are found by looking at every item. Under the cache's lock.</remarks>
sealed class Indexes(IStrategy strategy)
{
    const int Most = 16;

    readonly List<(string Name, bool IsField, Dictionary<string, Sorted> Sets)> _indexes = [];

    /// <summary>The items among which those of the filter are; null when no index narrows it.</summary>
    public Sorted? Find(Filter filter, Sorted all)
    {
        foreach (string field in strategy.SelectableFields)
            if (filter.Fields.RequiresExactly(field, out string? value)) return Of(field, true, all) is { } sets ? sets.GetValueOrDefault(value, Sorted.Empty) : null;
        foreach (var requirement in filter.Labels.Requirements)
            if (filter.Labels.RequiresExactly(requirement.Key, out string? value))
                return Of(requirement.Key, false, all) is { } sets ? sets.GetValueOrDefault(value, Sorted.Empty) : null;
        return null;
    }

    Dictionary<string, Sorted>? Of(string name, bool isField, Sorted all)
    {
        foreach (var index in _indexes)
            if (index.IsField == isField && index.Name == name) return index.Sets;
        if (_indexes.Count == Most) return null;
        var lists = new Dictionary<string, List<Item>>();
        foreach (var item in all.Between("", ""))
            if (Value(item, name, isField) is { } value)
            {
                if (!lists.TryGetValue(value, out var list)) lists[value] = list = [];
                list.Add(item);
            }
        var sets = lists.ToDictionary(l => l.Key, l => Sorted.From(l.Value));
        _indexes.Add((name, isField, sets));
        return sets;
    }

    string? Value(Item item, string name, bool isField) => isField ? strategy.Field(item.Object, name) : item.Labels[name];

    public void Apply(CacheEvent e)
    {
        foreach (var (name, isField, sets) in _indexes)
        {
            string? now = e.Type == EventType.Deleted ? null : Value(e.Item, name, isField);
            if (e.Previous is not null && Value(e.Previous, name, isField) is { } before && before != now)
            {
                var rest = sets[before].Remove(e.Item.Key, out _);
                if (rest.Count == 0) sets.Remove(before);
                else sets[before] = rest;
            }
            if (now is not null) sets[now] = sets.GetValueOrDefault(now, Sorted.Empty).Set(e.Item, out _);
        }
    }

    public void Clear() => _indexes.Clear();
}
