using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Patch;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Apply;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Verbs;

/// <summary>The patch verb: reads the patch once, applies it to what is stored as often as somebody else comes first.</summary>
static class Patches
{
    static readonly string[] s_types = [MediaTypes.JsonPatch, MediaTypes.MergePatch, MediaTypes.StrategicPatch, MediaTypes.ApplyPatch];

    public static async ValueTask<Reply> PatchAsync(RequestContext request, Resource resource, CancellationToken ct)
    {
        if (ApplyPatch.Is(request)) return await ApplyPatch.HandleAsync(request, resource, ct).ConfigureAwait(false);
        var apply = await ReadAsync(request, resource.Info.Kind.Schema, ct).ConfigureAwait(false);
        // The account of who owns what is the largest part of many objects: a patch that does not name it need not read it.
        bool ofFields = (await request.ReadBodyAsync(ct).ConfigureAwait(false)).Span.IndexOf("managedFields"u8) >= 0;
        var options = new PatchOptions { FieldManager = request.Parameter("fieldManager") ?? "" };
        var write = Writes.TrackedOf(request, resource, options);
        var (item, _) = await resource.Stored.UpdateAsync(write, stored =>
        {
            var old = Registry.Convert.To(ofFields ? stored! : FieldTracking.With(stored!, default), resource.Info.Kind);
            var obj = (IObject)Apply(request, resource.Info.Kind, old, apply);
            Writes.CheckName(obj, request, resource);
            return Writes.Stored(resource, obj);
        }, unconditional: true, ct).ConfigureAwait(false);
        return new ItemReply(200, resource, resource.View(item));
    }

    /// <summary>The object with the patch applied and read again, with field validation.</summary>
    public static IKind Apply(RequestContext request, Api.Schema.KindInfo kind, IKind old, Func<byte[], ReadOnlyMemory<byte>> apply)
    {
        try
        {
            return Body.FromJson(request, apply(kind.ToJson(old)).Span, kind);
        }
        catch (PatchException e) when (e.Fault == PatchFault.Unprocessable)
        {
            throw new StatusException(Statuses.Failure(422, "Invalid", "the server rejected our request due to an error in our request", new()
            {
                Causes = [new() { Message = e.Message }],
            }));
        }
    }

    /// <summary>The body as a function from document to document.</summary>
    /// <exception cref="StatusException">415 for what is no patch that this server knows, 400 for a malformed one.</exception>
    public static async ValueTask<Func<byte[], ReadOnlyMemory<byte>>> ReadAsync(RequestContext request, Api.Schema.TypeSchema schema, CancellationToken ct)
    {
        string type = Body.MediaType(request.Header("Content-Type"));
        if (!s_types.Contains(type) || type == MediaTypes.ApplyPatch) throw Statuses.UnsupportedMediaType(s_types);
        if (request.Parameter("force") is not null)
            throw Statuses.Invalid(new("meta.k8s.io", "v1", "PatchOptions"), "", [FieldError.Forbidden("force", "may not be specified for non-apply patch")]);
        var body = await request.ReadBodyAsync(ct).ConfigureAwait(false);
        JsonValue patch;
        try { patch = JsonValue.Parse(body.Span); }
        catch (JsonSyntaxException e) { throw Statuses.BadRequest(type == MediaTypes.JsonPatch ? "error decoding patch: " + e.Message : "error decoding patch: " + e.Message); }
        switch (type)
        {
            case MediaTypes.JsonPatch:
                var operations = JsonPatch.Parse(patch);
                if (operations.Operations.Length > 10_000) throw Statuses.TooLarge(10_000);
                return document => JsonPrinter.ToUtf8(operations.Apply(JsonValue.Parse(document)));
            case MediaTypes.MergePatch:
                if (patch is not JsonObject changes) throw Statuses.BadRequest("error decoding patch: json: cannot unmarshal " + Named(patch) + " into Go value of type map[string]interface {}");
                return document => MergePatch.Apply(document, changes);
            default:
                if (patch is not JsonObject change) throw Statuses.BadRequest("error decoding patch: json: cannot unmarshal " + Named(patch) + " into Go value of type map[string]interface {}");
                return document => JsonPrinter.ToUtf8(StrategicMerge.Apply((JsonObject)JsonValue.Parse(document), change, schema));
        }
    }

    static string Named(JsonValue value) => value.Kind.ToString().ToLowerInvariant();
}
