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
        !s_own.Contains(name) && !name.StartsWith(':') && !SaysWho(name);

    /// <summary>Whether a header says who somebody is, or wants to be: what a client says there was judged here, and none behind this server may believe it.</summary>
    public static bool SaysWho(string name) => name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase);

    /// <exception cref="Errors.StatusException">Part of it is no text for a header: nobody is told half of who somebody is.</exception>
    public static IEnumerable<KeyValuePair<string, string>> Of(Identity user)
    {
        yield return One("User", [user.Name]);
        if (user.Uid.Length > 0) yield return One("Uid", [user.Uid]);
        if (!user.Groups.IsEmpty) yield return One("Group", user.Groups);
        foreach (var (key, values) in user.Extra)
            if (!values.IsEmpty) yield return One("Extra-" + Uri.EscapeDataString(key), values);
    }

    static KeyValuePair<string, string> One(string name, IEnumerable<string> values) =>
        new(Prefix + name, RepeatedHeaders.Join(Prefix + name, values) ?? throw Errors.Statuses.Internal($"the user's {name} cannot be sent in a header"));

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
