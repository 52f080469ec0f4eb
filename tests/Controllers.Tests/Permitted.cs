using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Bootstrap.Policy;

namespace Hanbae.Controllers.Tests;

/// <summary>Lets a controller do what the default roles let its service account do, as in a real cluster: what it asks for beyond them is refused and remembered.</summary>
/// <param name="inner">Where it asks.</param>
/// <param name="account">Of kube-system.</param>
/// <param name="refused">Takes what was refused; no test passes with any.</param>
sealed class Permitted(IApiTransport inner, string account, ConcurrentQueue<string> refused) : IApiTransport
{
    static readonly PolicyText s_policy = PolicyText.Read(Server.Bootstrap.Policy.ClusterRoles.Text, ControllerRoles.Text, HanbaeRoles.Text);
    static readonly ConcurrentDictionary<(string Account, string Namespace), List<PolicyRule>> s_rules = new();

    readonly string _user = "system:serviceaccount:kube-system:" + account;

    public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct) => Refusal(request) is { } refusal ? ValueTask.FromResult(refusal) : inner.SendAsync(request, ct);

    public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => Refusal(request) is { } refusal ? throw new ApiException((Status)refusal.Object!) : inner.WatchAsync(request, ct);

    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => Refusal(request) is { } refusal ? throw new ApiException((Status)refusal.Object!) : inner.StreamAsync(request, ct);

    ApiResult? Refusal(ApiRequest request)
    {
        var info = RequestInfo.Of(request.Method, request.Path, request.Parameter("watch"));
        var asked = info.IsResourceRequest
            ? new PolicyRule { Verbs = [info.Verb], ApiGroups = [info.ApiGroup], Resources = [info.Subresource.Length > 0 ? info.Resource + "/" + info.Subresource : info.Resource], ResourceNames = info.Name.Length > 0 ? [info.Name] : default }
            : new PolicyRule { Verbs = [info.Verb], NonResourceURLs = [request.Path] };
        if (RuleCover.Missing(s_rules.GetOrAdd((_user, info.Namespace), static k => RulesOf(k.Account, k.Namespace)), [asked]).Count == 0) return null;
        string what = $"{account} may not {info.Verb} {asked.Resources.FirstOrDefault(request.Path)} of {info.ApiGroup} in \"{info.Namespace}\"";
        refused.Enqueue(what);
        return new() { Code = 403, Object = new Status { Code = 403, Reason = "Forbidden", Message = what } };
    }

    static List<PolicyRule> RulesOf(string user, string ns) =>
    [
        .. s_policy.Bindings.OfType<ClusterRoleBinding>().Where(b => b.Subjects.Exists(s => IsOf(s, user))).SelectMany(b => RulesOf<ClusterRole>(b.RoleRef, "")),
        .. s_policy.Bindings.OfType<RoleBinding>().Where(b => b.Metadata.Namespace == ns && b.Subjects.Exists(s => IsOf(s, user))).SelectMany(b => RulesOf<IObject>(b.RoleRef, ns)),
    ];

    static bool IsOf(Subject subject, string user) => subject.Kind switch
    {
        "ServiceAccount" => user == $"system:serviceaccount:{subject.Namespace}:{subject.Name}",
        "User" => subject.Name == user,
        _ => subject.Name is "system:authenticated" or "system:serviceaccounts" or "system:serviceaccounts:kube-system",
    };

    static IEnumerable<PolicyRule> RulesOf<T>(RoleRef role, string ns) => s_policy.Roles.Where(r => r is T && r.Metadata.Name == role.Name && (r is ClusterRole ? role.Kind == "ClusterRole" : role.Kind == "Role" && r.Metadata.Namespace == ns))
        .SelectMany(r => r is ClusterRole everywhere ? everywhere.Rules : ((Role)r).Rules);
}
