using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Bench.Controllers;

/// <summary>A cluster on paper: caches that are filled by hand and a server that says yes, so that nothing is measured but a controller.</summary>
/// <remarks>What is written is answered and forgotten: the state stays as large as it was.</remarks>
sealed class Paper : IClusterAccess, IApiTransport, IRecorder
{
    readonly Dictionary<Type, object> _caches = [];
    readonly Dictionary<string, Func<Key, IObject?>> _finds = [];

    public Paper() => Client = new ApiClient(this);

    public IClient Client { get; }
    public IRecorder Recorder => this;
    public TimeProvider Time => TimeProvider.System;
    public int Requests { get; private set; }

    public ICache<T> Cache<T>() where T : class, IObject<T> => CacheOf<T>();
    public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => CacheOf<T>();

    public SharedCache<T> CacheOf<T>() where T : class, IObject<T>
    {
        if (_caches.TryGetValue(typeof(T), out object? known)) return (SharedCache<T>)known;
        var cache = new SharedCache<T>();
        Fill(cache, []);
        _caches.Add(typeof(T), cache);
        _finds[Resources.Of<T>().Gvr.Resource] = key => cache.Find(key);
        return cache;
    }

    public void Fill<T>(IEnumerable<T> objects) where T : class, IObject<T> => Fill(CacheOf<T>(), objects);

    static void Fill<T>(SharedCache<T> cache, IEnumerable<T> objects) where T : class, IObject<T>
    {
        cache.Apply(new(SyncKind.Init));
        foreach (var obj in objects) cache.Apply(new(SyncKind.InitItem, obj));
        cache.Apply(new(SyncKind.InitDone));
    }

    public void Event(IObject about, string type, string reason, string message, string fieldPath = "") { }

    public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        Requests++;
        if (request.Method is "POST" or "PUT") return new(new ApiResult { Code = 200, Object = request.Object });
        string[] words = request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        int at = Array.FindIndex(words, w => w == "namespaces");
        var (ns, rest) = at >= 0 && words.Length > at + 2 ? (words[at + 1], words[(at + 2)..]) : ("", words[(words[0] == "api" ? 2 : Math.Min(3, words.Length))..]);
        if (request.Method == "GET" && rest.Length == 1) return new(new ApiResult { Code = 200, List = new(new() { ResourceVersion = "1" }, []) });
        var found = rest.Length > 1 && _finds.TryGetValue(rest[0], out var find) ? find(new(ns, rest[1])) : null;
        return new(found is null ? new ApiResult { Code = 404, Object = new Api.Meta.V1.Status { StatusValue = "Failure", Code = 404, Reason = "NotFound" } } : new ApiResult { Code = 200, Object = found });
    }

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        yield break;
    }

    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => throw new NotSupportedException();
}
