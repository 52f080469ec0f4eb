using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Hanbae.Api;

namespace Hanbae.Server.OpenApi;

/// <summary>The documents of what is built in and of what others add, each rendered at the first request for it.</summary>
sealed class OpenApiDocuments(DescribedVersions own, ImmutableArray<OpenApiPart> more)
{
    readonly ConcurrentDictionary<GroupVersion, Lazy<KeptDocument>> _v3 = new();
    readonly Lazy<(KeptDocument Json, KeptDocument Protobuf)> _v2 = new(() => RenderV2(own, more));
    readonly Lock _index = new();
    KeptDocument? _rendered;

    public KeptDocument V2Json => _v2.Value.Json;
    /// <summary>gnostic's <c>openapi.v2.Document</c>, which kubectl asks for.</summary>
    public KeptDocument V2Protobuf => _v2.Value.Protobuf;

    static (KeptDocument, KeptDocument) RenderV2(DescribedVersions own, ImmutableArray<OpenApiPart> more)
    {
        GroupVersion[] all = [.. own.All, .. more.Select(p => p.Version)];
        byte[] json = OpenApiDocument.V2(own.All.SelectMany(own.Resources), all, more);
        return (KeptDocument.Of(json), KeptDocument.Of(GnosticDocument.Of(json)));
    }

    /// <param name="path">As below <c>/openapi/v3/</c>: <c>api/v1</c> or <c>apis/apps/v1</c>.</param>
    public KeptDocument? V3(string path) => path.Split('/') switch
    {
        ["api", var version] => V3(new GroupVersion("", version)),
        ["apis", var group, var version] => V3(new GroupVersion(group, version)),
        _ => null,
    };

    KeptDocument? V3(GroupVersion version)
    {
        foreach (var part in more)
            if (part.Version == version) return _v3.GetOrAdd(version, _ => new(() => KeptDocument.Of(part.V3()))).Value;
        return own.All.Contains(version) ? own.V3(version) : null;
    }

    /// <summary>Where each group and version is described, with the hash that lets clients keep it for good.</summary>
    public KeptDocument Index
    {
        get
        {
            lock (_index) return _rendered ??= RenderIndex();
        }
    }

    KeptDocument RenderIndex()
    {
        using var to = new MemoryStream();
        using (var json = new Utf8JsonWriter(to))
        {
            json.WriteStartObject();
            json.WriteStartObject("paths");
            foreach (var version in own.All.Concat(more.Select(p => p.Version)).Distinct())
            {
                string path = Path(version);
                json.WriteStartObject(path);
                json.WriteString("serverRelativeURL", $"/openapi/v3/{path}?hash={V3(version)!.Hash}");
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return KeptDocument.Of(to.ToArray());
    }

    static string Path(GroupVersion version) => version.Group.Length == 0 ? "api/" + version.Version : $"apis/{version.Group}/{version.Version}";
}
