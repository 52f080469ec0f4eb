using System.Collections.Immutable;
using System.Net;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Client;

/// <summary>What a server serves, custom resources included: for controllers that deal with every kind there is.</summary>
/// <param name="All">Every version of every resource; a group's preferred version first.</param>
public sealed record ServerResources(ImmutableArray<ResourceInfo> All)
{
    const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

    /// <summary>Versions of groups whose own server did not say what it has (KEP-3352: stale): there may be more of them than <see cref="All"/> has.</summary>
    public ImmutableArray<GroupVersion> Stale { get; init; } = [];

    /// <summary>What is built in, for servers that do not tell.</summary>
    public static ServerResources BuiltIn { get; } =
        new([.. from g in ApiData.Groups from v in g.Default.OrderBy(v => v == g.Preferred ? 0 : 1) from r in Resources.Of(new GroupVersion(g.Name, v)) select r]);

    /// <summary>Each resource once, in the version that its group prefers.</summary>
    public ImmutableArray<ResourceInfo> Preferred { get; } = [.. All.DistinctBy(r => r.Gvr.GroupResource)];

    /// <summary>Where objects of that kind are, or null when it is no resource here.</summary>
    public ResourceInfo? Of(GroupVersionKind kind) => All.FirstOrDefault(r => r.Kind.Gvk == kind);

    /// <summary>The resource that people call so: plural, singular, kind or short name, with or without <c>.group</c>; null when there is none.</summary>
    public ResourceInfo? Find(string name)
    {
        int dot = name.IndexOf('.');
        string group = dot < 0 ? "" : name[(dot + 1)..], word = dot < 0 ? name : name[..dot];
        return Preferred.FirstOrDefault(r => (dot < 0 || r.Gvr.Group == group)
            && (r.Gvr.Resource == word || r.Singular == word || r.ShortNames.Contains(word) || r.Kind.Kind.Equals(word, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>Asks the server (KEP-3352, one answer for all groups).</summary>
    /// <exception cref="ApiException">It failed to answer.</exception>
    public static async Task<ServerResources> DiscoverAsync(IApiTransport transport, CancellationToken ct)
    {
        var found = ImmutableArray.CreateBuilder<ResourceInfo>();
        var stale = ImmutableArray.CreateBuilder<GroupVersion>();
        foreach (string path in (string[])["/api", "/apis"])
        {
            var result = await transport.SendAsync(new() { Method = "GET", Path = path, Accept = Aggregated }, ct);
            // A server without discovery has what is built in, at most.
            if (result.Code == (int)HttpStatusCode.NotFound || result.Code < 300 && result.Body.IsEmpty) return BuiltIn;
            if (result.Code >= 300) throw new ApiException(Answers.StatusOf(result));
            Read(result.Body.Span, found, stale);
        }
        return new(found.DrainToImmutable()) { Stale = stale.DrainToImmutable() };
    }

    static void Read(ReadOnlySpan<byte> body, ImmutableArray<ResourceInfo>.Builder to, ImmutableArray<GroupVersion>.Builder stale)
    {
        var groups = (JsonValue.Parse(body) as JsonObject)?["items"] as JsonArray ?? JsonArray.Empty;
        foreach (var group in groups.OfType<JsonObject>())
        {
            string name = ((group["metadata"] as JsonObject)?["name"]).Text();
            foreach (var version in Items(group["versions"]))
            {
                var gv = new GroupVersion(name, version["version"].Text());
                if (version["freshness"].Text() == "Stale") stale.Add(gv);
                foreach (var resource in Items(version["resources"]))
                    if (Resource(gv, resource) is { } info) to.Add(info);
            }
        }
    }

    static ResourceInfo? Resource(GroupVersion gv, JsonObject resource)
    {
        if (resource["responseKind"] is not JsonObject kind || kind["kind"].Text() is not { Length: > 0 } kindName) return null;
        // The group and version of the path stand as empty texts.
        var gvk = new GroupVersionKind(kind["group"].Text() is { Length: > 0 } g ? g : gv.Group, kind["version"].Text() is { Length: > 0 } v ? v : gv.Version, kindName);
        return new()
        {
            Gvr = gv.Resource(resource["resource"].Text()), Kind = ApiData.Kind(gvk) ?? new UnstructuredKind(gvk), Singular = resource["singularResource"].Text(),
            Namespaced = resource["scope"].Text() == "Namespaced", Verbs = [.. Texts(resource["verbs"])], ShortNames = [.. Texts(resource["shortNames"])], Categories = [.. Texts(resource["categories"])],
        };
    }

    static IEnumerable<JsonObject> Items(JsonValue? list) => (list as JsonArray ?? JsonArray.Empty).OfType<JsonObject>();
    static IEnumerable<string> Texts(JsonValue? list) => (list as JsonArray ?? JsonArray.Empty).OfType<JsonString>().Select(s => s.Value);
}
