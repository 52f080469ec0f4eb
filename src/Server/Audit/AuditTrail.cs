using System.Buffers;
using System.IO.Pipelines;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Encode;

namespace Hanbae.Server.Audit;

/// <summary>What is written about one request, stage by stage.</summary>
sealed class AuditTrail(Audit audit, RequestContext request, AuditTerms terms)
{
    readonly DateTimeOffset _received = audit.Time.GetUtcNow();
    /// <summary>Who came in, before impersonation.</summary>
    readonly Identity _user = request.User;
    Reply? _goesOn;

    public ValueTask<bool> ReceivedAsync() => WriteAsync(AuditStages.RequestReceived, null, default, default);

    /// <summary>What comes of it is known when it ends.</summary>
    public void GoesOn(Reply reply) => _goesOn = reply;

    /// <summary>The headers of what lasts are about to go out; the end of it is written when it comes.</summary>
    public async ValueTask StartedAsync(Reply reply)
    {
        _goesOn = reply;
        await WriteAsync(AuditStages.ResponseStarted, StatusOf(reply), await BodyAsync().ConfigureAwait(false), default, reply).ConfigureAwait(false);
    }

    public async ValueTask CompleteAsync(Reply reply) =>
        await WriteAsync(AuditStages.ResponseComplete, StatusOf(reply), await BodyAsync().ConfigureAwait(false), await AnswerAsync(reply).ConfigureAwait(false), reply).ConfigureAwait(false);

    public async ValueTask FailedAsync(Status status, bool panic)
    {
        byte[] answer = terms.Level >= AuditLevel.RequestResponse ? Status.Info.ToJson(status) : [];
        await WriteAsync(panic ? AuditStages.Panic : AuditStages.ResponseComplete, status, await BodyAsync().ConfigureAwait(false), answer).ConfigureAwait(false);
    }

    /// <summary>Of what lasts.</summary>
    public async ValueTask EndedAsync()
    {
        if (_goesOn is not { } reply) return;
        _goesOn = null;
        await WriteAsync(AuditStages.ResponseComplete, StatusOf(reply), await BodyAsync().ConfigureAwait(false), default, reply).ConfigureAwait(false);
    }

    ValueTask<bool> WriteAsync(AuditStages stage, Status? response, ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> answer, Reply? reply = null)
    {
        if ((terms.Omitted & stage) != 0) return new(true);
        return audit.WriteAsync(new()
        {
            Level = terms.Level, Stage = stage, Id = request.AuditId, Uri = request.RawTarget, Verb = request.Info.Verb, User = _user,
            Impersonated = ReferenceEquals(request.User, _user) ? null : request.User, SourceIps = SourceIps(request), UserAgent = request.Header("User-Agent"),
            Object = ReferenceOf(reply), Response = response, RequestObject = body, ResponseObject = answer, Received = _received,
            At = stage == AuditStages.RequestReceived ? _received : audit.Time.GetUtcNow(), Annotations = stage == AuditStages.RequestReceived ? [] : request.AuditAnnotations.At(terms.Level),
        });
    }

    AuditReference? ReferenceOf(Reply? reply)
    {
        var info = request.Info;
        if (!info.IsResourceRequest) return null;
        // What is created has its name in the body, or not even there: the answer knows it.
        string name = info.Name.Length == 0 && info.Verb == "create" && reply is ItemReply made ? made.Item.Name.ToString() : info.Name;
        var meta = (request.Object as IObject)?.Metadata;
        return new(info.Resource, info.Namespace, name, info.ApiGroup, info.ApiVersion, info.Subresource, meta?.Uid ?? "", meta?.ResourceVersion ?? "");
    }

    Status StatusOf(Reply reply) => reply is ObjectReply { Value: Status status } ? status with { Code = reply.Code }
        : new() { Code = reply is RawReply ? request.Header("Upgrade").Length > 0 ? 101 : request.AnsweredCode ?? reply.Code : reply.Code };

    async ValueTask<ReadOnlyMemory<byte>> BodyAsync()
    {
        if (terms.Level < AuditLevel.Request || request.Info.Verb is "get" or "list" or "watch") return default;
        try
        {
            var body = request.BodyRead;
            if (request.Object is { } known) return Cut(known.Kind().ToJson(known));
            if (body.IsEmpty) return default;
            string type = Verbs.Body.MediaType(request.Header("Content-Type"));
            if (type == MediaTypes.Protobuf) return audit.KindOf(request) is { } kind && await request.ReadObjectAsync(kind, request.Aborted).ConfigureAwait(false) is { } obj ? Cut(kind.ToJson(obj)) : default;
            if (type is MediaTypes.Yaml or MediaTypes.ApplyPatch) return Cut(Verbs.YamlBody.ToJson(body));
            return Cut(body);
        }
        // What could not be read was answered so: there is nothing to show.
        catch (Exception e) when (e is Errors.StatusException or FormatException or OperationCanceledException) { return default; }
    }

    async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(Reply reply)
    {
        if (terms.Level < AuditLevel.RequestResponse) return default;
        var now = audit.Time.GetUtcNow();
        switch (reply)
        {
            case ItemReply r:
                var item = new ArrayBufferWriter<byte>();
                Encoder.Item(item, Output.Json, r.Resource, r.Item, now);
                return Cut(item.WrittenMemory);
            case ObjectReply r: return Cut(r.Value.Kind().ToJson(r.Value));
            case ListReply r:
                var whole = new MemoryStream();
                var pipe = PipeWriter.Create(whole, new(leaveOpen: true));
                await ListEncoder.WriteAsync(pipe, Output.Json, r.Resource, r.Listing, now, CancellationToken.None).ConfigureAwait(false);
                await pipe.CompleteAsync().ConfigureAwait(false);
                return Cut(whole.GetBuffer().AsMemory(0, (int)whole.Length));
            case BytesReply r when r.ContentType.StartsWith(MediaTypes.Json, StringComparison.Ordinal): return Cut(r.Body);
            default: return default;
        }
    }

    /// <summary>On one line, and without managed fields if the policy says so. What is no JSON is left out: a line of the log must be one.</summary>
    ReadOnlyMemory<byte> Cut(ReadOnlyMemory<byte> json)
    {
        JsonValue value;
        try { value = JsonValue.Parse(json.Span); }
        catch (JsonSyntaxException) { return default; }
        if (terms.WithoutManagedFields && value is JsonObject obj)
        {
            obj = Unmanaged(obj);
            if (obj["items"] is JsonArray items) obj = obj.With("items", JsonArray.Of([.. items.Select(i => i is JsonObject o ? Unmanaged(o) : i)]));
            value = obj;
        }
        return value.ToUtf8();
    }

    static JsonObject Unmanaged(JsonObject obj) => obj["metadata"] is JsonObject meta && meta.Contains("managedFields") ? obj.With("metadata", meta.Without("managedFields")) : obj;

    /// <summary>As upstream: what proxies say of the way, then what is known for certain.</summary>
    static List<string> SourceIps(RequestContext request)
    {
        var found = new List<string>();
        foreach (string part in request.Header("X-Forwarded-For").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            if (System.Net.IPAddress.TryParse(part, out var ip)) found.Add(ip.ToString());
        if (System.Net.IPAddress.TryParse(request.Header("X-Real-Ip"), out var real) && !found.Contains(real.ToString())) found.Add(real.ToString());
        string remote = request.RemoteAddress;
        if (remote.StartsWith("::ffff:", StringComparison.Ordinal)) remote = remote[7..];
        if (remote.Length > 0 && (found.Count == 0 || found[^1] != remote)) found.Add(remote);
        return found;
    }
}
