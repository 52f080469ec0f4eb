using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd;
using Hanbae.Server.Crd.Served;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>In which groups and versions one resource is served, and objects of it in each: what <c>matchPolicy: Equivalent</c> goes by.</summary>
sealed class ResourceVersions(ServedObjects objects)
{
    /// <summary>All that the resource is served as, and of what kind it is there.</summary>
    public IEnumerable<(GroupVersionResource Gvr, KindInfo Kind)> Of(GroupResource resource)
    {
        if (objects.Stored(resource) is not { } stored) return [];
        if (stored.Strategy is not CustomStrategy custom) return stored.Served.Select(s => (s.Gvr, s.Kind));
        return custom.Versions.Values.Where(k => k.Version.Served).Select(k => (new GroupVersionResource(resource.Group, k.Gvk.Version, resource.Resource), (KindInfo)k));
    }

    /// <summary>The kind of a resource's objects; null when it is not served.</summary>
    public KindInfo? KindOf(GroupVersionResource resource)
    {
        foreach (var (gvr, kind) in Of(resource.GroupResource)) if (gvr == resource) return kind;
        return null;
    }

    /// <summary>Whether it is an object of the resource itself, rather than what a subresource is asked with.</summary>
    public bool IsOf(GroupResource resource, IKind obj) => objects.Stored(resource)?.Kind is { } stored && stored.Gvk == obj.Kind().Gvk;

    /// <exception cref="Errors.StatusException">A conversion webhook failed.</exception>
    public async ValueTask<IObject> ConvertAsync(GroupResource resource, IObject obj, KindInfo to, CancellationToken ct) =>
        obj.Kind() == to ? obj
        : obj is Unstructured custom && to is CustomKind kind && objects.Stored(resource)?.Strategy is CustomStrategy strategy ? await strategy.ConvertAsync(custom, kind, ct).ConfigureAwait(false)
        : Registry.Convert.To(obj, to);

    /// <summary>In the stored version and defaulted, as storage wants it.</summary>
    public async ValueTask<IObject> StoredAsync(GroupResource resource, IObject obj, CancellationToken ct)
    {
        var stored = objects.Stored(resource)!;
        return stored.Strategy.Default(await ConvertAsync(resource, obj, stored.Kind, ct).ConfigureAwait(false));
    }

    /// <summary>Where objects of a kind are; null when it is not served.</summary>
    public async ValueTask<(StoredResource Stored, KindInfo Kind)?> FindAsync(GroupVersionKind kind, CancellationToken ct)
    {
        if (ApiData.Kind(kind) is not null)
        {
            foreach (var info in Resources.Of(kind.GroupVersion))
                if (info.Kind.Gvk == kind) return objects.Stored(info.Gvr.GroupResource) is { } stored ? (stored, info.Kind) : null;
            return null;
        }
        foreach (var crd in await objects.ListAsync<Hanbae.Api.Apiextensions.V1.CustomResourceDefinition>("", ct).ConfigureAwait(false))
            if (crd.Spec.Group == kind.Group && crd.Status.AcceptedNames.Kind == kind.Kind && objects.Stored(new(kind.Group, crd.Status.AcceptedNames.Plural)) is { Strategy: CustomStrategy custom } stored
                && custom.Versions.TryGetValue(kind.Version, out var served) && served.Version.Served)
                return (stored, served);
        return null;
    }
}
