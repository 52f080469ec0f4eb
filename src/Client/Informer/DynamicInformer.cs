using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Microsoft.Extensions.Logging;

namespace Hanbae.Client;

/// <summary>An informer of a resource whose type is learned at run time; its objects are trees.</summary>
public sealed class DynamicInformer(
    IApiTransport transport, ResourceInfo resource, ListQuery query, TimeProvider time, WatchOptions? options = null, ILogger? logger = null, Func<Unstructured, Unstructured>? transform = null)
{
    readonly SharedCache<Unstructured> _cache = new(logger, transform) { IsWhole = query is { Namespace: "", LabelSelector: "", FieldSelector: "" } };

    /// <summary>What it keeps.</summary>
    public ICache<Unstructured> Cache => _cache;

    /// <summary>Until cancelled; reconnects by itself.</summary>
    public Task RunAsync(CancellationToken ct)
    {
        var shape = resource.AsTree();
        var reflector = new Reflector(new JsonOnly(transport), shape, query, time, options, logger);
        // On the pool's threads, whatever context the caller has.
        return Task.Run(() => reflector.RunAsync(e => _cache.Apply(e.Object is { } obj ? e with { Object = Answers.To(obj, shape.Kind) } : e), ct), CancellationToken.None);
    }

    /// <summary>Trees have no protobuf form.</summary>
    sealed class JsonOnly(IApiTransport inner) : IApiTransport
    {
        public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct) => inner.SendAsync(request.InJson(), ct);
        public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => inner.WatchAsync(request.InJson(), ct);
        public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => inner.StreamAsync(request, ct);
    }
}

static class Trees
{
    /// <summary>The resource, its objects to be read as trees.</summary>
    public static ResourceInfo AsTree(this ResourceInfo resource) => resource.Kind is UnstructuredKind ? resource : resource with { Kind = new UnstructuredKind(resource.Kind.Gvk) };

    /// <summary>Asks for JSON from a server elsewhere; in the process objects come as they are, whatever is asked for.</summary>
    public static ApiRequest InJson(this ApiRequest request) => request.Accept.Length > 0 ? request : request with { Accept = Decoding.Json };

    public static Unstructured Tree(this KindInfo kind, IKind obj) => (Unstructured)Answers.To(obj, kind);
}
