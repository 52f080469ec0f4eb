using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Scheduler;

/// <summary>The Pods that belong together though they do not say so: those of one Service or workload, which are spread by default.</summary>
internal sealed class SelectorBook
{
    readonly Dictionary<string, Dictionary<string, Map<string>>> _services = [];
    readonly Dictionary<(string Kind, Key Key), Selector> _workloads = [];

    public void SetService(Key key, Map<string> selector)
    {
        if (!_services.TryGetValue(key.Namespace, out var services)) _services[key.Namespace] = services = [];
        services[key.Name] = selector;
    }

    public void RemoveService(Key key) { if (_services.TryGetValue(key.Namespace, out var services)) services.Remove(key.Name); }

    /// <param name="kind">ReplicationController, ReplicaSet or StatefulSet.</param>
    public void SetWorkload(string kind, Key key, Selector selector) => _workloads[(kind, key)] = selector;
    public void RemoveWorkload(string kind, Key key) => _workloads.Remove((kind, key));

    /// <summary>What the Pod's Services and its owner select, together; null when there is neither.</summary>
    public Selector? Of(PodInfo pod)
    {
        Selector? all = null;
        if (_services.TryGetValue(pod.Key.Namespace, out var services))
            foreach (var selector in services.Values)
                if (!selector.IsEmpty && Matches(selector, pod.Labels)) Join(selector.ToSelector());
        foreach (var owner in pod.Pod.Metadata.OwnerReferences)
            if (owner.Controller == true && _workloads.TryGetValue((owner.Kind, new(pod.Key.Namespace, owner.Name)), out var workload) && !workload.MatchesNothing) Join(workload);
        return all is { IsEmpty: false } ? all : null;

        void Join(Selector more) => all = all is null ? more : all.And(more);
    }

    static bool Matches(Map<string> selector, Map<string> labels)
    {
        foreach (var (key, value) in selector) if (!labels.TryGet(key, out string? has) || has != value) return false;
        return true;
    }
}
