using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Apply;
using Hanbae.Machinery.Validate;
using Hanbae.Machinery.Yaml;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.Apply;

/// <summary>Server-side apply: the body of <c>application/apply-patch+yaml</c>, and what it makes of the live object.</summary>
sealed class ApplyPatch
{
    readonly JsonObject _applied;
    readonly string _manager;
    readonly bool _force;
    readonly TimeProvider _time;

    ApplyPatch(JsonObject applied, string manager, bool force, TimeProvider time) => (_applied, _manager, _force, _time) = (applied, manager, force, time);

    public static bool Is(RequestContext request) => Body.MediaType(request.Header("Content-Type")) == MediaTypes.ApplyPatch;

    public JsonObject Applied => _applied;

    /// <exception cref="StatusException">422 without a field manager, 400 for what is no YAML.</exception>
    public static async ValueTask<ApplyPatch> ReadAsync(RequestContext request, TimeProvider time, CancellationToken ct)
    {
        string manager = request.Parameter("fieldManager") ?? "";
        List<FieldError> errors = manager.Length == 0 ? [FieldError.Required("fieldManager", "is required for apply patch")] : WriterNames.Wrong(manager);
        string validation = request.Parameter("fieldValidation") ?? "Warn";
        if (validation is not ("Strict" or "Warn" or "Ignore" or "")) errors.Add(FieldError.NotSupported("fieldValidation", validation, "", "Ignore", "Strict", "Warn"));
        if (errors.Count > 0) throw Statuses.Invalid(new("meta.k8s.io", "v1", "PatchOptions"), "", errors);
        var body = await request.ReadBodyAsync(ct).ConfigureAwait(false);
        return new(Read(request, body, validation), manager, RequestInfo.IsTrue(request.Parameter("force")), time);
    }

    static JsonObject Read(RequestContext request, ReadOnlyMemory<byte> body, string validation)
    {
        var duplicates = new List<string>();
        JsonValue value;
        // client-go sends JSON, which is YAML too, and much the faster read.
        try { value = body.Span.TrimStart(" \r\n\t"u8) is [(byte)'{', ..] ? JsonParser.Parse(body.Span, duplicates) : ReadYaml(body, duplicates); }
        catch (JsonSyntaxException) { value = ReadYaml(body, duplicates); }
        if (value is not JsonObject applied)
            throw Statuses.BadRequest("error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
                + value.Kind.ToString().ToLowerInvariant() + " into Go value of type map[string]interface {}");
        if (duplicates.Count == 0 || validation is not ("Strict" or "Warn")) return applied;
        // Both readers name duplicates, but only YAML's as upstream does.
        duplicates.Clear();
        ReadYaml(body, duplicates);
        if (validation == "Strict") throw Statuses.BadRequest("error strict decoding YAML: error converting YAML to JSON: " + YamlReader.DuplicatesMessage(duplicates));
        foreach (string duplicate in duplicates) request.Warnings.Add(duplicate);
        return applied;
    }

    static JsonValue ReadYaml(ReadOnlyMemory<byte> body, List<string> duplicates)
    {
        try { return YamlReader.Read(body.Span, duplicates); }
        catch (YamlException e) { throw Statuses.BadRequest("error decoding YAML: error converting YAML to JSON: " + e.Message); }
    }

    /// <summary>What is applied says what it is, and nothing of who owns what.</summary>
    public void Check(KindInfo kind)
    {
        string apiVersion = _applied["apiVersion"].Text(), name = _applied["kind"].Text();
        if (apiVersion != kind.ApiVersion || name != kind.Kind)
            throw Statuses.BadRequest($"invalid object type: {Go(apiVersion, name)}");
        if (_applied["metadata"] is JsonObject meta && meta["managedFields"] is not (null or JsonNull)) throw Statuses.BadRequest("metadata.managedFields must be nil");
        try { TypedCheck.Check(_applied, ApplyKinds.TypeOf(kind)); }
        catch (ApplyException e)
        {
            var named = _applied["metadata"] as JsonObject;
            throw Statuses.Unknown($"failed to create typed patch object ({(named?["namespace"]).Text()}/{(named?["name"]).Text()}; {Go(apiVersion, name)}): {e.Message}");
        }
    }

    /// <summary>As Go prints a kind: the core group is there, though empty.</summary>
    static string Go(string apiVersion, string kind) => (apiVersion.Contains('/', StringComparison.Ordinal) ? apiVersion : "/" + apiVersion) + ", Kind=" + kind;

    /// <summary>The live object with what is applied, and with the account of who owns what.</summary>
    /// <param name="live">In the stored version; null when there is none yet.</param>
    /// <param name="applied">In the version of <paramref name="kind"/>.</param>
    /// <exception cref="StatusException">409 with a cause for each conflict.</exception>
    public IObject Apply(IObject? live, JsonObject applied, KindInfo kind, string subresource, Func<IObject, IObject> toStored)
    {
        var write = new FieldTracking(_manager, kind, subresource).Write(_time.GetUtcNow());
        byte[]? json = live is null ? null : kind.ToJson(Registry.Convert.To(live, kind));
        var owners = Owners(live);
        JsonObject? merged;
        try
        {
            try { merged = Tracking.Apply(owners, json, applied, write, _force); }
            catch (ConflictException e) when (json is not null && LastApplied.Remaining(e.Conflicts, _manager, live, json, write) is var remaining && remaining.Count < e.Conflicts.Count)
            {
                if (remaining.Count > 0) throw new ConflictException(remaining);
                owners = Owners(live);
                merged = Tracking.Apply(owners, json, applied, write, force: true);
            }
        }
        catch (ConflictException e) { throw Statuses.ApplyConflict(e); }
        catch (ApplyException e) { throw Statuses.Unknown(e.Message); }
        IObject obj;
        if (merged is null && live is not null) obj = live;
        else
            try { obj = toStored((IObject)kind.Decode(merged is null ? json ?? write.Blank : merged.ToUtf8())); }
            catch (Exception e) when (e is DecodeException or FormatException) { throw Statuses.BadRequest($"failed to convert merged object: {e.Message}"); }
        return LastApplied.Sync(FieldTracking.With(obj, owners.Write()), _manager, applied);
    }

    static Ownership Owners(IObject? live)
    {
        try { return live is null ? new() : Ownership.Read(live.Metadata.ManagedFields); }
        catch (ApplyException e) { throw Statuses.Unknown("failed to decode managed fields: " + e.Message); }
    }

    /// <summary>Applies to a resource or a subresource that is a view of it.</summary>
    public static async ValueTask<Reply> HandleAsync(RequestContext request, Resource resource, CancellationToken ct)
    {
        var patch = await ReadAsync(request, resource.Stored.Time, ct).ConfigureAwait(false);
        var kind = resource.Info.Kind;
        patch.Check(kind);
        var write = Writes.RequestOf(request, resource) with { CreatesAbsent = true, Manager = patch._manager };
        var (item, created) = await resource.Stored.UpdateAsync(write, live =>
        {
            var obj = patch.Apply(live, patch._applied, kind, request.Info.Subresource, o => Writes.Stored(resource, o));
            CheckName(obj, request, resource);
            return obj;
        }, unconditional: true, ct).ConfigureAwait(false);
        return new ItemReply(created ? 201 : 200, resource, resource.View(item));
    }

    static void CheckName(IObject obj, RequestContext request, Resource resource)
    {
        if (obj.Metadata.Name.Length == 0)
            throw Statuses.BadRequest($"the name of the object ({request.Info.Name} based on URL) was undeterminable: name must be provided");
        Writes.CheckName(obj, request, resource);
    }
}
