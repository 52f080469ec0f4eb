using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Admission;
using Hanbae.Server.Crd.Served;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Store;

namespace Hanbae.Server.Registry;

/// <summary>All served resources: the built-in ones of the versions that are served by default, those of old if wanted, and what CustomResourceDefinitions add.</summary>
/// <remarks>Readers see one snapshot or the next and never wait; there is one writer, which swaps them.</remarks>
public sealed class ResourceCatalog : IAsyncDisposable
{
    sealed record Snapshot(Dictionary<(string Group, string Version, string Resource), Resource> Resources, Dictionary<GroupResource, StoredResource> Stored, HashSet<(string, string)> Versions,
        ImmutableArray<CustomResource> Custom, CustomDiscovery Discovery);

    readonly IStore _store;
    readonly ServerOptions _options;
    readonly AdmissionChain _admission;
    readonly Snapshot _builtIn;
    readonly HashSet<string> _groups;
    volatile Snapshot _now;

    /// <param name="rest">What answers in the place of plain storage.</param>
    internal ResourceCatalog(IStore store, ServerOptions options, IEnumerable<RestRoute> rest)
    {
        (_store, _options, _admission) = (store, options, new(options.Admission));
        var handlers = rest.ToLookup(r => (r.Group, r.Resource));
        Dictionary<(string, string, string), Resource> resources = [];
        Dictionary<GroupResource, StoredResource> stored = [];
        foreach (var group in ApiData.Groups)
            foreach (var info in LegacyApis.Served(group, options.LegacyApis, options.MoreServed))
            {
                var kind = Catalog.StorageKind(info.Gvr.GroupResource, info.Kind);
                var key = Catalog.StoredAs(info.Gvr.GroupResource);
                if (!stored.TryGetValue(key, out var storage)) stored[key] = storage = Store(key, kind, info.Namespaced, options.Strategy(kind));
                var own = new Dictionary<string, IRestHandler>();
                foreach (var route in handlers[(info.Gvr.Group, info.Gvr.Resource)]) own.TryAdd(route.Subresource, route.Handler);
                resources[(info.Gvr.Group, info.Gvr.Version, info.Gvr.Resource)] = new(info, storage, options.Table(info.Kind), own);
            }
        foreach (var served in resources.Values.GroupBy(r => r.Stored)) served.Key.Served = [.. served.Select(r => r.Info)];
        _now = _builtIn = new(resources, stored, VersionsOf(resources), [], CustomDiscovery.None);
        _groups = [.. resources.Keys.Select(k => k.Item1)];
    }

    StoredResource Store(GroupResource resource, KindInfo kind, bool namespaced, IStrategy strategy) =>
        new(resource, kind, namespaced, strategy, _store, _admission, _options.SoleWriter, _options.Time, _options.Logger, _options.History);

    static HashSet<(string, string)> VersionsOf(Dictionary<(string Group, string Version, string Resource), Resource> resources) => [.. resources.Keys.Select(k => (k.Group, k.Version))];

    internal AdmissionChain Admission => _admission;

    public IReadOnlyCollection<Resource> All => _now.Resources.Values;

    /// <summary>Whether there is any resource of that group and version.</summary>
    public bool Serves(string group, string version) => _now.Versions.Contains((group, version));

    /// <summary>Whether the group is among the built-in ones that are served.</summary>
    public bool HasGroup(string group) => _groups.Contains(group);

    public Resource? Find(string group, string version, string resource) => _now.Resources.GetValueOrDefault((group, version, resource));

    /// <summary>What is stored under a group and resource, whatever the version.</summary>
    public StoredResource? Stored(GroupResource resource) => _now.Stored.GetValueOrDefault(Catalog.StoredAs(resource));

    public IReadOnlyCollection<StoredResource> AllStored => _now.Stored.Values;

    /// <summary>Groups of CustomResourceDefinitions as clients discover them; the same array until they change.</summary>
    public ImmutableArray<ServedGroup> CustomGroups => _now.Discovery.Groups;

    /// <summary>How custom resources are described; the same array until they change.</summary>
    public ImmutableArray<OpenApiPart> CustomOpenApi => _now.Discovery.OpenApi;

    internal ImmutableArray<CustomResource> Custom => _now.Custom;

    /// <summary>Makes a custom resource over this catalog's store; it is served once it is among those of <see cref="Serve"/>.</summary>
    internal CustomResource Make(Cache.Item definition) => CustomResource.Of(definition, Store, new Backends.ServiceBackends(Stored));

    /// <summary>From now on these are the custom resources that there are. The caller disposes of those that were and are no more.</summary>
    internal void Serve(ImmutableArray<CustomResource> custom)
    {
        var resources = new Dictionary<(string, string, string), Resource>(_builtIn.Resources);
        var stored = new Dictionary<GroupResource, StoredResource>(_builtIn.Stored);
        var told = ImmutableArray.CreateBuilder<CustomResource>(custom.Length);
        foreach (var one in custom)
        {
            // As upstream: nobody takes the place of what is built in.
            if (!stored.TryAdd(one.Stored.Resource, one.Stored)) continue;
            told.Add(one);
            foreach (var resource in one.Resources) resources.TryAdd((resource.Info.Gvr.Group, resource.Info.Gvr.Version, resource.Info.Gvr.Resource), resource);
        }
        _now = new(resources, stored, VersionsOf(resources), custom, CustomDiscovery.Of(told.DrainToImmutable(), _now.Discovery));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var stored in _now.Stored.Values) await stored.DisposeAsync().ConfigureAwait(false);
    }
}
