using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Client;

/// <summary>Lets objects that came over the wire have the parts in common that are alike in many: an informer then holds them once.</summary>
/// <remarks>
/// Pods of one template differ by little: name, node, token volume and status. Objects are immutable, so that nobody can tell. The tables
/// are direct-mapped: a miss replaces, a race loses a share, never a value. Bound: <see cref="Size"/> parts of each sort.
/// </remarks>
static class Sharing
{
    const int Size = 1024;

    static class Table<T>
    {
        public static readonly T?[] Slots = new T?[Size];
    }

    public static List<IObject> Of(List<IObject> items)
    {
        if (items.Count > 1) for (int i = 0; i < items.Count; i++) items[i] = Of(items[i]);
        return items;
    }

    public static IObject Of(IObject obj) => obj is Pod pod ? pod with { Metadata = Of(pod.Metadata), Spec = Of(pod.Spec, HashOf(pod.Metadata.GenerateName)) } : obj.WithMetadata(Of(obj.Metadata));

    static ObjectMeta Of(ObjectMeta meta) => meta with
    {
        Labels = Known(meta.Labels), Annotations = Known(meta.Annotations), Finalizers = Known(meta.Finalizers, meta.Finalizers.Count),
        OwnerReferences = meta.OwnerReferences.IsEmpty ? meta.OwnerReferences : Known(meta.OwnerReferences, HashOf(meta.OwnerReferences[0].Uid)),
        ManagedFields = Each(meta.ManagedFields, static e => Known(e, HashOf(e.Manager) ^ HashOf(e.Subresource) ^ e.Time.GetHashCode())!),
    };

    /// <param name="hash">Of the name of what the Pod was made by.</param>
    static PodSpec Of(PodSpec spec, int hash) => spec with
    {
        Containers = Each(spec.Containers, Of), InitContainers = Each(spec.InitContainers, Of), Volumes = Each(spec.Volumes, Of), Tolerations = Known(spec.Tolerations, hash),
        NodeSelector = Known(spec.NodeSelector), Affinity = Known(spec.Affinity, hash), SecurityContext = Known(spec.SecurityContext, hash), ImagePullSecrets = Known(spec.ImagePullSecrets, hash),
        TopologySpreadConstraints = Known(spec.TopologySpreadConstraints, hash),
    };

    /// <summary>Part by part, and then whole: the name of the token's volume is each Pod's own, and with it the mounts.</summary>
    static Container Of(Container c)
    {
        int hash = HashOf(c.Name) ^ HashOf(c.Image);
        return Known(c with
        {
            Command = Known(c.Command, hash), Args = Known(c.Args, hash + 1), Env = Known(c.Env, hash), EnvFrom = Known(c.EnvFrom, hash), Ports = Known(c.Ports, hash), Resources = Known(c.Resources, hash)!,
            LivenessProbe = Known(c.LivenessProbe, hash), ReadinessProbe = Known(c.ReadinessProbe, hash + 1), StartupProbe = Known(c.StartupProbe, hash + 2), Lifecycle = Known(c.Lifecycle, hash),
            SecurityContext = Known(c.SecurityContext, hash),
        }, hash)!;
    }

    static Volume Of(Volume v)
    {
        var shared = v with { Projected = Known(v.Projected, 0), EmptyDir = Known(v.EmptyDir, 0), ConfigMap = Known(v.ConfigMap, HashOf(v.ConfigMap?.Name)), Secret = Known(v.Secret, HashOf(v.Secret?.SecretName)) };
        return Known(shared, HashOf(v.Name))!;
    }

    static Seq<T> Each<T>(Seq<T> list, Func<T, T> each)
    {
        if (list.IsEmpty) return list;
        T[] items = new T[list.Count];
        for (int i = 0; i < items.Length; i++) items[i] = each(list[i]);
        return [.. items];
    }

    static int HashOf(string? text) => text is null ? 0 : string.GetHashCode(text, StringComparison.Ordinal);

    static Map<string> Known(Map<string> map)
    {
        int hash = map.Count;
        foreach (var (key, value) in map) hash = hash * 31 + HashOf(value) ^ key.Length;
        return map.IsEmpty ? map : Slot(map, hash);
    }

    static Seq<T> Known<T>(Seq<T> list, int hash) => list.IsEmpty ? list : Slot(list, hash ^ list.Count);

    static T? Known<T>(T? part, int hash) where T : class => part is null ? null : Slot(part, hash);

    /// <param name="hash">Cheap, and of what distinguishes: parts of one hash take each other's place.</param>
    static T Slot<T>(T part, int hash) where T : notnull
    {
        ref T? slot = ref Table<T>.Slots[(uint)hash * 0x9E3779B1u >> 22];
        if (slot is { } seen && EqualityComparer<T>.Default.Equals(seen, part)) return seen;
        slot = part;
        return part;
    }
}
