using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Json;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>A reference in a token: the object must still be that one.</summary>
public sealed record Bound(string Name, string Uid);

/// <summary>What a service account token says (KEP-1205, KEP-4193).</summary>
public sealed record Claims
{
    public required string Issuer { get; init; }
    public required Seq<string> Audiences { get; init; }
    public required long IssuedAt { get; init; }
    public required long NotBefore { get; init; }
    public required long Expires { get; init; }
    public required string Id { get; init; }
    public required string Namespace { get; init; }
    public required Bound ServiceAccount { get; init; }
    public Bound? Pod { get; init; }
    public Bound? Secret { get; init; }
    public Bound? Node { get; init; }
    /// <summary>From then on the token should have been renewed (tokens of Pods live on for clients that never read them again).</summary>
    public long WarnAfter { get; init; }

    public string Subject => Groups.ServiceAccountUser(Namespace, ServiceAccount.Name);

    public JsonObject ToJson()
    {
        var kubernetes = JsonObject.Of(("namespace", Namespace));
        if (Node is not null) kubernetes = kubernetes.With("node", Of(Node));
        if (Pod is not null) kubernetes = kubernetes.With("pod", Of(Pod));
        if (Secret is not null) kubernetes = kubernetes.With("secret", Of(Secret));
        kubernetes = kubernetes.With("serviceaccount", Of(ServiceAccount));
        if (WarnAfter > 0) kubernetes = kubernetes.With("warnafter", WarnAfter);
        return JsonObject.Of(
            ("aud", new JsonArray([.. Audiences.Select(a => (JsonValue)a)])), ("exp", Expires), ("iat", IssuedAt), ("iss", Issuer), ("jti", Id),
            ("kubernetes.io", kubernetes), ("nbf", NotBefore), ("sub", Subject));
    }

    static JsonObject Of(Bound bound) => JsonObject.Of(("name", bound.Name), ("uid", bound.Uid));

    /// <returns>Null when something is missing or is not what it should be.</returns>
    public static Claims? Read(JsonObject json)
    {
        if (json["kubernetes.io"] is not JsonObject kubernetes || Of(kubernetes["serviceaccount"]) is not { } account) return null;
        if (Number(json["exp"]) is not { } expires || kubernetes["namespace"].Text() is not { Length: > 0 } ns) return null;
        Seq<string> audiences = json["aud"] switch
        {
            JsonString one => [one.Value],
            JsonArray many => [.. many.Items.OfType<JsonString>().Select(a => a.Value)],
            _ => [],
        };
        var claims = new Claims
        {
            Issuer = json["iss"].Text(), Audiences = audiences, Expires = expires, IssuedAt = Number(json["iat"]) ?? 0, NotBefore = Number(json["nbf"]) ?? 0,
            Id = json["jti"].Text(), Namespace = ns, ServiceAccount = account,
            Pod = Of(kubernetes["pod"]), Secret = Of(kubernetes["secret"]), Node = Of(kubernetes["node"]), WarnAfter = Number(kubernetes["warnafter"]) ?? 0,
        };
        return json["sub"].Text() == claims.Subject ? claims : null;
    }

    static long? Number(JsonValue? value) => value is JsonNumber n && n.TryGetInt64(out long i) ? i : null;
    static Bound? Of(JsonValue? value) => value is JsonObject o && o["name"].Text() is { Length: > 0 } name ? new(name, o["uid"].Text()) : null;
}
