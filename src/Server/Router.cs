using System.Collections.Immutable;
using Hanbae.Server.Crd.Served;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.History;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;

namespace Hanbae.Server;

/// <summary>The end of the chain: finds who answers a path and verb.</summary>
sealed class Router
{
    readonly ResourceCatalog _resources;
    readonly Task _ready;
    readonly ServerOptions _options;
    readonly Dictionary<string, Handler> _paths;
    readonly ImmutableArray<PathRoute> _below;

    /// <param name="ready">Done when what is not among the resources is not there, rather than not there yet.</param>
    /// <param name="paths">The first of a path has it, and the longest of those that answer for what is below them.</param>
    public Router(ResourceCatalog resources, Task ready, ServerOptions options, ImmutableArray<PathRoute> paths)
    {
        (_resources, _ready, _options) = (resources, ready, options);
        _paths = [];
        foreach (var route in paths)
            if (!route.Below) _paths.TryAdd(route.Path, route.Handler);
        _below = [.. paths.Where(r => r.Below).OrderByDescending(r => r.Path.Length)];
    }

    public ValueTask<Reply> RouteAsync(RequestContext request)
    {
        var info = request.Info;
        if (!info.IsResourceRequest) return PathAsync(request);
        if (_resources.Find(info.ApiGroup, info.ApiVersion, info.Resource) is not { } resource) return _ready.IsCompleted ? PathAsync(request) : LaterAsync(request);
        if (resource.Custom is { } custom) Custom(request, custom);
        if (resource.Info.Deprecation.Length > 0) request.Warnings.Add(resource.Info.Deprecation);
        if (resource.Handlers.TryGetValue(info.Subresource, out var handler))
        {
            request.Output = Negotiation.Of(request, handler.Shapes);
            if (handler is Auth.OnlyCreate)
                request.Admit = (obj, ct) => resource.Stored.AdmitAsync(Writes.RequestOf(request, resource), Admission.Operation.Create, obj, null, ct);
            return handler.HandleAsync(request, request.Aborted);
        }
        return info.Subresource.Length == 0 ? ResourceAsync(request, resource) : SubresourceAsync(request, resource);
    }

    /// <summary>Right after a start: definitions that are stored may not be served yet.</summary>
    async ValueTask<Reply> LaterAsync(RequestContext request)
    {
        await _ready.WaitAsync(request.Aborted).ConfigureAwait(false);
        return await RouteAsync(request).ConfigureAwait(false);
    }

    /// <summary>What upstream does to requests for custom resources before it looks at them.</summary>
    static void Custom(RequestContext request, CustomVersion custom)
    {
        if (custom.Warning is { } warning) request.Warnings.Add(warning);
        if (custom.Ending && request.Info.Verb == "create") throw Statuses.MethodNotAllowed($"{request.Info.Verb} not allowed while custom resource definition is terminating");
        // There is nothing that would say how lists of objects merge strategically.
        if (request.Info.Verb == "patch" && Body.MediaType(request.Header("Content-Type")) == MediaTypes.StrategicPatch)
            throw Statuses.UnsupportedMediaType([MediaTypes.JsonPatch, MediaTypes.MergePatch, MediaTypes.ApplyPatch, MediaTypes.ApplyPatch.Replace("yaml", "cbor", StringComparison.Ordinal)]);
    }

    ValueTask<Reply> ResourceAsync(RequestContext request, Resource resource)
    {
        var info = request.Info;
        var ct = request.Aborted;
        bool named = info.Name.Length > 0;
        bool fits = info.Verb switch { "create" => !named, "update" or "patch" => named, _ => true };
        if (!fits || !resource.Info.Verbs.Contains(info.Verb)) throw Statuses.MethodNotAllowed();
        // Of another scope: a namespace in the path of what has none, or the other way round.
        if (!resource.Info.Namespaced && info.Namespace.Length > 0 && info.Resource != "namespaces") return PathAsync(request);
        if (resource.Info.Namespaced && named && info.Namespace.Length == 0) return PathAsync(request);

        request.Output = Negotiation.Of(request, shapes: true, objects: resource.Custom is null, streams: info.Verb == "watch");
        if (resource.Custom?.Verbs(resource) is { } converted) return converted.HandleAsync(request, _options, ct);
        return info.Verb switch
        {
            "get" => GetAsync(request, resource, ct),
            "list" => ListAsync(request, resource, ct),
            "watch" => Watches.WatchAsync(resource, ListTerms.Of(request, resource, watch: true), _options, ct),
            "create" => Writes.CreateAsync(request, resource, ct),
            "update" => Writes.UpdateAsync(request, resource, ct),
            "patch" => Patches.PatchAsync(request, resource, ct),
            "delete" => Writes.DeleteAsync(request, resource, ct),
            _ => Writes.DeleteCollectionAsync(request, resource, ct),
        };
    }

    static async ValueTask<Reply> GetAsync(RequestContext request, Resource resource, CancellationToken ct) =>
        new ItemReply(200, resource, await Reads.GetAsync(request, resource, ct).ConfigureAwait(false));

    static async ValueTask<Reply> ListAsync(RequestContext request, Resource resource, CancellationToken ct) =>
        new ListReply(resource, await Reads.ListAsync(resource, ListTerms.Of(request, resource, watch: false), ct).ConfigureAwait(false));

    /// <summary>Subresources that are views of the object itself: status and its like.</summary>
    ValueTask<Reply> SubresourceAsync(RequestContext request, Resource resource)
    {
        var info = request.Info;
        foreach (var sub in resource.Info.Subresources)
            if (sub.Name == info.Subresource)
            {
                if (!sub.Verbs.Contains(info.Verb)) throw Statuses.MethodNotAllowed();
                request.Output = Negotiation.Of(request, shapes: true, objects: resource.Custom is null);
                if (resource.Custom?.Verbs(resource) is { } converted) return converted.HandleAsync(request, _options, request.Aborted);
                switch (info.Verb)
                {
                    case "get": return GetAsync(request, resource, request.Aborted);
                    case "update": return Writes.UpdateAsync(request, resource, request.Aborted);
                    case "patch": return Patches.PatchAsync(request, resource, request.Aborted);
                    default: throw Statuses.MethodNotAllowed();
                }
            }
        if (info.Subresource == HistoryEndpoint.Subresource && _options.History is { } history) return HistoryEndpoint.GetAsync(history, resource, info, request.Aborted);
        return PathAsync(request);
    }

    ValueTask<Reply> PathAsync(RequestContext request)
    {
        if (_paths.TryGetValue(request.Path, out var handler)) return handler(request);
        // Below a version that is served the answer is a Status, as below a group that is built in, whatever the version; where nothing is served it is plain, as upstream.
        if (request.Info is { IsResourceRequest: true } info && (_resources.HasGroup(info.ApiGroup) || _resources.Serves(info.ApiGroup, info.ApiVersion))) throw Statuses.NoSuchResource();
        foreach (var route in _below)
            if (request.Path.StartsWith(route.Path, StringComparison.Ordinal)) return route.Handler(request);
        return new(new BytesReply(404, "text/plain; charset=utf-8", "404 page not found\n"u8.ToArray()));
    }
}
