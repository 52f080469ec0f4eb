using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Client;

namespace Hanbae.Controllers.Garbage;

/// <summary>Follows every resource of the cluster for the <see cref="OwnerGraph"/>, and keeps nothing of the objects themselves.</summary>
sealed class Survey : IDisposable
{
    /// <summary>Many, short-lived, and neither owner nor owned.</summary>
    static readonly string[] NeverOwned = ["events"];

    public static ImmutableArray<ResourceInfo> Followed { get; } =
    [
        .. from g in ApiData.Groups
           from r in g.Default.OrderBy(v => v == g.Preferred ? 0 : 1).SelectMany(v => Resources.Of(new GroupVersion(g.Name, v))).DistinctBy(r => r.Gvr.Resource)
           where r.Verbs.Contains("list") && r.Verbs.Contains("watch") && r.Verbs.Contains("delete") && !NeverOwned.Contains(r.Gvr.Resource)
           select r,
    ];

    readonly OwnerGraph _graph;
    readonly Action<Key> _add;
    readonly CancellationTokenSource _stop = new();
    readonly TaskCompletionSource _synced;
    int _missing;

    /// <param name="synced">Completed when every resource was listed once.</param>
    public Survey(IApiTransport transport, TimeProvider time, OwnerGraph graph, Action<Key> add, TaskCompletionSource synced)
    {
        (_graph, _add, _synced, _missing) = (graph, add, synced, Followed.Length);
        foreach (var resource in Followed) Follow(transport, time, resource);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    void Follow(IApiTransport transport, TimeProvider time, ResourceInfo resource)
    {
        HashSet<string>? listed = null;
        bool first = true;
        var ct = _stop.Token;
        var reflector = new Reflector(new Unserved(transport), resource, ListQuery.All, time);
        _ = Task.Run(() => reflector.RunAsync(e =>
        {
            switch (e.Kind)
            {
                case SyncKind.Init: listed = []; break;
                case SyncKind.InitDone:
                    Look(_graph.Keep(resource, listed ?? []));
                    listed = null;
                    if (first && Interlocked.Decrement(ref _missing) == 0) _synced.TrySetResult();
                    first = false;
                    break;
                case SyncKind.Deleted: Look(_graph.Remove(resource, e.Object!.Metadata.Uid)); break;
                default:
                    listed?.Add(e.Object!.Metadata.Uid);
                    Look(_graph.Set(resource, e.Object!));
                    break;
            }
        }, ct), CancellationToken.None);
    }

    void Look(IReadOnlyList<string> uids)
    {
        foreach (string uid in uids) _add(new("", uid));
    }

    /// <summary>Makes a resource that this server does not serve look empty, instead of holding up all others.</summary>
    sealed class Unserved(IApiTransport inner) : IApiTransport
    {
        public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
        {
            var result = await inner.SendAsync(request, ct);
            return result.Code is 404 or 405 ? new() { Code = 200, List = new(new() { ResourceVersion = "0" }, []) } : result;
        }

        public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => inner.WatchAsync(request, ct);
        public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => inner.StreamAsync(request, ct);
    }
}
