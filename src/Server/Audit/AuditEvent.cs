using System.Globalization;
using System.Text;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Audit;

/// <summary>Who did what, when and with what outcome: one event of the log, audit.k8s.io/v1 on the wire.</summary>
sealed record AuditEvent
{
    public required AuditLevel Level { get; init; }
    public required AuditStages Stage { get; init; }
    public required string Id { get; init; }
    public required string Uri { get; init; }
    public required string Verb { get; init; }
    public required Identity User { get; init; }
    public Identity? Impersonated { get; init; }
    public IReadOnlyList<string> SourceIps { get; init; } = [];
    public string UserAgent { get; init; } = "";
    /// <summary>Null for what is no resource.</summary>
    public AuditReference? Object { get; init; }
    /// <summary>Null before there is one.</summary>
    public Status? Response { get; init; }
    /// <summary>JSON; empty when the level leaves it out.</summary>
    public ReadOnlyMemory<byte> RequestObject { get; init; }
    public ReadOnlyMemory<byte> ResponseObject { get; init; }
    public required DateTimeOffset Received { get; init; }
    public required DateTimeOffset At { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Annotations { get; init; } = [];

    /// <summary>With the order of fields and the omissions of upstream's.</summary>
    /// <param name="typed">With kind and apiVersion: not within a list.</param>
    public byte[] ToJson(bool typed = true)
    {
        var w = new JsonWriter(1024);
        try
        {
            int start = w.Position;
            if (typed) w.Raw(",\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\""u8);
            Member(ref w, "level", Level.ToString());
            Member(ref w, "auditID", Id);
            Member(ref w, "stage", Stage.ToString());
            Member(ref w, "requestURI", Uri);
            Member(ref w, "verb", Verb);
            w.Raw(",\"user\":"u8);
            Write(ref w, User);
            if (Impersonated is { } other)
            {
                w.Raw(",\"impersonatedUser\":"u8);
                Write(ref w, other);
            }
            if (SourceIps.Count > 0) Write(ref w, "sourceIPs", SourceIps);
            if (UserAgent.Length > 0) Member(ref w, "userAgent", UserAgent);
            if (Object is { } reference)
            {
                w.Raw(",\"objectRef\":"u8);
                reference.Write(ref w);
            }
            if (Response is { } response)
            {
                // What an answer that is no Status is told of by is its code alone: no type stands before it.
                w.Raw(",\"responseStatus\":"u8);
                w.Raw(Untyped(Status.Info.ToJson(response)));
            }
            if (!RequestObject.IsEmpty)
            {
                w.Raw(",\"requestObject\":"u8);
                w.Raw(RequestObject.Span);
            }
            if (!ResponseObject.IsEmpty)
            {
                w.Raw(",\"responseObject\":"u8);
                w.Raw(ResponseObject.Span);
            }
            w.Raw(",\"requestReceivedTimestamp\":"u8);
            w.MicroTime(Received);
            w.Raw(",\"stageTimestamp\":"u8);
            w.MicroTime(At);
            if (Annotations.Count > 0)
            {
                w.Raw(",\"annotations\":"u8);
                int at = w.Position;
                foreach (var (key, value) in Annotations) Member(ref w, key, value);
                w.EndObject(at);
            }
            w.EndObject(start);
            return w.ToArray();
        }
        finally { w.Dispose(); }
    }

    /// <summary>A Status without kind and apiVersion, which come first.</summary>
    static ReadOnlySpan<byte> Untyped(byte[] status)
    {
        int from = status.AsSpan().IndexOf("\"metadata\""u8);
        status[from - 1] = (byte)'{';
        return status.AsSpan(from - 1);
    }

    internal static void Member(ref JsonWriter w, string name, string value)
    {
        w.Byte((byte)',');
        w.String(name);
        w.Byte((byte)':');
        w.String(value);
    }

    static void Write(ref JsonWriter w, string name, IEnumerable<string> values)
    {
        w.Byte((byte)',');
        w.String(name);
        w.Byte((byte)':');
        byte before = (byte)'[';
        foreach (string value in values)
        {
            w.Byte(before);
            w.String(value);
            before = (byte)',';
        }
        if (before == (byte)'[') w.Byte(before);
        w.Byte((byte)']');
    }

    static void Write(ref JsonWriter w, Identity user)
    {
        int start = w.Position;
        if (user.Name.Length > 0) Member(ref w, "username", user.Name);
        if (user.Uid.Length > 0) Member(ref w, "uid", user.Uid);
        if (user.Groups.Count > 0) Write(ref w, "groups", user.Groups);
        if (user.Extra.Count > 0)
        {
            w.Raw(",\"extra\":"u8);
            int at = w.Position;
            foreach (var (key, values) in user.Extra) Write(ref w, key, values);
            w.EndObject(at);
        }
        w.EndObject(start);
    }

    /// <summary>Upstream's one-line form from before there was JSON, <c>--audit-log-format=legacy</c>.</summary>
    public string ToLegacy()
    {
        string ip = SourceIps.Count > 0 ? SourceIps[0] : "<unknown>", ns = Object is { Namespace.Length: > 0 } o ? o.Namespace : "<none>";
        string Groups(Identity? user, string none) => user is { Groups.Count: > 0 } ? Quoted(string.Join(',', user.Groups.Select(Quoted))) : Quoted(none);
        string code = Response is { } response ? response.Code.ToString(CultureInfo.InvariantCulture) : "<deferred>";
        return new StringBuilder(At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture))
            .Append($" AUDIT: id={Quoted(Id)} stage={Quoted(Stage.ToString())} ip={Quoted(ip)} method={Quoted(Verb)} user={Quoted(User.Name.Length > 0 ? User.Name : "<none>")}")
            .Append($" groups={Groups(User, "<none>")} as={Quoted(Impersonated?.Name ?? "<self>")} asgroups={Groups(Impersonated, "<lookup>")}")
            .Append($" user-agent={Quoted(UserAgent.Length > 0 ? UserAgent : "<unknown>")} namespace={Quoted(ns)} uri={Quoted(Uri)} response=\"{code}\"").ToString();
    }

    static string Quoted(string text) => Machinery.Validate.FieldError.Quoted(text);
}

/// <summary>What a request is about.</summary>
sealed record AuditReference(string Resource, string Namespace, string Name, string ApiGroup, string ApiVersion, string Subresource, string Uid = "", string ResourceVersion = "")
{
    public void Write(ref JsonWriter w)
    {
        int start = w.Position;
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
            [("resource", Resource), ("namespace", Namespace), ("name", Name), ("uid", Uid), ("apiGroup", ApiGroup), ("apiVersion", ApiVersion), ("resourceVersion", ResourceVersion), ("subresource", Subresource)])
            if (value.Length > 0) AuditEvent.Member(ref w, name, value);
        w.EndObject(start);
    }
}
