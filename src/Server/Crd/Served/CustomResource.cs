using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd.Definition;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Crd.Served;

/// <summary>A definition put to use: one storage, and a view of it for each served version.</summary>
sealed class CustomResource : IAsyncDisposable
{
    static readonly ImmutableArray<string> s_verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        s_endingVerbs = ["delete", "deletecollection", "get", "list", "watch"], s_subVerbs = ["get", "patch", "update"];

    CustomResource(string name, byte[] print, DefinitionSource source, StoredResource stored, ImmutableArray<Resource> resources) =>
        (Name, _print, Source, Stored, Resources) = (name, print, source, stored, resources);

    readonly byte[] _print;

    /// <summary>Of the definition.</summary>
    public string Name { get; }
    public DefinitionSource Source { get; }
    public StoredResource Stored { get; }
    /// <summary>One for each served version, the preferred one first.</summary>
    public ImmutableArray<Resource> Resources { get; }

    /// <summary>Whether it is what that definition asks for.</summary>
    public bool Fits(CustomResourceDefinition crd) => _print.AsSpan().SequenceEqual(PrintOf(crd));

    /// <summary>Changes with everything that serving depends on; conditions come and go without.</summary>
    static byte[] PrintOf(CustomResourceDefinition crd)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(CustomResourceDefinition.Info.ToJson(new CustomResourceDefinition { Spec = crd.Spec, Status = new() { AcceptedNames = crd.Status.AcceptedNames } }));
        hash.AppendData(Encoding.ASCII.GetBytes(crd.Metadata.Uid + (crd.Metadata.DeletionTimestamp is null ? "" : "-")));
        return hash.GetHashAndReset();
    }

    /// <param name="item">The definition.</param>
    /// <param name="store">Makes the storage of a resource.</param>
    public static CustomResource Of(Item item, Func<GroupResource, KindInfo, bool, IStrategy, StoredResource> store)
    {
        var crd = (CustomResourceDefinition)item.Object;
        var (spec, names) = (crd.Spec, crd.Status.AcceptedNames);
        bool namespaced = spec.Scope == "Namespaced", ending = crd.Metadata.DeletionTimestamp is not null;
        var source = new DefinitionSource(item);
        var kinds = spec.Versions.ToDictionary(v => v.Name, v => new CustomKind(spec.Group, v with { Schema = null }, names, source));
        var stored = kinds[spec.Versions.Find(v => v.Storage)!.Name];
        var storage = store(new(spec.Group, names.Plural), stored, namespaced, new CustomStrategy(stored, kinds));
        var served = kinds.Values.Where(k => k.Version.Served).OrderBy(k => k.Gvk.Version, VersionOrder.Instance).ToArray();
        var resources = ImmutableArray.CreateBuilder<Resource>();
        foreach (var kind in served)
        {
            var table = new CustomTable(kind.Version);
            var handlers = new Dictionary<string, IRestHandler>();
            Resource? resource = null;
            if (kind.Version.Subresources?.Scale is { } scale) handlers["scale"] = new CustomScale(scale, () => resource!);
            resource = new(Info(kind, names, namespaced, ending, table, stored.Gvk), storage, table, handlers) { Custom = new(kind, ending) };
            resources.Add(resource);
        }
        return new(item.Key, PrintOf(crd), source, storage, resources.DrainToImmutable());
    }

    static ResourceInfo Info(CustomKind kind, CustomResourceDefinitionNames names, bool namespaced, bool ending, CustomTable table, GroupVersionKind stored)
    {
        var subresources = ImmutableArray.CreateBuilder<ApiSubresource>();
        if (kind.HasStatus) subresources.Add(new("status", kind.Kind, s_subVerbs));
        if (kind.Version.Subresources?.Scale is not null) subresources.Add(new("scale", "autoscaling/v1.Scale", s_subVerbs));
        return new()
        {
            Gvr = kind.Gvk.GroupVersion.Resource(names.Plural), Kind = kind, Singular = names.Singular, Namespaced = namespaced, Verbs = ending ? s_endingVerbs : s_verbs,
            ShortNames = [.. names.ShortNames], Categories = [.. names.Categories], Subresources = subresources.DrainToImmutable(), Columns = table.Columns,
            // Upstream's: the first bytes of a hash of what is stored.
            StorageHash = System.Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{stored.Group}/{stored.Version}/{stored.Kind}")).AsSpan(0, 8)),
        };
    }

    public ValueTask DisposeAsync() => Stored.DisposeAsync();
}

/// <summary>What sets a custom resource's version apart from a built-in one while requests are answered.</summary>
/// <param name="Ending">Its definition is being deleted: nothing new comes in.</param>
sealed record CustomVersion(CustomKind Kind, bool Ending)
{
    /// <summary>What clients are told at every request, or null.</summary>
    public string? Warning { get; } = !Kind.Version.Deprecated ? null : Kind.Version.DeprecationWarning ?? $"{Kind.Gvk.Group}/{Kind.Gvk.Version} {Kind.Kind} is deprecated";
}
