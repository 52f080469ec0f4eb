using System.Collections.Immutable;
using Hanbae.Api.Rest;
using Hanbae.Server.Discovery;
using Hanbae.Server.Errors;

namespace Hanbae.Server.OpenApi;

/// <summary>Describes every path and type: <c>/openapi/v2</c> in one piece, <c>/openapi/v3</c> by group and version.</summary>
/// <param name="more">What CustomResourceDefinitions and APIServices add; the same array until they change.</param>
/// <param name="legacy">Whether versions that upstream has given up are served.</param>
/// <param name="besides">Resources that are served by paths and no storage.</param>
public sealed class OpenApiHandler(Func<ImmutableArray<OpenApiPart>> more, bool legacy = false, params ImmutableArray<ResourceInfo> besides)
{
    readonly DescribedVersions _own = DescribedVersions.Of(legacy, besides);
    const string Json = "application/json", V2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    // Clients of before 1.16 write it with an @ and no plus.
    static readonly string[] s_v2Protobuf = [V2Protobuf, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"];

    sealed record Rendered(ImmutableArray<OpenApiPart> More, OpenApiDocuments Documents);

    Rendered? _rendered;

    public ImmutableArray<PathRoute> Routes =>
        [new("/openapi/v2", false, V2), new("/openapi/v3", false, Index), new("/openapi/v3/", true, V3)];

    OpenApiDocuments Documents
    {
        get
        {
            var now = more();
            if (_rendered is { } kept && kept.More == now) return kept.Documents;
            var made = new Rendered(now, new(_own, now));
            _rendered = made;
            return made.Documents;
        }
    }

    ValueTask<Reply> V2(RequestContext request)
    {
        Reading(request);
        foreach (string clause in request.Header("Accept").Split(',', StringSplitOptions.TrimEntries))
        {
            string type = clause.Split(';')[0].Trim();
            if (s_v2Protobuf.Contains(type)) return new(Answer(request, V2Protobuf, Documents.V2Protobuf));
            if (type is "" or Json or "application/*" or "*/*") return new(Answer(request, Json, Documents.V2Json));
        }
        throw Statuses.NotAcceptable([Json, .. s_v2Protobuf]);
    }

    ValueTask<Reply> Index(RequestContext request)
    {
        Reading(request);
        return new(Answer(request, Json, Documents.Index));
    }

    ValueTask<Reply> V3(RequestContext request)
    {
        Reading(request);
        string path = request.Path["/openapi/v3/".Length..].TrimEnd('/');
        if (path.Length == 0) return Index(request);
        if (Documents.V3(path) is not { } document) return new(Reply.Text("404 page not found\n", 404));
        if (!request.Header("Accept").Split(',').Select(c => c.Split(';')[0].Trim()).Any(t => t is "" or Json or "application/*" or "*/*")) throw Statuses.NotAcceptable([Json]);
        if (request.Parameter("hash") is { Length: > 0 } hash)
        {
            // Upstream's contract: what a right hash names may be kept for good, a wrong one is sent on to the right one.
            if (hash != document.Hash)
            {
                request.ReplyHeaders.Add(new("Location", $"/openapi/v3/{path}?hash={document.Hash}"));
                return new(Reply.Bytes(Json, default, 301));
            }
            request.ReplyHeaders.Add(new("Cache-Control", "public, immutable"));
            request.ReplyHeaders.Add(new("Expires", "Fri, 31 Dec 2100 23:59:59 GMT"));
        }
        return new(Answer(request, Json, document));
    }

    static void Reading(RequestContext request)
    {
        if (request.Method is not ("GET" or "HEAD")) throw Statuses.MethodNotAllowed();
    }

    static Reply Answer(RequestContext request, string type, KeptDocument document) =>
        TaggedReply.Of(request, type, '"' + document.Hash + '"', () => document.Content(), () => document.Gzip);
}
