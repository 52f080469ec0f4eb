using Hanbae.Api;
using Hanbae.Api.Codec;
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
    const int MostOperations = 10_000;
    static readonly string[] s_types = [MediaTypes.JsonPatch, MediaTypes.MergePatch, MediaTypes.StrategicPatch, MediaTypes.ApplyPatch];

    public static async ValueTask<Reply> PatchAsync(RequestContext request, Resource resource, CancellationToken ct)
    {
        if (ApplyPatch.Is(request)) return await ApplyPatch.HandleAsync(request, resource, ct).ConfigureAwait(false);
        var patch = await ReadAsync(request, resource.Info.Kind.Schema, ct).ConfigureAwait(false);
        // The account of who owns what is the largest part of many objects: a patch that does not name it need not read it.
        bool ofFields = (await request.ReadBodyAsync(ct).ConfigureAwait(false)).Span.IndexOf("managedFields"u8) >= 0;
        var write = Writes.TrackedOf(request, resource);
        var (item, _) = await resource.Stored.UpdateAsync(write, stored =>
        {
            var old = Registry.Convert.To(ofFields ? stored! : FieldTracking.With(stored!, default), resource.Info.Kind);
            var obj = (IObject)Apply(request, resource.Info.Kind, old, patch);
            Writes.CheckName(obj, request, resource);
            return Writes.Stored(resource, obj);
        }, unconditional: true, ct).ConfigureAwait(false);
        return new ItemReply(200, resource, resource.View(item));
    }

    /// <summary>The object with the patch applied and read again, with field validation.</summary>
    public static IKind Apply(RequestContext request, Api.Schema.KindInfo kind, IKind old, Patch patch)
    {
        var json = patch.Apply(kind.ToJson(old));
        return Body.FromJson(request, json.Span, kind, (why, strict) => patch.Refused(kind, json, strict ? "strict decoding error: " + why : why, strict), patch.Faults, isMade: true);
    }

    /// <summary>A patch that was read, and what it makes of a document.</summary>
    /// <param name="Change">What was sent, when it is a strategic merge.</param>
    /// <param name="Faults">What stands in the patch twice, or in its operations besides what belongs there.</param>
    public sealed record Patch(Func<byte[], ReadOnlyMemory<byte>> Apply, JsonObject? Change = null, StrictFaults? Faults = null)
    {
        /// <summary>
        /// As upstream: that the outcome is no such object is told of the patch as a whole, shown as Go shows what it decoded, or of the patched
        /// document when that was decoded from JSON again.
        /// </summary>
        internal StatusException Refused(Api.Schema.KindInfo kind, ReadOnlyMemory<byte> json, string why, bool strict) => Statuses.Invalid(new("", "", ""), "",
        [
            FieldError.Invalid("patch", Change is null ? System.Text.Encoding.UTF8.GetString(json.Span) : GoTexts.Of(Change),
                Change is null || strict || kind is UnstructuredKind ? why : GoConversion.Error(JsonValue.Parse(json.Span), kind.Schema) ?? why),
        ]);
    }

    /// <summary>The body as a function from document to document.</summary>
    /// <exception cref="StatusException">415 for what is no patch that this server knows, 400 for a malformed one.</exception>
    public static async ValueTask<Patch> ReadAsync(RequestContext request, Api.Schema.TypeSchema schema, CancellationToken ct)
    {
        string type = Body.MediaType(request.Header("Content-Type"));
        if (!s_types.Contains(type) || type == MediaTypes.ApplyPatch) throw Statuses.UnsupportedMediaType(s_types);
        if (request.Parameter("force") is not null)
            throw Statuses.Invalid(new("meta.k8s.io", "v1", "PatchOptions"), "", [FieldError.Forbidden("force", "may not be specified for non-apply patch")]);
        var body = await request.ReadBodyAsync(ct).ConfigureAwait(false);
        JsonValue patch;
        var twice = new List<string>();
        try { patch = JsonParser.Parse(body.Span, twice); }
        catch (JsonSyntaxException e) { throw Statuses.BadRequest("error decoding patch: " + e.Message); }
        switch (type)
        {
            case MediaTypes.JsonPatch:
                var operations = JsonPatch.Parse(patch);
                if (operations.Operations.Length > MostOperations)
                    throw Statuses.TooLarge($"The allowed maximum operations in a JSON patch is {MostOperations}, got {operations.Operations.Length}");
                return new(document => JsonPrinter.ToUtf8(operations.Apply(JsonValue.Parse(document))), Faults: FaultsOf([.. StrictFields.AsRead(body.Span, Unknown(body.Span), "json patch ")]));
            case MediaTypes.MergePatch:
                if (patch is not JsonObject changes) throw Statuses.BadRequest("error decoding patch: json: cannot unmarshal " + Named(patch) + " into Go value of type map[string]interface {}");
                return new(document => MergePatch.Apply(document, changes), Faults: FaultsOf(Duplicates(twice)));
            default:
                if (patch is not JsonObject change) throw Statuses.BadRequest("error decoding patch: json: cannot unmarshal " + Named(patch) + " into Go value of type map[string]interface {}");
                return new(document => StrategicMerge.Apply(document, change, schema), change, FaultsOf(Duplicates(twice)));
        }
    }

    static StrictFaults? FaultsOf(string[] found) => found.Length == 0 ? null : new(found, found);

    static string[] Duplicates(List<string> paths) => [.. paths.Select(p => $"duplicate field \"{p}\"")];

    /// <summary>Of operations, what no operation has.</summary>
    static List<int> Unknown(ReadOnlySpan<byte> patch)
    {
        var found = new List<int>();
        var reader = new JsonReader(patch);
        if (reader.Next == '[' && reader.Array(out _))
            do
                if (reader.Next != '{') reader.Skip();
                else if (reader.Object())
                    do
                    {
                        var name = reader.Name();
                        if (!name.SequenceEqual("op"u8) && !name.SequenceEqual("path"u8) && !name.SequenceEqual("from"u8) && !name.SequenceEqual("value"u8)) found.Add(reader.Position);
                        reader.Skip();
                    } while (reader.NextMember());
            while (reader.NextItem());
        return found;
    }

    static string Named(JsonValue value) => value.Kind.ToString().ToLowerInvariant();
}
