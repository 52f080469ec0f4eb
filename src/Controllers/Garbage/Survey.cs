using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Garbage;

/// <summary>Follows every resource of the cluster for the <see cref="OwnerGraph"/>, and keeps nothing of the objects themselves.</summary>
/// <remarks>Which resources there are is asked again whenever a CustomResourceDefinition changes, and every 30 seconds as upstream does.</remarks>
sealed class Survey : IDisposable
{
    /// <summary>Many, short-lived, and neither owner nor owned.</summary>
    static readonly string[] NeverOwned = ["events"];
    static readonly TimeSpan Again = TimeSpan.FromSeconds(30);

    readonly IApiTransport _transport;
    readonly TimeProvider _time;
    readonly OwnerGraph _graph;
    readonly Action<Key> _add;
    readonly CancellationTokenSource _stop = new();
    readonly TaskCompletionSource _synced;
    TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    /// <summary>What is followed, and how to stop that; the loop's alone.</summary>
    readonly Dictionary<GroupResource, (ResourceInfo Resource, CancellationTokenSource Stop)> _followed = [];
    volatile ServerResources _served = ServerResources.BuiltIn;
    /// <summary>What was not listed yet.</summary>
    readonly ConcurrentDictionary<GroupResource, byte> _missing = new();

    /// <param name="synced">Completed when every resource was listed once.</param>
    public Survey(IApiTransport transport, TimeProvider time, OwnerGraph graph, Action<Key> add, TaskCompletionSource synced)
    {
        (_transport, _time, _graph, _add, _synced) = (transport, time, graph, add, synced);
        _ = Task.Run(() => RunAsync(_stop.Token));
    }

    /// <summary>What the server served when it was last asked.</summary>
    public ServerResources Served => _served;

    static ImmutableArray<ResourceInfo> Worth(ServerResources served) =>
        [.. served.Preferred.Where(Follows)];

    public static bool Follows(ResourceInfo resource) =>
        resource.Verbs.Contains("list") && resource.Verbs.Contains("watch") && resource.Verbs.Contains("delete") && !NeverOwned.Contains(resource.Gvr.Resource);

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
            try
            {
                // Taken before asking, so that no change falls in between.
                var changed = _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _served = await ServerResources.DiscoverAsync(_transport, ct);
                Follow(_served, ct);
                try { await changed.Task.WaitAsync(Again, _time, ct); }
                catch (TimeoutException) { }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
            catch (Exception) when (!ct.IsCancellationRequested)
            {
                // What is followed goes on being followed; the rest waits until the server answers.
                await Task.Delay(TimeSpan.FromSeconds(1), _time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
    }

    void Follow(ServerResources served, CancellationToken ct)
    {
        var wanted = Worth(served);
        foreach (var (name, (resource, stop)) in _followed.ToArray())
            if (!wanted.Any(w => w.Gvr == resource.Gvr) && !served.Stale.Contains(resource.Gvr.GroupVersion))
            {
                _followed.Remove(name);
                stop.Cancel();
                stop.Dispose();
                Listed(resource.Gvr.GroupResource);
                // What is no longer served is gone, and owns nothing any more.
                Look(_graph.Keep(resource, []));
            }
        ResourceInfo[] fresh = [.. wanted.Where(w => !_followed.ContainsKey(w.Gvr.GroupResource))];
        foreach (var resource in fresh) _missing[resource.Gvr.GroupResource] = default;
        foreach (var resource in fresh)
        {
            var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
            _followed[resource.Gvr.GroupResource] = (resource, stop);
            Follow(resource, stop.Token);
        }
    }

    void Listed(GroupResource resource)
    {
        if (_missing.TryRemove(resource, out _) && _missing.IsEmpty) _synced.TrySetResult();
    }

    void Follow(ResourceInfo resource, CancellationToken ct)
    {
        HashSet<string>? listed = null;
        bool defines = resource.Gvr.GroupResource == new GroupResource("apiextensions.k8s.io", "customresourcedefinitions");
        var reflector = new Reflector(new Unserved(_transport), resource, ListQuery.All, _time);
        _ = Task.Run(() => reflector.RunAsync(e =>
        {
            if (ct.IsCancellationRequested) return;
            switch (e.Kind)
            {
                case SyncKind.Init: listed = []; break;
                case SyncKind.InitDone:
                    Look(_graph.Keep(resource, listed ?? []));
                    listed = null;
                    Listed(resource.Gvr.GroupResource);
                    break;
                case SyncKind.Progress or SyncKind.Interrupted or SyncKind.Resumed: return;
                case SyncKind.Deleted: Look(_graph.Remove(resource, e.Object!.Metadata.Uid)); break;
                default:
                    listed?.Add(e.Object!.Metadata.Uid);
                    Look(_graph.Set(resource, e.Object!));
                    break;
            }
            if (defines) Volatile.Read(ref _changed).TrySetResult();
        }, ct), CancellationToken.None);
    }

    void Look(IReadOnlyList<string> uids)
    {
        foreach (string uid in uids) _add(new("", uid));
    }
}
