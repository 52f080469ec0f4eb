using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Impersonation;

/// <summary>Whom a request wants to act as, by its <c>Impersonate-</c> headers, as they stand there.</summary>
static class WantedUser
{
    const string User = "Impersonate-User", Uid = "Impersonate-Uid", Group = "Impersonate-Group", Extra = "Impersonate-Extra-";

    /// <returns>Null when the request acts as who it is.</returns>
    /// <exception cref="StatusException">Parts of a user, and no name.</exception>
    public static Identity? Of(RequestContext request)
    {
        if (!request.HasHeader("Impersonate-")) return null;
        string name = request.Header(User), uid = request.Header(Uid);
        var groups = new List<string>();
        var extra = Map.Of<Seq<string>>();
        foreach (var (key, value) in request.Headers)
            if (key.Equals(Group, StringComparison.OrdinalIgnoreCase)) groups.Add(value);
            else if (key.StartsWith(Extra, StringComparison.OrdinalIgnoreCase) && FrontProxy.ExtraKey(key[Extra.Length..]) is var k) extra = extra.Set(k, extra[k].Add(value));
        if (name.Length > 0) return new(name, groups.ToSeq()) { Uid = uid, Extra = extra };
        if (uid.Length > 0 || groups.Count > 0 || extra.Count > 0) throw Statuses.BadRequest("requested impersonation of groups, a uid or extra without impersonating a user name");
        return null;
    }
}
