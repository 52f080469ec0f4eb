using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Store;

namespace Hanbae.Server.Registry;

/// <summary>All served resources: the built-in ones of the versions that are served by default.</summary>
public sealed class ResourceCatalog : IAsyncDisposable
{
    readonly Dictionary<(string Group, string Version, string Resource), Resource> _resources = [];
    readonly Dictionary<GroupResource, StoredResource> _stored = [];

    /// <param name="rest">What answers in the place of plain storage.</param>
    internal ResourceCatalog(IStore store, ServerOptions options, IEnumerable<RestRoute> rest)
    {
        var admission = new AdmissionChain(options.Admission);
        var handlers = rest.ToLookup(r => (r.Group, r.Resource));
        foreach (var group in ApiData.Groups)
            foreach (string version in group.Default)
                foreach (var info in Resources.Of(new GroupVersion(group.Name, version)))
                {
                    var kind = Catalog.StorageKind(info.Gvr.GroupResource, info.Kind);
                    var key = Catalog.StoredAs(info.Gvr.GroupResource);
                    if (!_stored.TryGetValue(key, out var stored))
                        _stored[key] = stored = new(key, kind, info.Namespaced, options.Strategy(kind), store, admission, options.SoleWriter, options.Time, options.Logger);
                    var own = new Dictionary<string, IRestHandler>();
                    foreach (var route in handlers[(info.Gvr.Group, info.Gvr.Resource)]) own.TryAdd(route.Subresource, route.Handler);
                    _resources[(info.Gvr.Group, info.Gvr.Version, info.Gvr.Resource)] = new(info, stored, options.Table(info.Kind), own);
                }
    }

    public IReadOnlyCollection<Resource> All => _resources.Values;

    /// <summary>Whether there is any resource of that group and version.</summary>
    public bool Serves(string group, string version) => _resources.Keys.Any(k => k.Item1 == group && k.Item2 == version);

    public Resource? Find(string group, string version, string resource) => _resources.GetValueOrDefault((group, version, resource));

    /// <summary>What is stored under a group and resource, whatever the version.</summary>
    public StoredResource? Stored(GroupResource resource) => _stored.GetValueOrDefault(Catalog.StoredAs(resource));

    public IReadOnlyCollection<StoredResource> AllStored => _stored.Values;

    public async ValueTask DisposeAsync()
    {
        foreach (var stored in _stored.Values) await stored.DisposeAsync().ConfigureAwait(false);
    }
}
