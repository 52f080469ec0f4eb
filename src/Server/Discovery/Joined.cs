using System.Collections.Immutable;

namespace Hanbae.Server.Discovery;

/// <summary>Two sources of the same sort of things as one, whose array stays the same while theirs do: what is rendered from it is kept by that.</summary>
public sealed class Joined<T>(Func<ImmutableArray<T>> first, Func<ImmutableArray<T>> second)
{
    sealed record Made(ImmutableArray<T> First, ImmutableArray<T> Second, ImmutableArray<T> Both);

    Made? _made;

    public ImmutableArray<T> All
    {
        get
        {
            var (a, b) = (first(), second());
            if (b.IsEmpty) return a;
            if (a.IsEmpty) return b;
            if (_made is { } kept && kept.First == a && kept.Second == b) return kept.Both;
            var made = new Made(a, b, a.AddRange(b));
            _made = made;
            return made.Both;
        }
    }
}
