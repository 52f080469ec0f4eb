using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Placement;

/// <summary>Device plugins' devices as things that have a place: where their plugins say that they are.</summary>
sealed class DevicePlacer(DevicePlugins plugins, Topology machine) : IPlacer
{
    public IReadOnlyCollection<string> Pods => plugins.Pods;

    public bool Concerns(Pod pod) => pod.Spec.InitContainers.Concat(pod.Spec.Containers).Any(c => plugins.Asked(pod, c).Any());

    public IReadOnlyList<ResourceHints> HintsFor(Pod pod, Container container) =>
        [.. plugins.Asked(pod, container).OrderBy(a => a.Resource, StringComparer.Ordinal).Select(asked =>
        {
            var has = plugins.Of(pod.Metadata.Uid).Where(g => g.Container == container.Name && g.Resource == asked.Resource).SelectMany(g => g.Devices.Keys).ToImmutableHashSet();
            return Hints(asked.Resource, asked.Count, has, plugins.Reusable(pod, container.Name, asked.Resource));
        })];

    public IReadOnlyList<ResourceHints> HintsFor(Pod pod)
    {
        SortedDictionary<string, int> init = new(StringComparer.Ordinal), sidecars = new(StringComparer.Ordinal), all = new(StringComparer.Ordinal);
        foreach (var container in pod.Spec.InitContainers)
            foreach (var (resource, count) in plugins.Asked(pod, container))
                if (container.IsSidecar()) sidecars[resource] = sidecars.GetValueOrDefault(resource) + count;
                else init[resource] = Math.Max(init.GetValueOrDefault(resource), sidecars.GetValueOrDefault(resource) + count);
        foreach (var (resource, count) in sidecars.Concat(pod.Spec.Containers.SelectMany(c => plugins.Asked(pod, c)).Select(a => KeyValuePair.Create(a.Resource, a.Count))))
            all[resource] = all.GetValueOrDefault(resource) + count;
        foreach (var (resource, count) in init) all[resource] = Math.Max(all.GetValueOrDefault(resource), count);
        return [.. all.Select(a => Hints(a.Key, a.Value, [.. plugins.Of(pod.Metadata.Uid).Where(g => g.Resource == a.Key).SelectMany(g => g.Devices.Keys)], []))];
    }

    ResourceHints Hints(string resource, int count, ImmutableHashSet<string> has, ImmutableSortedSet<string> reusable)
    {
        var devices = plugins.Kinds.Find(resource)?.Devices ?? DeviceKind.None;
        if (!devices.Any(d => !d.Value.Nodes.IsEmpty)) return new(resource, null);
        if (!has.IsEmpty) return new(resource, has.Count == count ? Choices(devices, has, ImmutableHashSet<string>.Empty, count) : []);
        var available = plugins.Free(resource);
        return new(resource, available.Union(reusable).Count < count ? [] : Choices(devices, available, reusable, count));
    }

    ImmutableArray<TopologyHint> Choices(ImmutableSortedDictionary<string, KnownDevice> devices, IReadOnlySet<string> available, IReadOnlySet<string> reusable, int count)
    {
        int[] nodes = [.. machine.Nodes.Select(n => n.Id)];
        int fewest = nodes.Length;
        List<NumaMask> able = [];
        foreach (var mask in NumaMask.Choices(nodes))
        {
            bool Near(string id) => devices.TryGetValue(id, out var device) && device.Nodes.Any(n => mask.Has((int)n));
            if (mask.Count < fewest && devices.Keys.Count(Near) >= count) fewest = mask.Count;
            var placed = reusable.Where(id => devices.TryGetValue(id, out var device) && !device.Nodes.IsEmpty).ToArray();
            if (placed.All(Near) && placed.Length + available.Count(Near) >= count) able.Add(mask);
        }
        return [.. able.Select(mask => new TopologyHint(mask, mask.Count == fewest))];
    }

    public Task AllocateAsync(Pod pod, Container container, TopologyHint hint, CancellationToken ct) => plugins.AllocateAsync(pod, container, hint.Nodes, ct);

    public void Release(string podUid) => plugins.Release(podUid);
}
