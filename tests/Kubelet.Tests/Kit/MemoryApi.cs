using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Machinery.Patch;
using Patch = Hanbae.Client.Patch;

namespace Hanbae.Kubelet.Tests;

/// <summary>As much of an API server as a kubelet needs: objects by kind and key, patches applied for real, a cache of Pods that sees each write at once.</summary>
sealed class MemoryApi : IClient, ICache<Pod>
{
    readonly Lock _gate = new();
    readonly Dictionary<(string Kind, Key Key), IObject> _objects = [];
    readonly List<Action<CacheEvent<Pod>>> _handlers = [];
    readonly List<(Func<bool> When, TaskCompletionSource Done)> _waits = [];
    long _version;

    /// <summary>Answers what is only asked and not kept, such as reviews; null keeps the object.</summary>
    public Func<IObject, IObject?> OnCreate { get; set; } = o => o is TokenReview or SubjectAccessReview ? o : null;
    public IApiTransport Transport => throw new NotSupportedException();
    public bool Synced => true;
    public IReadOnlyCollection<Pod> All { get { lock (_gate) return [.. _objects.Values.OfType<Pod>()]; } }

    /// <summary>Completes when a write has made it so.</summary>
    public async Task UntilAsync(Func<MemoryApi, bool> condition, string what)
    {
        TaskCompletionSource done;
        lock (_gate)
        {
            if (condition(this)) return;
            done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waits.Add((() => condition(this), done));
        }
        try { await done.Task.WaitAsync(TimeSpan.FromSeconds(60)); }
        catch (TimeoutException) { Assert.Fail($"not within 60 s: {what}; pods: {string.Join("; ", All.Select(p => p.Status))}"); }
    }

    public T? Get<T>(Key key) where T : class, IObject<T> { lock (_gate) return _objects.GetValueOrDefault((T.Info.Kind, key)) as T; }

    public Pod? Pod(string name) => Get<Pod>(new("default", name));

    public void Put<T>(T obj) where T : class, IObject<T>
    {
        lock (_gate)
        {
            var id = (T.Info.Kind, Key.Of(obj));
            var old = _objects.GetValueOrDefault(id);
            var meta = obj.Metadata with { ResourceVersion = (++_version).ToString(), Uid = obj.Metadata.Uid.Length > 0 ? obj.Metadata.Uid : Guid.NewGuid().ToString() };
            var stored = obj.WithMetadata(meta);
            _objects[id] = stored;
            if (stored is Pod pod) foreach (var handler in _handlers) handler(new((Pod?)old, pod));
            foreach (var wait in _waits.ToArray()) if (wait.When()) { _waits.Remove(wait); wait.Done.TrySetResult(); }
        }
    }

    /// <summary>A graceful deletion, as the API server marks it.</summary>
    public void MarkDeleted(string name, long grace)
    {
        var pod = Pod(name)!;
        Put(pod with { Metadata = pod.Metadata with { DeletionTimestamp = DateTimeOffset.UtcNow, DeletionGracePeriodSeconds = grace } });
    }

    public Task<T?> FindAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T> => Task.FromResult(Get<T>(key));
    public Task<T> GetAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T> => Task.FromResult(Get<T>(key) ?? throw Error("NotFound", 404));
    public Task<ListOf<T>> ListAsync<T>(ListQuery query, CancellationToken ct) where T : class, IObject<T>
    {
        lock (_gate) return Task.FromResult(new ListOf<T>(_version.ToString(), [.. _objects.Values.OfType<T>()]));
    }

    public Task<T> CreateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T>
    {
        if (OnCreate(obj) is T answer) return Task.FromResult(answer);
        lock (_gate)
        {
            if (Get<T>(Key.Of(obj)) is not null) throw Error("AlreadyExists", 409);
            Put(obj);
            return Task.FromResult(Get<T>(Key.Of(obj))!);
        }
    }

    public Task<IKind?> CreateAsync<T>(Key of, string subresource, IKind body, CancellationToken ct) where T : class, IObject<T> => throw Error("NotFound", 404);

    public Task<T> UpdateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T>
    {
        lock (_gate)
        {
            if (Get<T>(Key.Of(obj)) is not { } old) throw Error("NotFound", 404);
            if (obj.Metadata.ResourceVersion.Length > 0 && old.Metadata.ResourceVersion != obj.Metadata.ResourceVersion) throw Error("Conflict", 409);
            Put(obj);
            return Task.FromResult(Get<T>(Key.Of(obj))!);
        }
    }

    public Task<T> UpdateStatusAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T> => UpdateAsync(obj, ct);

    public Task<T> PatchAsync<T>(Key key, Patch patch, CancellationToken ct, string subresource = "") where T : class, IObject<T>
    {
        lock (_gate)
        {
            if (Get<T>(key) is not { } old) throw Error("NotFound", 404);
            var changes = (JsonObject)JsonValue.Parse(patch.Body.Span);
            if ((changes["metadata"] as JsonObject)?["uid"] is JsonString { Value: var uid } && uid != old.Metadata.Uid) throw Error("Invalid", 422);
            var merged = StrategicMerge.Apply((JsonObject)JsonValue.Parse(T.Info.ToJson(old)), changes, T.Info.Schema);
            Put((T)T.Info.Decode(merged.ToUtf8()));
            return Task.FromResult(Get<T>(key)!);
        }
    }

    public Task DeleteAsync<T>(Key key, DeleteOptions options, CancellationToken ct) where T : class, IObject<T>
    {
        lock (_gate)
        {
            if (Get<T>(key) is not { } old) throw Error("NotFound", 404);
            if (options.Preconditions?.Uid is { } uid && uid != old.Metadata.Uid) throw Error("Conflict", 409);
            _objects.Remove((T.Info.Kind, key));
            if (old is Pod pod) foreach (var handler in _handlers) handler(new(pod, null));
            foreach (var wait in _waits.ToArray()) if (wait.When()) { _waits.Remove(wait); wait.Done.TrySetResult(); }
        }
        return Task.CompletedTask;
    }

    static ApiException Error(string reason, int code) => new(new() { StatusValue = "Failure", Reason = reason, Code = code, Message = reason });

    public Pod? Find(Key key) => Get<Pod>(key);
    public IReadOnlyCollection<Pod> In(string ns) => [.. All.Where(p => p.Metadata.Namespace == ns)];
    public IEnumerable<Pod> Matching(string ns, Selector selector) => throw new NotSupportedException();
    public void AddIndex(string name, Func<Pod, IEnumerable<string>> values) => throw new NotSupportedException();
    public IReadOnlyCollection<Pod> ByIndex(string index, string value) => throw new NotSupportedException();
    public Task WhenSyncedAsync(CancellationToken ct) => Task.CompletedTask;

    public IDisposable Subscribe(Action<CacheEvent<Pod>> handler)
    {
        lock (_gate)
        {
            foreach (var pod in All) handler(new(null, pod));
            _handlers.Add(handler);
        }
        return new Subscription(() => { lock (_gate) _handlers.Remove(handler); });
    }

    sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
