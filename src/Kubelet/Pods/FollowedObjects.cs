using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Pods;

/// <summary>Watches the ConfigMaps and Secrets that volumes of this node's Pods show, so that a change is in their files in a moment and not at the next look at the Pod.</summary>
/// <remarks>
/// Upstream's kubelet watches them too (<c>configMapAndSecretChangeDetectionStrategy: Watch</c>), but lets Pods wait for their minute. One watch
/// an object however many Pods show it, none of one that is immutable; what nobody shows is not watched.
/// </remarks>
/// <param name="isNews">Whether what an object is now is something else than what was read of it.</param>
sealed class FollowedObjects(IApiTransport transport, Func<(string Kind, Key Key), IObject?, bool> isNews, TimeProvider time, ILogger log, CancellationToken stop)
{
    readonly Lock _gate = new();
    readonly Dictionary<(string Kind, Key Key), Followed> _all = [];

    /// <param name="changed">Called after each change of what the Pod's volumes show; must not block.</param>
    /// <returns>Ends it; null where there is nothing to follow.</returns>
    public IDisposable? Follow(Pod pod, Action changed)
    {
        var shown = Shown(pod).ToHashSet();
        if (shown.Count == 0) return null;
        var follower = new Follower(this, [.. shown], changed);
        lock (_gate)
            foreach (var reference in shown)
            {
                if (!_all.TryGetValue(reference, out var followed))
                {
                    _all[reference] = followed = new(stop);
                    if (reference.Kind == ConfigMap.Info.Kind) Begin<ConfigMap>(reference, followed, map => map.Immutable == true);
                    else Begin<Secret>(reference, followed, secret => secret.Immutable == true);
                }
                followed.By.Add(follower);
            }
        return follower;
    }

    static IEnumerable<(string Kind, Key Key)> Shown(Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes)
        {
            if (volume.ConfigMap is { } map) yield return Of(ConfigMap.Info.Kind, map.Name);
            if (volume.Secret is { } secret) yield return Of(Secret.Info.Kind, secret.SecretName);
            foreach (var source in volume.Projected?.Sources ?? default)
            {
                if (source.ConfigMap is { } part) yield return Of(ConfigMap.Info.Kind, part.Name);
                if (source.Secret is { } hidden) yield return Of(Secret.Info.Kind, hidden.Name);
            }
        }

        (string, Key) Of(string kind, string name) => (kind, new(pod.Metadata.Namespace, name));
    }

    void Begin<T>((string Kind, Key Key) reference, Followed followed, Func<T, bool> isFinal) where T : class, IObject<T>
    {
        var informer = new Informer<T>(transport, new() { Namespace = reference.Key.Namespace, FieldSelector = "metadata.name=" + reference.Key.Name }, time, logger: log);
        informer.Cache.Subscribe(change =>
        {
            if (change.New is { } now && isFinal(now)) followed.End();
            if (!isNews(reference, change.New)) return;
            Follower[] by;
            lock (_gate) by = [.. followed.By];
            foreach (var follower in by) follower.Changed();
        });
        _ = informer.RunAsync(followed.Ended);
    }

    void Leave(Follower follower)
    {
        lock (_gate)
            foreach (var reference in follower.Shown)
                if (_all.TryGetValue(reference, out var followed) && followed.By.Remove(follower) && followed.By.Count == 0)
                {
                    _all.Remove(reference);
                    followed.End();
                }
    }

    /// <summary>One object, and the Pods that show it.</summary>
    sealed class Followed
    {
        readonly CancellationTokenSource _end;
        bool _ended;

        public Followed(CancellationToken stop) => Ended = (_end = CancellationTokenSource.CreateLinkedTokenSource(stop)).Token;

        public HashSet<Follower> By { get; } = [];
        public CancellationToken Ended { get; }

        public void End()
        {
            if (Interlocked.Exchange(ref _ended, true)) return;
            _end.Cancel();
            _end.Dispose();
        }
    }

    sealed class Follower(FollowedObjects all, (string Kind, Key Key)[] shown, Action changed) : IDisposable
    {
        public (string Kind, Key Key)[] Shown => shown;
        public Action Changed => changed;

        public void Dispose() => all.Leave(this);
    }
}
