using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apidiscovery.V2;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Discovery;

/// <summary>Everything a set of groups is discovered by, each document rendered when first asked for and kept.</summary>
/// <param name="groups">Core (the group without a name) stands under <c>/api</c>, all others under <c>/apis</c>.</param>
/// <param name="serverAddress">Host and port that clients reach this server by.</param>
public sealed class DiscoveryDocuments(ImmutableArray<ServedGroup> groups, string serverAddress)
{
    // Bounded by the paths that there are.
    readonly System.Collections.Concurrent.ConcurrentDictionary<(string Path, string Form), Document?> _rendered = new();

    /// <summary>The document at a path such as <c>/apis/apps/v1</c>, or null when there is none.</summary>
    public Document? Plain(string path)
    {
        var key = (path, "");
        if (_rendered.TryGetValue(key, out var document)) return document;
        document = Render(path.Trim('/').Split('/'));
        if (document is not null) _rendered[key] = document;
        return document;
    }

    /// <summary>All groups, versions and resources below <c>/api</c> or <c>/apis</c> in one answer.</summary>
    /// <param name="version">Of <c>apidiscovery.k8s.io</c>: v2, or v2beta1, which has the same form.</param>
    public Document Aggregated(bool core, string version) =>
        _rendered.GetOrAdd((core ? "/api" : "/apis", version), key => List(groups.Where(g => g.Name.Length == 0 == core), key.Form))!;

    Document? Render(string[] parts) => parts switch
    {
        ["api"] => Document.Of(new APIVersions
        {
            Versions = [.. groups.Where(g => g.Name.Length == 0).SelectMany(g => g.Versions).Select(v => v.Version)],
            ServerAddressByClientCIDRs = [new() { ClientCIDR = "0.0.0.0/0", ServerAddress = serverAddress }],
        }, apiVersion: false),
        ["api", var version] => Find("", version) is { } v ? Document.Of(List("", v), apiVersion: false) : null,
        ["apis"] => Document.Of(new APIGroupList { Groups = [.. groups.Where(g => g.Name.Length > 0).Select(Group)] }),
        ["apis", { Length: > 0 } name] => groups.FirstOrDefault(g => g.Name == name) is { } group ? Document.Of(Group(group)) : null,
        ["apis", { Length: > 0 } name, var version] => Find(name, version) is { } v ? Document.Of(List(name, v)) : null,
        _ => null,
    };

    ServedVersion? Find(string group, string version) => groups.FirstOrDefault(g => g.Name == group)?.Versions.FirstOrDefault(v => v.Version == version);

    static APIGroup Group(ServedGroup group)
    {
        Seq<GroupVersionForDiscovery> versions =
            [.. group.Versions.Select(v => new GroupVersionForDiscovery { GroupVersion = new Api.GroupVersion(group.Name, v.Version).ToString(), Version = v.Version })];
        return new() { Name = group.Name, Versions = versions, PreferredVersion = versions[0] };
    }

    static APIResourceList List(string group, ServedVersion version) =>
        new() { GroupVersion = new Api.GroupVersion(group, version.Version).ToString(), Resources = version.Resources.IsNil ? [] : version.Resources };

    static Document List(IEnumerable<ServedGroup> groups, string version)
    {
        APIGroupDiscovery[] items = [.. groups.Select(AggregatedForm.Of)];
        string apiVersion = "apidiscovery.k8s.io/" + version;
        var writer = new JsonWriter(64 << 10);
        try
        {
            writer.Raw("{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":"u8);
            writer.String(apiVersion);
            writer.Raw(",\"metadata\":{},\"items\":"u8);
            writer.Messages<APIGroupDiscovery>([.. items]);
            writer.Raw("}\n"u8);
            return new(writer.ToArray(), () => AggregatedForm.Protobuf(items, apiVersion));
        }
        finally { writer.Dispose(); }
    }
}
