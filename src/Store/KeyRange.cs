namespace Hanbae.Store;

/// <summary>The keys from <see cref="Start"/> up to but without <see cref="End"/>: what is listed and watched.</summary>
/// <remarks>The bounds are text rather than keys: the place right after a key is not a key.</remarks>
public readonly record struct KeyRange
{
    readonly string? _start;

    KeyRange(string start, string? end) => (_start, End) = (start, end);

    public string Start => _start ?? "";
    /// <summary>Null when there is no upper bound.</summary>
    public string? End { get; }

    public static KeyRange All => default;
    public static KeyRange One(Key key) => new(key.Path, key.Path + "\0");

    /// <param name="prefix">As in <c>/registry/pods/default/</c>: with the slash, or it takes in <c>/registry/pods/default2</c> too.</param>
    public static KeyRange Prefix(string prefix) => new(prefix, Bytewise.EndOfPrefix(prefix));

    /// <summary>The part of this range behind a key: where the next page begins.</summary>
    public KeyRange After(Key key) => Bytewise.Compare(key.Path, Start) < 0 ? this : new(key.Path + "\0", End);

    public bool Contains(Key key) => Bytewise.Compare(key.Path, Start) >= 0 && !IsPast(key.Path);
    public bool Overlaps(KeyRange other) => !IsPast(other.Start) && !other.IsPast(Start);

    bool IsPast(string text) => End is not null && Bytewise.Compare(text, End) >= 0;

    public override string ToString() => $"[{Start}, {End ?? "end"})";
}
