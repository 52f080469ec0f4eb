using Hanbae.Api;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>What is made of stored configuration, made again only where that changed: each request looks at the newest, and mostly finds the same.</summary>
sealed class Compiled<T, TResult>(ServedObjects objects, Func<T, TResult> compile) where T : class, IObject<T>
{
    sealed record State(Sorted? Snapshot, Dictionary<Item, TResult> Known, TResult[] Results);

    volatile State _state = new(null, [], []);

    /// <summary>By the configurations' names.</summary>
    public async ValueTask<TResult[]> AllAsync(CancellationToken ct)
    {
        var now = await objects.SnapshotAsync<T>(ct).ConfigureAwait(false);
        var state = _state;
        if (ReferenceEquals(now, state.Snapshot) || now is null) return state.Results;
        var known = new Dictionary<Item, TResult>(ReferenceEqualityComparer.Instance);
        var results = new List<TResult>();
        foreach (var item in now.Between("", ""))
            results.Add(known[item] = state.Known.TryGetValue(item, out var had) ? had : compile((T)item.Object));
        _state = new(now, known, [.. results]);
        return _state.Results;
    }
}
