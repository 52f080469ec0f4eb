using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd.Conversion;
using Hanbae.Server.Crd.Definition;
using Hanbae.Server.Discovery;
using Hanbae.Server.Registry;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Crd.Served;

/// <summary>A definition put to use: one storage, and a view of it for each served version.</summary>
sealed class CustomResource : IAsyncDisposable
{
    static readonly ImmutableArray<string> s_verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"], s_subVerbs = ["get", "patch", "update"];

    CustomResource(string name, byte[] print, ConversionWebhook? webhook, DefinitionSource source, StoredResource stored, ImmutableArray<Resource> resources) =>
        (Name, _print, _webhook, Source, Stored, Resources) = (name, print, webhook, source, stored, resources);

    readonly byte[] _print;
    readonly ConversionWebhook? _webhook;

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
    /// <param name="resolve">Finds conversion webhooks that are Services.</param>
    public static CustomResource Of(Item item, Func<GroupResource, KindInfo, bool, IStrategy, StoredResource> store, ServiceBackends backends)
    {
        var crd = (CustomResourceDefinition)item.Object;
        var (spec, names) = (crd.Spec, crd.Status.AcceptedNames);
        bool namespaced = spec.Scope == "Namespaced", ending = crd.Metadata.DeletionTimestamp is not null;
        var source = new DefinitionSource(item);
        var kinds = spec.Versions.ToDictionary(v => v.Name, v => new CustomKind(spec.Group, v with { Schema = null }, names, source));
        var stored = kinds[spec.Versions.Find(v => v.Storage)!.Name];
        var webhook = spec.Conversion is { Strategy: "Webhook", Webhook: { } conversion } ? new ConversionWebhook(conversion, backends) : null;
        var storage = store(new(spec.Group, names.Plural), stored, namespaced, new CustomStrategy(stored, kinds, webhook));
        var served = kinds.Values.Where(k => k.Version.Served).OrderBy(k => k.Gvk.Version, VersionOrder.Instance).ToArray();
        var resources = ImmutableArray.CreateBuilder<Resource>();
        foreach (var kind in served)
        {
            var table = new CustomTable(kind.Version);
            var handlers = new Dictionary<string, IRestHandler>();
            Resource? resource = null;
            if (kind.Version.Subresources?.Scale is { } scale) handlers["scale"] = new CustomScale(scale, () => resource!);
            var info = Info(kind, names, namespaced, table, stored.Gvk);
            var inStore = webhook is null || kind == stored ? null : new Resource(info with { Kind = stored }, storage, null, handlers);
            resource = new(info, storage, table, handlers) { Custom = new(kind, ending, self => inStore is null ? null : new ConvertedVerbs(self, inStore, webhook!)) };
            resources.Add(resource);
        }
        return new(item.Key, PrintOf(crd), webhook, source, storage, resources.DrainToImmutable());
    }

    static ResourceInfo Info(CustomKind kind, CustomResourceDefinitionNames names, bool namespaced, CustomTable table, GroupVersionKind stored)
    {
        var subresources = ImmutableArray.CreateBuilder<ApiSubresource>();
        if (kind.HasStatus) subresources.Add(new("status", kind.Kind, s_subVerbs));
        if (kind.Version.Subresources?.Scale is not null) subresources.Add(new("scale", "autoscaling/v1.Scale", s_subVerbs));
        return new()
        {
            Gvr = kind.Gvk.GroupVersion.Resource(names.Plural), Kind = kind, Singular = names.Singular, Namespaced = namespaced, Verbs = s_verbs,
            ShortNames = [.. names.ShortNames], Categories = [.. names.Categories], Subresources = subresources.DrainToImmutable(), Columns = table.Columns,
            // Upstream's: the first bytes of a hash of what is stored.
            StorageHash = System.Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{stored.Group}/{stored.Version}/{stored.Kind}")).AsSpan(0, 8)),
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Stored.DisposeAsync().ConfigureAwait(false);
        _webhook?.Dispose();
    }
}

/// <summary>What sets a custom resource's version apart from a built-in one while requests are answered.</summary>
/// <param name="Ending">Its definition is being deleted: nothing new comes in.</param>
sealed record CustomVersion(CustomKind Kind, bool Ending, Func<Resource, ConvertedVerbs?> Conversion)
{
    ConvertedVerbs? _verbs;

    /// <summary>What answers for this version instead of plain storage: null unless a webhook converts it.</summary>
    public ConvertedVerbs? Verbs(Resource resource) => _verbs ??= Conversion(resource);

    /// <summary>What clients are told at every request, or null.</summary>
    public string? Warning { get; } = !Kind.Version.Deprecated ? null : Kind.Version.DeprecationWarning ?? $"{Kind.Gvk.Group}/{Kind.Gvk.Version} {Kind.Kind} is deprecated";
}
