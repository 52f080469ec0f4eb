using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth;

/// <summary>Lets those who may do so act as somebody else: the <c>Impersonate-*</c> headers (<c>kubectl --as</c>).</summary>
/// <remarks>Behind authentication and audit, before everything that looks at the user.</remarks>
public sealed class Impersonation(IAuthorizer authorizer) : IFilter
{
    const string User = "Impersonate-User", Group = "Impersonate-Group", Uid = "Impersonate-Uid", Extra = "Impersonate-Extra-";
    const string AuthenticationGroup = "authentication.k8s.io";

    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        if (Read(request) is { } asked) request.User = await BecomeAsync(request, asked).ConfigureAwait(false);
        return await next(request).ConfigureAwait(false);
    }

    /// <returns>Null when nobody is to be impersonated.</returns>
    static Identity? Read(RequestContext request)
    {
        string user = "", uid = "";
        List<string>? groups = null;
        Map<Seq<string>> extra = default;
        foreach (var (name, value) in request.Headers)
        {
            if (!name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase)) continue;
            if (name.Equals(User, StringComparison.OrdinalIgnoreCase)) user = value;
            else if (name.Equals(Uid, StringComparison.OrdinalIgnoreCase)) uid = value;
            else if (name.Equals(Group, StringComparison.OrdinalIgnoreCase)) (groups ??= []).Add(value);
            else if (name.StartsWith(Extra, StringComparison.OrdinalIgnoreCase))
            {
                // Header names are case-insensitive, and percent-encoded where keys have what headers may not.
                string key = Uri.UnescapeDataString(name[Extra.Length..]).ToLowerInvariant();
                extra = extra.Set(key, extra[key].Add(value));
            }
        }
        if (user.Length > 0) return new(user, groups is null ? default : groups.ToSeq()) { Uid = uid, Extra = extra };
        return groups is null && uid.Length == 0 && extra.IsEmpty ? null
            : throw Statuses.Internal($"requested [{string.Join(" ", groups ?? [])}] without impersonating a user");
    }

    async ValueTask<Identity> BecomeAsync(RequestContext request, Identity asked)
    {
        var ct = request.Aborted;
        var account = Groups.ServiceAccountOf(asked.Name);
        if (account is { } a) await CheckAsync(request.User, "", "serviceaccounts", "", a.Namespace, a.Name, ct).ConfigureAwait(false);
        else await CheckAsync(request.User, "", "users", "", "", asked.Name, ct).ConfigureAwait(false);
        foreach (string group in asked.Groups) await CheckAsync(request.User, "", "groups", "", "", group, ct).ConfigureAwait(false);
        foreach (var (key, values) in asked.Extra)
            foreach (string value in values) await CheckAsync(request.User, AuthenticationGroup, "userextras", key, "", value, ct).ConfigureAwait(false);
        if (asked.Uid.Length > 0) await CheckAsync(request.User, AuthenticationGroup, "uids", "", "", asked.Uid, ct).ConfigureAwait(false);

        var groups = asked.Groups;
        if (account is { } service && groups.IsEmpty) groups = Groups.ServiceAccountGroups(service.Namespace);
        if (asked.Name == RequestContext.Anonymous.Name)
        {
            if (!groups.Contains(Groups.Unauthenticated)) groups = groups.Add(Groups.Unauthenticated);
        }
        else if (!groups.Contains(Groups.Unauthenticated) && !groups.Contains(Groups.Authenticated)) groups = groups.Add(Groups.Authenticated);
        return asked with { Groups = groups };
    }

    async ValueTask CheckAsync(Identity user, string group, string resource, string subresource, string ns, string name, CancellationToken ct)
    {
        var attributes = new Attributes
        {
            User = user, Verb = "impersonate", IsResourceRequest = true, ApiGroup = group, ApiVersion = "v1",
            Resource = resource, Subresource = subresource, Namespace = ns, Name = name,
        };
        var decision = await authorizer.AuthorizeAsync(attributes, ct).ConfigureAwait(false);
        if (decision.Verdict != Verdict.Allow) throw Refusal.Of(attributes, decision.Reason);
    }
}
