using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth;

/// <summary>What a user is told whom no authorizer allows, in upstream's words.</summary>
public static class Refusal
{
    /// <param name="reason">Why, when an authorizer said so.</param>
    public static StatusException Of(Attributes a, string reason)
    {
        string text = Describe(a);
        if (reason.Length > 0) text += ": " + reason;
        return Statuses.Forbidden(new(a.ApiGroup, a.IsResourceRequest ? a.Resource : ""), a.Name, text);
    }

    static string Describe(Attributes a)
    {
        string user = GoQuote.Text(a.User.Name);
        if (!a.IsResourceRequest) return $"User {user} cannot {a.Verb} path {GoQuote.Text(a.Path)}";
        string resource = a.Subresource.Length > 0 ? a.Resource + "/" + a.Subresource : a.Resource;
        string where = a.Namespace.Length > 0 ? "in the namespace " + GoQuote.Text(a.Namespace) : "at the cluster scope";
        return $"User {user} cannot {a.Verb} resource {GoQuote.Text(resource)} in API group {GoQuote.Text(a.ApiGroup)} {where}";
    }
}
