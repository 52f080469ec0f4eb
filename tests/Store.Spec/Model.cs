namespace Hanbae.Store.Spec;

/// <summary>A store as obvious as can be: the list of all that was ever written.</summary>
sealed class Model(Revision start)
{
    internal readonly record struct Written(string Key, string? Value, Revision Revision);

    readonly List<Written> _written = [];

    public Revision Current { get; private set; } = start;
    public Revision Oldest { get; set; } = start;

    public void Add(string key, string? value)
    {
        Current = Current.Next;
        _written.Add(new(key, value, Current));
    }

    public IEnumerable<Written> Since(Revision after) => _written.Where(w => w.Revision > after);

    /// <summary>The revision that a key was at; none when it was absent.</summary>
    public Revision At(string key, Revision when)
    {
        var last = _written.LastOrDefault(w => w.Key == key && w.Revision <= when);
        return last.Value is null ? Revision.None : last.Revision;
    }

    public List<(string Key, string Value, Revision Revision)> List(Revision when) =>
        [.. _written.Where(w => w.Revision <= when).GroupBy(w => w.Key).Select(g => g.Last()).Where(w => w.Value is not null)
            .OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => (w.Key, w.Value!, w.Revision))];
}
