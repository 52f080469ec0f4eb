using Hanbae.Api.Rest;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Server.Aggregation;

/// <summary>Tells another API server who asks: the headers that it believes because of this server's certificate.</summary>
static class ProxyHeaders
{
    const string Prefix = "X-Remote-";

    // Of this hop, or credentials that are for this server alone: who it is stands in the headers below.
    static readonly HashSet<string> s_own = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
        "Host", "Content-Length", "Authorization", "Expect", "Date", "Server",
    };

    /// <summary>Whether a header goes on to the other side; nobody says who he is in his own words.</summary>
    public static bool IsPassedOn(string name) =>
        !s_own.Contains(name) && !name.StartsWith(':') && !name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase);

    public static IEnumerable<KeyValuePair<string, string>> Of(Identity user)
    {
        yield return new(Prefix + "User", user.Name);
        if (user.Uid.Length > 0) yield return new(Prefix + "Uid", user.Uid);
        foreach (string group in user.Groups) yield return new(Prefix + "Group", group);
        foreach (var (key, values) in user.Extra)
            foreach (string value in values) yield return new(Prefix + "Extra-" + Uri.EscapeDataString(key), value);
    }

    /// <summary>Where the request came from, as upstream's proxy says it.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Forwarded(HttpRequest request)
    {
        string before = request.Headers["X-Forwarded-For"].ToString();
        string from = request.HttpContext.Connection.RemoteIpAddress?.ToString() ?? "";
        if (from.Length > 0) yield return new("X-Forwarded-For", before.Length > 0 ? before + ", " + from : from);
        if (!request.Headers.ContainsKey("X-Forwarded-Host")) yield return new("X-Forwarded-Host", request.Host.Value ?? "");
        if (!request.Headers.ContainsKey("X-Forwarded-Proto")) yield return new("X-Forwarded-Proto", request.Scheme);
    }
}
