using System.Collections.Immutable;

namespace Hanbae.Server.Discovery;

/// <summary>Two lists that change by themselves, as one: the same array as long as neither of them changed, so that documents made of it are kept.</summary>
sealed class Both<T>(Func<ImmutableArray<T>> first, Func<ImmutableArray<T>> second)
{
    volatile Joined? _last;

    public ImmutableArray<T> Value
    {
        get
        {
            var (a, b) = (first(), second());
            if (_last is not { } last || last.First != a || last.Second != b) _last = last = new(a, b, b.IsEmpty ? a : a.IsEmpty ? b : a.AddRange(b));
            return last.Whole;
        }
    }

    sealed record Joined(ImmutableArray<T> First, ImmutableArray<T> Second, ImmutableArray<T> Whole);
}
