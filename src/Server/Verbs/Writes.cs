using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Apply;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Verbs;

/// <summary>Create, update and delete of plain storage: what a body must say, and what is answered.</summary>
static class Writes
{
    public static WriteRequest RequestOf(RequestContext request, Resource resource)
    {
        var info = request.Info;
        return new()
        {
            Resource = resource.Info, Namespace = resource.Info.Namespaced ? info.Namespace : "", Name = info.Name, Subresource = info.Subresource, Verb = ApplyPatch.Is(request) ? "apply" : info.Verb,
            Asked = new(request.Parameter("fieldManager") ?? "", request.Parameter("fieldValidation") ?? ""), DryRun = IsDryRun(request),
            User = request.User, Warnings = request.Warnings, Audit = request.AuditAnnotations, MayCreate = request.MayAlso is { } may ? () => may("create") : null,
            Left = request.Left,
        };
    }

    /// <summary>A write whose fields the client comes to own.</summary>
    /// <exception cref="StatusException">The field manager's name is none.</exception>
    public static WriteRequest TrackedOf(RequestContext request, Resource resource) =>
        RequestOf(request, resource) with { Fields = new(WriterNames.Of(request), resource.Info.Kind, request.Info.Subresource) };

    static bool IsDryRun(RequestContext request)
    {
        bool dry = false;
        foreach (var (name, value) in request.Query)
            if (name == "dryRun")
                dry = value == "All" ? true : throw Statuses.Invalid(new("meta.k8s.io", "v1", WriterNames.OptionsOf(request)), "", [FieldError.NotSupported("dryRun", value, "All")]);
        return dry;
    }

    public static async ValueTask<Reply> CreateAsync(RequestContext request, Resource resource, CancellationToken ct)
    {
        var body = await request.ReadObjectAsync(resource.Info.Kind, ct).ConfigureAwait(false) as IObject ?? throw NoBody(resource);
        string ns = resource.Info.Namespaced ? request.Info.Namespace : "";
        if (resource.Info.Namespaced && ns.Length == 0) throw Statuses.BadRequest("an empty namespace may not be set during creation");
        CheckNamespace(body, ns, resource);
        body = OwnerReferences.Once(body, request.Warnings, admitted: false);
        var item = await resource.Stored.CreateAsync(TrackedOf(request, resource), Stored(resource, body), ct).ConfigureAwait(false);
        return new ItemReply(201, resource, resource.View(item));
    }

    public static async ValueTask<Reply> UpdateAsync(RequestContext request, Resource resource, CancellationToken ct)
    {
        var body = await request.ReadObjectAsync(resource.Info.Kind, ct).ConfigureAwait(false) as IObject ?? throw NoBody(resource);
        CheckName(body, request, resource);
        body = OwnerReferences.Once(body, request.Warnings, admitted: false);
        var stored = Stored(resource, body);
        var (item, created) = await resource.Stored.UpdateAsync(TrackedOf(request, resource), _ => stored, unconditional: false, ct).ConfigureAwait(false);
        return new ItemReply(created ? 201 : 200, resource, resource.View(item));
    }

    /// <summary>In the stored version, with defaults.</summary>
    public static IObject Stored(Resource resource, IObject body)
    {
        var (strategy, kind) = (resource.Stored.Strategy, resource.Stored.Kind);
        if (strategy.ValidateServed(body) is { Count: > 0 } errors) throw Statuses.Invalid(kind.Gvk, body.Metadata.Name, errors);
        return strategy.Default(Registry.Convert.To(body, kind));
    }

    static StatusException NoBody(Resource resource) =>
        Statuses.BadRequest($"the object provided is unrecognized (must be of type {resource.Info.Kind.Kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)");

    /// <summary>The body's name is the path's, or missing.</summary>
    public static void CheckName(IObject body, RequestContext request, Resource resource)
    {
        string name = body.Metadata.Name;
        if (name.Length == 0) throw Statuses.BadRequest("name must be provided");
        if (name != request.Info.Name) throw Statuses.BadRequest($"the name of the object ({name}) does not match the name on the URL ({request.Info.Name})");
        if (resource.Info.Namespaced) CheckNamespace(body, request.Info.Namespace, resource);
    }

    static void CheckNamespace(IObject body, string ns, Resource resource)
    {
        string given = body.Metadata.Namespace;
        if (given.Length > 0 && given != ns)
            throw Statuses.BadRequest(resource.Info.Namespaced ? "the namespace of the provided object does not match the namespace sent on the request"
                : "the namespace of the object (" + given + ") does not match the namespace on the request ()");
    }

    public static async ValueTask<DeleteOptions> ReadOptionsAsync(RequestContext request, CancellationToken ct)
    {
        if (await request.ReadObjectAsync(DeleteOptions.Info, ct).ConfigureAwait(false) is DeleteOptions body)
        {
            foreach (string dry in body.DryRun)
                if (dry != "All") throw Statuses.Invalid(DeleteOptions.Info.Gvk, "", [FieldError.NotSupported("dryRun", dry, "All")]);
            return body;
        }
        var options = DeleteOptions.Empty;
        foreach (var (name, value) in request.Query)
            options = name switch
            {
                "gracePeriodSeconds" => options with
                {
                    GracePeriodSeconds = long.TryParse(value, out long seconds)
                        ? seconds
                        : throw Statuses.BadRequest($"strconv.ParseInt: parsing {FieldError.Quoted(value)}: invalid syntax"),
                },
                "orphanDependents" => options with { OrphanDependents = RequestInfo.IsTrue(value) },
                "dryRun" => options with { DryRun = options.DryRun.Add(value) },
                "propagationPolicy" => options with { PropagationPolicy = value },
                "ignoreStoreReadErrorWithClusterBreakingPotential" => options with { IgnoreStoreReadErrorWithClusterBreakingPotential = RequestInfo.IsTrue(value) },
                _ => options,
            };
        return options;
    }

    public static async ValueTask<Reply> DeleteAsync(RequestContext request, Resource resource, CancellationToken ct)
    {
        var options = await ReadOptionsAsync(request, ct).ConfigureAwait(false);
        var write = RequestOf(request, resource);
        if (!options.DryRun.IsEmpty) write = write with { DryRun = true };
        if (options.IgnoreStoreReadErrorWithClusterBreakingPotential == true)
        {
            if (request.MayAlso is { } may) await may("unsafe-delete-ignore-read-errors").ConfigureAwait(false);
            await resource.Stored.DeleteUnreadableAsync(write, options, ct).ConfigureAwait(false);
            return Reply.Object(new Status { StatusValue = "Success", Details = new() { Name = request.Info.Name, Group = resource.Info.Gvr.Group, Kind = resource.Info.Gvr.Resource } });
        }
        var (item, gone) = await resource.Stored.DeleteAsync(write, options, ct).ConfigureAwait(false);
        // Upstream's one case of 202: asked to take dependents along, and not yet done.
        int code = !gone && options.OrphanDependents == false ? 202 : 200;
        if (!gone || Catalog.ReturnsDeleted(resource.Info.Gvr.GroupResource)) return new ItemReply(code, resource, resource.View(item));
        var gvr = resource.Info.Gvr;
        return Reply.Object(new Status
        {
            StatusValue = "Success", Details = new() { Name = request.Info.Name, Group = gvr.Group, Kind = gvr.Resource, Uid = item.Object.Metadata.Uid },
        }, code);
    }

    public static ValueTask<Reply> DeleteCollectionAsync(RequestContext request, Resource resource, CancellationToken ct) =>
        DeleteCollectionAsync(request, resource, token => Reads.ListAsync(resource, ListTerms.Of(request, resource, watch: false), token), ct);

    /// <param name="list">Says what is to go.</param>
    public static async ValueTask<Reply> DeleteCollectionAsync(RequestContext request, Resource resource, Func<CancellationToken, ValueTask<Listing>> list, CancellationToken ct)
    {
        var listing = await list(ct).ConfigureAwait(false);
        var options = await ReadOptionsAsync(request, ct).ConfigureAwait(false);
        var write = RequestOf(request, resource);
        if (!options.DryRun.IsEmpty) write = write with { DryRun = true };
        foreach (var item in listing.Items)
            try { await resource.Stored.DeleteAsync(write with { Namespace = item.Namespace.ToString(), Name = item.Name.ToString() }, options, ct).ConfigureAwait(false); }
            catch (StatusException e) when (e.Reason == "NotFound") { } // gone meanwhile, as wished
        // As upstream: the list that was gone by, with its way to the next page.
        return new ListReply(resource, listing);
    }
}
