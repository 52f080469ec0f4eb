using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>Knows how many objects of any resource each namespace has; follows only what some quota counts, and keeps ids alone.</summary>
/// <remarks>Bound: one id for every object of a resource that a quota names by <c>count/…</c> or plainly. Once followed, a resource stays so.</remarks>
/// <param name="fewer">Called with a namespace and a resource when objects went, and with no namespace when some may have gone unseen.</param>
sealed class Census(IApiTransport transport, TimeProvider time, Action<string, GroupResource> fewer) : IDisposable
{
    static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(10);
    /// <summary>How long a resource may take until it is listed for the first time; a server behind an APIService may never answer.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly Lock _lock = new();
    readonly CancellationTokenSource _stop = new();
    readonly Dictionary<GroupResource, Followed> _followed = [];
    ServerResources _served = ServerResources.BuiltIn;
    DateTimeOffset _asked;

    sealed class Followed(Task late)
    {
        public readonly TaskCompletionSource Listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        /// <summary>From when on nobody waits for the first list any more.</summary>
        public Task Late => late;
        public readonly Dictionary<string, string> NamespaceOf = [];
        public readonly Dictionary<string, int> Counts = [];
        public bool Complete;
    }

    /// <summary>Null while it is not known, or when there is no such resource.</summary>
    public int? Count(GroupResource resource, string ns)
    {
        lock (_lock) return _followed.TryGetValue(resource, out var followed) && followed.Complete ? followed.Counts.GetValueOrDefault(ns) : null;
    }

    /// <summary>Begins to count, unless that has begun, and waits for the first list: who counted before it would have to count again right after
    /// it, and by then may take back what admission charged for an object that is not seen here yet.</summary>
    /// <returns>Whether its number is known.</returns>
    public async Task<bool> FollowAsync(GroupResource resource, CancellationToken ct)
    {
        if (await BegunAsync(resource, ct) is not { } followed) return false;
        await Task.WhenAny(followed.Listed.Task, followed.Late).WaitAsync(ct);
        return Count(resource, "") is not null;
    }

    /// <returns>Null when there is no such resource, as far as is known.</returns>
    async Task<Followed?> BegunAsync(GroupResource resource, CancellationToken ct)
    {
        lock (_lock) if (_followed.TryGetValue(resource, out var begun)) return begun;
        if (Find(resource) is not { } info)
        {
            if (time.GetUtcNow() - _asked < AskAgain) return null;
            _asked = time.GetUtcNow();
            _served = await ServerResources.DiscoverAsync(transport, ct);
            if ((info = Find(resource)) is null) return null;
        }
        var stop = _stop.Token;
        Followed followed;
        lock (_lock)
        {
            if (_followed.TryGetValue(resource, out var begun)) return begun;
            _followed.Add(resource, followed = new(Task.Delay(Patience, time, stop)));
        }
        // A custom kind that goes away looks empty until it is back.
        _ = Task.Run(() => new Reflector(new Unserved(transport), info, ListQuery.All, time).RunAsync(e => On(resource, followed, e), stop), CancellationToken.None);
        return followed;
    }

    ResourceInfo? Find(GroupResource resource) =>
        _served.Preferred.FirstOrDefault(r => r.Gvr.GroupResource == resource && r.Namespaced && r.Verbs.Contains("list") && r.Verbs.Contains("watch"))
        // A group may serve a resource under two names of group.
        ?? _served.All.FirstOrDefault(r => r.Gvr.GroupResource == resource && r.Namespaced && r.Verbs.Contains("watch"));

    void On(GroupResource resource, Followed followed, SyncEvent e)
    {
        if (_stop.IsCancellationRequested) return;
        string? less = null;
        lock (_lock)
            switch (e.Kind)
            {
                case SyncKind.Init:
                    followed.NamespaceOf.Clear();
                    followed.Counts.Clear();
                    followed.Complete = false;
                    break;
                case SyncKind.InitDone:
                    followed.Complete = true;
                    // Nobody who waits for the first list has counted without it.
                    if (!followed.Listed.TrySetResult() || followed.Late.IsCompleted) less = "";
                    break;
                case SyncKind.Progress or SyncKind.Interrupted or SyncKind.Resumed: return;
                case SyncKind.Deleted:
                    if (followed.NamespaceOf.Remove(e.Object!.Metadata.Uid, out less)) followed.Counts[less]--;
                    break;
                default:
                    var meta = e.Object!.Metadata;
                    if (followed.NamespaceOf.TryAdd(meta.Uid, meta.Namespace)) followed.Counts[meta.Namespace] = followed.Counts.GetValueOrDefault(meta.Namespace) + 1;
                    break;
            }
        if (less is not null) fewer(less, resource);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }
}
