using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>Remembers what the node has granted each Pod of cpu and memory, and what of that is in force, while the spec may ask for something else (KEP-1287).</summary>
/// <remarks>
/// Kept in the Pod's own folder, as a Pod: what is granted is its spec, what is in force its status. So it survives the kubelet and goes with
/// the Pod. In memory: one entry per Pod of the node.
/// </remarks>
sealed class Allocations(PodFolders folders)
{
    readonly ConcurrentDictionary<string, Pod> _entries = new();

    /// <summary>Held while it is decided whether a Pod's new wishes can be granted beside all others'.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The Pod with what it was granted in place of what it asks for; as it is when nothing was granted yet.</summary>
    public Pod Of(Pod pod)
    {
        if (Entry(pod.Metadata.Uid) is not { } entry) return pod;
        Container Granted(Container c) => entry.Spec.Find(c.Name) is { } g && g.Resources != c.Resources && IsResizable(pod, c) ? c with { Resources = g.Resources } : c;
        var (containers, inits) = (pod.Spec.Containers.Select(Granted).ToSeq(), pod.Spec.InitContainers.Select(Granted).ToSeq());
        return containers == pod.Spec.Containers && inits == pod.Spec.InitContainers && entry.Spec.Resources == pod.Spec.Resources ? pod
            : pod with { Spec = pod.Spec with { Containers = containers, InitContainers = inits, Resources = entry.Spec.Resources } };
    }

    public bool Knows(string uid) => Entry(uid) is not null;

    /// <summary>Grants what the Pod asks for.</summary>
    /// <exception cref="IOException"/>
    public void Grant(Pod pod)
    {
        static Container Bare(Container c) => new() { Name = c.Name, Resources = c.Resources, RestartPolicy = c.RestartPolicy };
        var before = Entry(pod.Metadata.Uid);
        Keep(new()
        {
            Metadata = new() { Uid = pod.Metadata.Uid, Name = pod.Metadata.Name, Namespace = pod.Metadata.Namespace },
            Spec = new() { Containers = pod.Spec.Containers.Select(Bare).ToSeq(), InitContainers = pod.Spec.InitContainers.Select(Bare).ToSeq(), Resources = pod.Spec.Resources },
            Status = before?.Status ?? new() { Resources = pod.Spec.Resources },
        });
    }

    /// <summary>What the Pod as a whole runs with (KEP-5419); null when nothing was said of it.</summary>
    public ResourceRequirements? WholeInForce(string uid) => Entry(uid)?.Status.Resources;

    /// <exception cref="IOException"/>
    public void PutWholeInForce(Pod pod)
    {
        if (Entry(pod.Metadata.Uid) is { } entry && entry.Status.Resources != pod.Spec.Resources) Keep(entry with { Status = entry.Status with { Resources = pod.Spec.Resources } });
    }

    /// <summary>What a container runs with; null when nobody knows.</summary>
    public ResourceRequirements? InForce(string uid, string container) =>
        Entry(uid)?.Status.ContainerStatuses.Find(s => s.Name == container)?.Resources;

    /// <exception cref="IOException"/>
    public void PutInForce(Pod pod, string container, ResourceRequirements resources)
    {
        if (Entry(pod.Metadata.Uid) is not { } entry || InForce(pod.Metadata.Uid, container) == resources) return;
        var others = entry.Status.ContainerStatuses.Where(s => s.Name != container);
        Keep(entry with { Status = entry.Status with { ContainerStatuses = others.Append(new() { Name = container, Resources = resources }).ToSeq() } });
    }

    public void Forget(string uid) => _entries.TryRemove(uid, out _);

    /// <summary>App containers and sidecars; plain init containers run once with what they were given.</summary>
    public static bool IsResizable(Pod pod, Container container) => container.IsSidecar() || pod.Spec.Containers.Exists(c => c.Name == container.Name);

    Pod? Entry(string uid)
    {
        if (_entries.TryGetValue(uid, out var entry)) return entry;
        string path = PathOf(uid);
        if (!File.Exists(path)) return null;
        try { return _entries.GetOrAdd(uid, (Pod)Pod.Info.Decode(File.ReadAllBytes(path))); }
        catch (Exception e) when (e is IOException or FormatException or InvalidDataException) { return null; } // then what runs counts as granted
    }

    void Keep(Pod entry)
    {
        string path = PathOf(entry.Metadata.Uid);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path + "~", Pod.Info.ToJson(entry));
        File.Move(path + "~", path, overwrite: true);
        _entries[entry.Metadata.Uid] = entry;
    }

    string PathOf(string uid) => Path.Combine(folders.Pod(uid), "allocation.json");
}
