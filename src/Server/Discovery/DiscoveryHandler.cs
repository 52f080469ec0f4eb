using System.Collections.Immutable;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.Discovery;

/// <summary>Tells clients what there is: <c>/api</c>, <c>/apis</c> and the groups and versions below them.</summary>
/// <param name="more">Groups besides the built-in ones, of CustomResourceDefinitions and APIServices; the same array until they change.</param>
/// <param name="serverAddress">Host and port that clients reach this server by.</param>
/// <param name="legacy">Versions that upstream no longer has are shown behind those that it has.</param>
public sealed class DiscoveryHandler(Func<ImmutableArray<ServedGroup>> more, string serverAddress, bool legacy = false)
{
    sealed record Rendered(ImmutableArray<ServedGroup> More, DiscoveryDocuments Documents);

    Rendered? _rendered;

    public ImmutableArray<PathRoute> Routes => [new("/api", false, Answer), new("/api/", true, Answer), new("/apis", false, Answer), new("/apis/", true, Answer)];

    /// <summary>The documents of now: made anew when the groups are others than before.</summary>
    DiscoveryDocuments Documents
    {
        get
        {
            var now = more();
            if (_rendered is { } kept && kept.More == now) return kept.Documents;
            var made = new Rendered(now, new(ServedGroup.Join(legacy ? ServedGroup.Join(ServedGroup.BuiltIn, Registry.LegacyApis.Groups) : ServedGroup.BuiltIn, now), serverAddress));
            _rendered = made;
            return made.Documents;
        }
    }

    ValueTask<Reply> Answer(RequestContext request)
    {
        string path = request.Path.TrimEnd('/');
        if (Documents.Plain(path) is not { } plain)
        {
            // What is below a group that is built in answers as an API, as upstream; anything else is nobody's.
            if (path.StartsWith("/api/", StringComparison.Ordinal) || (path.Split('/') is [_, "apis", var group, ..] && ServedGroup.BuiltIn.Any(g => g.Name == group))) throw Statuses.NoSuchResource();
            return new(Reply.Text("404 page not found\n", 404));
        }
        if (request.Method is not ("GET" or "HEAD")) throw Statuses.MethodNotAllowed();
        bool root = path is "/api" or "/apis";
        if (root && DiscoveryAccept.Of(request.Header("Accept")) is { } aggregated)
        {
            var document = Documents.Aggregated(path == "/api", aggregated.Version);
            request.ReplyHeaders.Add(new("Cache-Control", "public"));
            return new(TaggedReply.Of(request, aggregated.ContentType, document.ETag, () => aggregated.Protobuf ? document.Protobuf : document.Json));
        }
        if (root) request.ReplyHeaders.Add(new("Vary", "Accept"));
        var output = Negotiation.Of(request, shapes: false);
        var body = output.Format == Format.Protobuf ? plain.Protobuf : output == Output.Json ? plain.Json : Encoder.Finish(output, plain.Json.Span[..^1]);
        return new(Reply.Bytes(output.ContentType, body));
    }
}
