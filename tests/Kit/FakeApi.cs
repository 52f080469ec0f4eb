using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Kit;

/// <summary>An API server in memory for tests of its clients: built-in kinds, revisions, conflicts, watches, finalizers, status apart from the rest.</summary>
/// <remarks>
/// No admission, no defaults, no validation: what is sent is what is stored. Deletion is at once unless finalizers stand in the way,
/// or <see cref="Graceful"/> says that somebody has to end the object first. <see cref="HoldWatches"/> makes caches lag;
/// <c>HANBAE_LAG=60</c> makes every watch tell up to 60 ms late, each on its own: tests that hope for an order fail then.
/// </remarks>
public sealed class FakeApi(TimeProvider? time = null) : IApiTransport
{
    readonly TimeProvider _time = time ?? TimeProvider.System;
    readonly Lock _lock = new();
    readonly Dictionary<(ResourceInfo Resource, Key Key), IObject> _objects = [];
    readonly List<(long Version, ResourceInfo Resource, ApiEvent Event)> _history = [];
    readonly List<ApiRequest> _requests = [];
    TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _version;
    long _uid;
    long _heldAt = long.MaxValue;
    static readonly int s_lag = int.TryParse(Environment.GetEnvironmentVariable("HANBAE_LAG"), out int ms) ? ms : 0;

    /// <summary>Answers instead of the server, when it returns something.</summary>
    public Func<ApiRequest, ApiResult?>? Intercept { get; set; }

    /// <summary>Objects whose deletion only marks them, until somebody deletes them with a grace period of zero.</summary>
    public Func<IObject, bool> Graceful { get; set; } = static _ => false;

    /// <summary>Every request so far that was not a watch.</summary>
    public IReadOnlyList<ApiRequest> Requests { get { lock (_lock) return [.. _requests]; } }

    /// <summary>Whoever watches learns nothing of what happens from now on, until <see cref="ReleaseWatches"/>.</summary>
    public void HoldWatches() { lock (_lock) _heldAt = _version; }
    public void ReleaseWatches() { lock (_lock) { _heldAt = long.MaxValue; Wake(); } }

    public IReadOnlyList<T> All<T>() where T : class, IObject<T>
    {
        lock (_lock) return [.. _objects.Where(o => o.Key.Resource.Kind == T.Info).Select(o => (T)o.Value).OrderBy(o => Key.Of(o).ToString(), StringComparer.Ordinal)];
    }

    public T? Find<T>(string name, string ns = "default") where T : class, IObject<T> => All<T>().FirstOrDefault(o => Key.Of(o) == new Key(ns, name));

    /// <summary>Puts an object there, as its creator would; one that is there is replaced whole, status included.</summary>
    public T Put<T>(T obj) where T : class, IObject<T>
    {
        lock (_lock)
        {
            var resource = FakeRoute.For<T>();
            return (T)(_objects.TryGetValue((resource, Key.Of(obj)), out var old)
                ? Store(resource, old, obj.WithMetadata(obj.Metadata with { Uid = old.Metadata.Uid, CreationTimestamp = old.Metadata.CreationTimestamp }))
                : Add(resource, obj));
        }
    }

    /// <summary>Changes an object, status included, as if whoever may had done so.</summary>
    public void Change<T>(string name, Func<T, T> change, string ns = "default") where T : class, IObject<T>
    {
        lock (_lock)
        {
            var resource = FakeRoute.For<T>();
            if (_objects.TryGetValue((resource, new(ns, name)), out var old)) Store(resource, old, change((T)old));
        }
    }

    /// <summary>Takes an object away at once, whatever its finalizers.</summary>
    public void Remove<T>(string name, string ns = "default") where T : class, IObject<T>
    {
        lock (_lock)
        {
            var resource = FakeRoute.For<T>();
            if (_objects.TryGetValue((resource, new(ns, name)), out var old)) Drop(resource, old);
        }
    }

    /// <summary>Waits until the state is as asked; it is looked at after every change.</summary>
    public async Task UntilAsync(Func<FakeApi, bool> holds, string what = "", TimeSpan? atMost = null)
    {
        using var limit = new CancellationTokenSource(atMost ?? TimeSpan.FromSeconds(30));
        while (true)
        {
            Task changed;
            lock (_lock) changed = _changed.Task;
            if (holds(this)) return;
            try { await changed.WaitAsync(limit.Token); }
            catch (OperationCanceledException) { throw new TimeoutException("never came true: " + what); }
        }
    }

    public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        lock (_lock) _requests.Add(request);
        if (Intercept?.Invoke(request) is { } instead) return new(instead);
        try
        {
            lock (_lock) return new(Answer(request));
        }
        catch (ApiException e) { return new(new ApiResult { Code = e.Code, Object = e.Status }); }
    }

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        var route = FakeRoute.Of(request.Path);
        var chosen = FakeRoute.Selection(request);
        long after = request.Parameter("resourceVersion") is { Length: > 0 } from ? long.Parse(from) : 0;
        int at = 0;
        while (true)
        {
            List<ApiEvent> events = [];
            Task changed;
            lock (_lock)
            {
                changed = _changed.Task;
                for (; at < _history.Count && _history[at].Version <= _heldAt; at++)
                    if (_history[at] is var (version, resource, e) && version > after && resource.Gvr == route.Resource.Gvr
                        && (route.Namespace.Length == 0 || e.Object.Metadata.Namespace == route.Namespace) && chosen(e.Object))
                        events.Add(e);
            }
            if (s_lag > 0 && events.Count > 0) await Task.Delay(Random.Shared.Next(s_lag), ct);
            foreach (var e in events) yield return e;
            await changed.WaitAsync(ct);
        }
    }

    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => throw Error(405, "MethodNotAllowed", "no streams here");

    ApiResult Answer(ApiRequest request)
    {
        var route = FakeRoute.Of(request.Path);
        var resource = route.Resource;
        var key = new Key(route.Namespace, route.Name);
        if (route.Name.Length == 0)
            switch (request.Method)
            {
                case "GET": return new() { Code = 200, List = new(new() { ResourceVersion = _version.ToString() }, Among(route, request).ToList()) };
                case "DELETE":
                    foreach (var each in Among(route, request).ToList()) Delete(resource, each, request.Object as DeleteOptions ?? DeleteOptions.Empty);
                    return new() { Code = 200, Object = new Status { StatusValue = "Success" } };
                case "POST":
                    var body = Body(request, resource);
                    return new() { Code = 201, Object = Add(resource, body.WithMetadata(body.Metadata with { Namespace = route.Namespace })) };
                default: throw Error(405, "MethodNotAllowed", request.Method);
            }
        if (!_objects.TryGetValue((resource, key), out var old)) throw Error(404, "NotFound", $"{resource.Gvr.GroupResource} \"{route.Name}\" not found");
        switch (request.Method)
        {
            case "GET": return new() { Code = 200, Object = old };
            case "PUT": return new() { Code = 200, Object = Update(route, old, Body(request, resource)) };
            case "PATCH":
                var patched = FakeMerge.Patch(resource, old, request);
                if (patched.Metadata.Uid != old.Metadata.Uid) throw Error(422, "Invalid", "metadata.uid: field is immutable");
                return new() { Code = 200, Object = Update(route, old, patched) };
            case "DELETE": return new() { Code = 200, Object = Delete(resource, old, request.Object as DeleteOptions ?? DeleteOptions.Empty) };
            case "POST" when route.Subresource == "eviction": return new() { Code = 201, Object = Delete(resource, old, DeleteOptions.Empty) };
            default: throw Error(405, "MethodNotAllowed", request.Method);
        }
    }

    IEnumerable<IObject> Among(FakeRoute route, ApiRequest request)
    {
        var chosen = FakeRoute.Selection(request);
        return _objects.Where(o => o.Key.Resource.Gvr == route.Resource.Gvr && (route.Namespace.Length == 0 || o.Key.Key.Namespace == route.Namespace) && chosen(o.Value))
            .Select(o => o.Value);
    }

    static IObject Body(ApiRequest request, ResourceInfo resource) => (IObject)(request.Object ?? resource.Kind.Decode(request.Body.Span));

    IObject Add(ResourceInfo resource, IObject obj)
    {
        var meta = obj.Metadata;
        string name = meta.Name.Length > 0 ? meta.Name : meta.GenerateName + $"{_version + 1:x5}";
        if (_objects.ContainsKey((resource, new(meta.Namespace, name)))) throw Error(409, "AlreadyExists", $"{resource.Gvr.GroupResource} \"{name}\" already exists");
        return Write(resource, "ADDED", obj.WithMetadata(meta with
        {
            Name = name, Uid = meta.Uid.Length > 0 ? meta.Uid : $"uid-{++_uid}", Generation = 1, CreationTimestamp = meta.CreationTimestamp ?? _time.GetUtcNow(),
        }));
    }

    IObject Update(FakeRoute route, IObject old, IObject sent)
    {
        if (sent.Metadata.ResourceVersion.Length > 0 && sent.Metadata.ResourceVersion != old.Metadata.ResourceVersion)
            throw Error(409, "Conflict", $"Operation cannot be fulfilled on {route.Resource.Gvr.GroupResource} \"{route.Name}\": the object has been modified; please apply your changes to the latest version and try again");
        if (sent.Metadata.Uid.Length > 0 && sent.Metadata.Uid != old.Metadata.Uid) throw Error(409, "Conflict", "Precondition failed: UID in precondition");
        bool apart = route.Resource.Subresources.Any(s => s.Name == "status");
        var next = route.Subresource == "status" ? FakeMerge.Take(route.Resource.Kind, from: sent, into: old, "status")
            : apart ? FakeMerge.Take(route.Resource.Kind, from: old, into: sent, "status") : sent;
        // Who balances a Service may say so in its metadata, too.
        if (route.Subresource == "status" && sent is Api.Core.V1.Service) next = next.WithMetadata(sent.Metadata);
        return Store(route.Resource, old, next.WithMetadata(next.Metadata with
        {
            Uid = old.Metadata.Uid, CreationTimestamp = old.Metadata.CreationTimestamp, DeletionTimestamp = old.Metadata.DeletionTimestamp,
        }));
    }

    IObject Store(ResourceInfo resource, IObject old, IObject next)
    {
        next = next.WithMetadata(next.Metadata with { ResourceVersion = old.Metadata.ResourceVersion, Generation = old.Metadata.Generation });
        if (next.Equals(old)) return old;
        if (!FakeMerge.SameSpec(resource.Kind, old, next)) next = next.WithMetadata(next.Metadata with { Generation = old.Metadata.Generation + 1 });
        bool goes = next.Metadata.DeletionTimestamp is not null && next.Metadata.Finalizers.IsEmpty && !FakeMerge.HoldsNamespace(next) && !Graceful(next);
        return goes ? Drop(resource, next) : Write(resource, "MODIFIED", next);
    }

    IObject Delete(ResourceInfo resource, IObject old, DeleteOptions options)
    {
        if (options.Preconditions?.Uid is { } uid && uid != old.Metadata.Uid) throw Error(409, "Conflict", "the UID in the precondition does not match");
        if (options.Preconditions?.ResourceVersion is { } version && version != old.Metadata.ResourceVersion) throw Error(409, "Conflict", "the resourceVersion in the precondition does not match");
        string? finalizer = options.PropagationPolicy switch { "Foreground" => "foregroundDeletion", "Orphan" => "orphan", _ => null };
        var finalizers = old.Metadata.Finalizers;
        if (finalizer is not null && !finalizers.Contains(finalizer)) finalizers = finalizers.Add(finalizer);
        bool stays = !finalizers.IsEmpty || FakeMerge.HoldsNamespace(old) || Graceful(old) && options.GracePeriodSeconds != 0;
        if (!stays) return Drop(resource, old);
        if (old.Metadata.DeletionTimestamp is not null && finalizers == old.Metadata.Finalizers) return old;
        var marked = old.WithMetadata(old.Metadata with { DeletionTimestamp = old.Metadata.DeletionTimestamp ?? _time.GetUtcNow(), Finalizers = finalizers });
        return Write(resource, "MODIFIED", FakeMerge.Terminating(marked));
    }

    IObject Drop(ResourceInfo resource, IObject last)
    {
        _objects.Remove((resource, Key.Of(last)));
        return Write(resource, "DELETED", last);
    }

    IObject Write(ResourceInfo resource, string type, IObject obj)
    {
        obj = obj.WithMetadata(obj.Metadata with { ResourceVersion = (++_version).ToString() });
        if (type != "DELETED") _objects[(resource, Key.Of(obj))] = obj;
        _history.Add((_version, resource, new(type, obj)));
        Wake();
        return obj;
    }

    void Wake()
    {
        _changed.TrySetResult();
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>What a server answers when it refuses.</summary>
    public static ApiException Error(int code, string reason, string message) =>
        new(new Status { StatusValue = "Failure", Code = code, Reason = reason, Message = message });
}
