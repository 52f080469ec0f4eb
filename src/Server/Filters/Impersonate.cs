using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Filters;

/// <summary>Lets those who may act as somebody else (<c>Impersonate-User</c> and its like), each part authorized on its own as upstream does.</summary>
sealed class Impersonate(ImmutableArray<IAuthorizer> authorizers) : IFilter
{
    const string ServiceAccount = "system:serviceaccount:", ExtraHeader = "Impersonate-Extra-";

    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next) =>
        request.InProcess && !request.Headers.Any() || !IsAsked(request) ? next(request) : AsAsync(request, next);

    static bool IsAsked(RequestContext request)
    {
        if (request.Header("Impersonate-User").Length > 0) return true;
        return request.Header("Impersonate-Group").Length > 0 || request.Header("Impersonate-Uid").Length > 0;
    }

    async ValueTask<Reply> AsAsync(RequestContext request, Handler next)
    {
        string user = request.Header("Impersonate-User"), uid = request.Header("Impersonate-Uid");
        if (user.Length == 0) throw Statuses.Internal("requested &impersonation without impersonating a user");
        string[] groups = [.. request.Headers.Where(h => h.Key.Equals("Impersonate-Group", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value)];
        var extra = request.Headers.Where(h => h.Key.StartsWith(ExtraHeader, StringComparison.OrdinalIgnoreCase))
            .GroupBy(h => Uri.UnescapeDataString(h.Key[ExtraHeader.Length..].ToLowerInvariant()), h => h.Value).ToArray();

        string[] account = user.StartsWith(ServiceAccount, StringComparison.Ordinal) ? user[ServiceAccount.Length..].Split(':') : [];
        if (account.Length == 2) await RequireAsync(request, "serviceaccounts", account[1], ns: account[0]).ConfigureAwait(false);
        else await RequireAsync(request, "users", user).ConfigureAwait(false);
        foreach (string group in groups) await RequireAsync(request, "groups", group).ConfigureAwait(false);
        if (uid.Length > 0) await RequireAsync(request, "uids", uid, "authentication.k8s.io").ConfigureAwait(false);
        foreach (var values in extra)
            foreach (string value in values) await RequireAsync(request, "userextras", value, "authentication.k8s.io", values.Key).ConfigureAwait(false);

        var all = groups.ToSeq();
        if (account.Length == 2 && groups.Length == 0) all = ["system:serviceaccounts", "system:serviceaccounts:" + account[0]];
        string known = user == RequestContext.Anonymous.Name ? "system:unauthenticated" : "system:authenticated";
        if (!all.Contains(known)) all = all.Add(known);
        request.User = new(user, all) { Uid = uid, Extra = extra.Select(e => KeyValuePair.Create(e.Key, e.ToSeq())).ToMap() };
        return await next(request).ConfigureAwait(false);
    }

    async ValueTask RequireAsync(RequestContext request, string resource, string name, string group = "", string subresource = "", string ns = "")
    {
        var attributes = new Attributes
        {
            User = request.User, Verb = "impersonate", IsResourceRequest = true, ApiGroup = group, ApiVersion = "v1", Resource = resource, Subresource = subresource, Name = name, Namespace = ns,
        };
        var decision = await Authorize.DecideAsync(authorizers, attributes, request.Aborted).ConfigureAwait(false);
        if (decision.Verdict == Verdict.Allow) return;
        string what = subresource.Length > 0 ? resource + "/" + subresource : resource;
        string where = ns.Length > 0 ? $"in the namespace \"{ns}\"" : "at the cluster scope";
        throw Statuses.Forbidden(new(group, resource), name, $"User \"{request.User.Name}\" cannot impersonate resource \"{what}\" in API group \"{group}\" {where}");
    }
}
