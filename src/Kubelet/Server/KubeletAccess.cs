using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Server;

/// <summary>Who asks the kubelet, and whether they may: the cluster's own answer to both, as upstream's webhook mode.</summary>
/// <remarks>
/// A client certificate of the cluster's authority or a bearer token (TokenReview) says who; a SubjectAccessReview on the Node's
/// subresources says whether. The API server's own certificate needs no review: whoever holds it decides on reviews anyway.
/// Answers are kept as upstream keeps them.
/// </remarks>
sealed class KubeletAccess(KubeletOptions options, IClient client, TimeProvider time, ILogger log)
{
    readonly DelegatedReviews _reviews = new(client, time, new(Tokens: TimeSpan.FromMinutes(2), Allowed: TimeSpan.FromMinutes(5), Denied: TimeSpan.FromSeconds(30)));

    /// <returns>Null when nobody can be recognised.</returns>
    public async Task<UserInfo?> WhoAsync(HttpContext context, CancellationToken ct)
    {
        if (context.Connection.ClientCertificate is { } certificate)
        {
            var (user, groups) = ClientCertificates.Identity(certificate);
            return new() { Username = user, Groups = [.. groups, "system:authenticated"] };
        }
        string header = (string?)context.Request.Headers.Authorization ?? "";
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) || header[7..].Trim() is not { Length: > 0 } token) return null;
        try { return await _reviews.WhoAsync(token, ct).ConfigureAwait(false); }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
        {
            log.Forbidden("a token", "authenticate", "the API", e.Message);
            return null;
        }
    }

    public async Task<bool> MayAsync(UserInfo user, string method, string path, CancellationToken ct)
    {
        if (ClientCertificates.IsApiServer(user.Username, user.Groups)) return true;
        string verb = Verb(method);
        foreach (string subresource in Subresources(path))
            if (await ReviewAsync(user, verb, subresource, ct).ConfigureAwait(false)) return true;
        return false;
    }

    /// <summary>What a path is of the Node; the first that is allowed will do (KEP-2862).</summary>
    public static string[] Subresources(string path)
    {
        bool Beneath(string of) => path == of || path.StartsWith(of + "/", StringComparison.Ordinal);
        return Beneath("/stats") ? ["stats"]
            : Beneath("/metrics") ? ["metrics"]
            : Beneath("/logs") ? ["log"]
            : Beneath("/checkpoint") ? ["checkpoint"]
            : Beneath("/pods") || Beneath("/runningpods") ? ["pods", "proxy"]
            : Beneath("/healthz") ? ["healthz", "proxy"]
            : Beneath("/configz") ? ["configz", "proxy"]
            : Beneath("/statusz") ? ["statusz"]
            : Beneath("/flagz") ? ["configz"]
            : ["proxy"];
    }

    /// <summary>Upstream's words for refusals.</summary>
    public static string Refusal(UserInfo user, string method, string path) =>
        $"Forbidden (user={user.Username}, verb={Verb(method)}, resource=nodes, subresource(s)=[{string.Join(' ', Subresources(path))}])";

    static string Verb(string method) => method switch { "POST" => "create", "GET" => "get", "PUT" => "update", "PATCH" => "patch", "DELETE" => "delete", _ => "" };

    async Task<bool> ReviewAsync(UserInfo user, string verb, string subresource, CancellationToken ct)
    {
        // The whole question: who decides may go by any part of it.
        var asked = new SubjectAccessReviewSpec
        {
            User = user.Username, Groups = user.Groups, Uid = user.Uid, Extra = user.Extra,
            ResourceAttributes = new() { Verb = verb, Version = "v1", Resource = "nodes", Subresource = subresource, Name = options.NodeName },
        };
        try { return await _reviews.MayAsync(asked, ct).ConfigureAwait(false); }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
        {
            log.Forbidden(user.Username, verb, "nodes/" + subresource, e.Message);
            return false;
        }
    }
}
