using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Scheduler;

/// <summary>The Pods that belong together though they do not say so: those of one Service or workload, which are spread by default.</summary>
internal sealed class SelectorBook
{
    readonly Dictionary<Key, Map<string>> _services = [];
    /// <summary>Each Service under one of the labels that it selects: a Pod looks at those that its labels lead to.</summary>
    readonly Dictionary<(string Namespace, string Label, string Value), List<Key>> _byLabel = [];
    readonly Dictionary<(string Kind, Key Key), Selector> _workloads = [];

    public void SetService(Key key, Map<string> selector)
    {
        if (_services.TryGetValue(key, out var before) && before == selector) return;
        RemoveService(key);
        if (selector.IsEmpty) return;
        _services.Add(key, selector);
        var place = PlaceOf(key, selector);
        if (!_byLabel.TryGetValue(place, out var there)) _byLabel.Add(place, there = []);
        there.Add(key);
    }

    public void RemoveService(Key key)
    {
        if (!_services.Remove(key, out var selector)) return;
        var place = PlaceOf(key, selector);
        if (_byLabel[place] is var there && there.Remove(key) && there.Count == 0) _byLabel.Remove(place);
    }

    static (string, string, string) PlaceOf(Key key, Map<string> selector)
    {
        foreach (var (label, value) in selector) return (key.Namespace, label, value);
        return default;
    }

    /// <param name="kind">ReplicationController, ReplicaSet or StatefulSet.</param>
    public void SetWorkload(string kind, Key key, Selector selector) => _workloads[(kind, key)] = selector;
    public void RemoveWorkload(string kind, Key key) => _workloads.Remove((kind, key));

    /// <summary>What the Pod's Services and its owner select, together; null when there is neither.</summary>
    public Selector? Of(PodInfo pod)
    {
        Selector? all = null;
        foreach (var (label, value) in pod.Labels)
            if (_byLabel.TryGetValue((pod.Key.Namespace, label, value), out var services))
                foreach (var service in services)
                    if (_services[service] is var selector && Matches(selector, pod.Labels)) Join(selector.ToSelector());
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
