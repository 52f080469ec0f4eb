using System.Collections.Immutable;
using System.Diagnostics;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Errors;
using Hanbae.Server.Health;

namespace Hanbae.Server.Filters;

/// <summary>Asks the authorizers, in order, until one allows or denies. What none allows is forbidden.</summary>
/// <param name="counts">Where it is told what was decided.</param>
sealed class Authorize(ImmutableArray<IAuthorizer> authorizers, AccessCounts counts) : IFilter
{
    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        var attributes = Of(request);
        long began = Stopwatch.GetTimestamp();
        var decision = await DecideAsync(authorizers, attributes, request.Aborted).ConfigureAwait(false);
        counts.Authorized(decision, Stopwatch.GetElapsedTime(began));
        if (request.Trail is not null)
        {
            request.AuditAnnotations.Add("authorization.k8s.io/decision", decision.Verdict == Verdict.Allow ? "allow" : "forbid");
            request.AuditAnnotations.Add("authorization.k8s.io/reason", decision.Reason);
        }
        if (request.Method is "PUT" or "PATCH" or "DELETE" || request.Info.Subresource is "exec" or "attach" or "portforward") request.MayAlso = verb => MayAsync(attributes with { Verb = verb }, request.Aborted);
        return decision.Verdict == Verdict.Allow ? await next(request).ConfigureAwait(false) : throw Refused(attributes, decision);
    }

    async ValueTask MayAsync(Attributes attributes, CancellationToken ct)
    {
        var decision = await DecideAsync(authorizers, attributes, ct).ConfigureAwait(false);
        if (decision.Verdict != Verdict.Allow) throw Refused(attributes, decision);
    }

    public static ValueTask<Decision> DecideAsync(ImmutableArray<IAuthorizer> authorizers, Attributes attributes, CancellationToken ct) => AuthorizerChain.DecideAsync(authorizers, attributes, ct);

    /// <summary>Where an authorizer could not say, the failure is the server's, as upstream answers it.</summary>
    internal static StatusException Refused(Attributes attributes, Decision decision) => decision.Error is { } error ? Statuses.Internal(error) : Forbidden(attributes, decision.Reason);

    internal static Attributes Of(RequestContext request)
    {
        var info = request.Info;
        if (!info.IsResourceRequest) return new() { User = request.User, Verb = info.Verb, IsResourceRequest = false, Path = request.Path };
        bool selects = info.Verb is "list" or "watch" or "deletecollection";
        string fields = selects ? request.Parameter("fieldSelector") ?? "" : "";
        return new()
        {
            User = request.User, Verb = info.Verb, IsResourceRequest = true, Path = request.Path, ApiGroup = info.ApiGroup, ApiVersion = info.ApiVersion,
            Namespace = info.Namespace, Resource = info.Resource, Subresource = info.Subresource, Name = info.Name.Length > 0 ? info.Name : NameIn(fields),
            FieldSelector = fields, LabelSelector = selects ? request.Parameter("labelSelector") ?? "" : "",
        };
    }

    /// <summary>A list of one named object may be allowed where a list of all is not.</summary>
    static string NameIn(string fields)
    {
        if (!fields.Contains("metadata.name", StringComparison.Ordinal)) return "";
        try { return Api.FieldSelector.Parse(fields).RequiresExactly("metadata.name", out string? name) ? name : ""; }
        catch (FormatException) { return ""; }
    }

    internal static StatusException Forbidden(Attributes a, string reason)
    {
        string who = $"User \"{a.User.Name}\" cannot ";
        string tail = reason.Length > 0 ? ": " + reason : "";
        if (!a.IsResourceRequest) return Statuses.Forbidden(default, "", $"{who}{a.Verb} path \"{a.Path}\"{tail}");
        var resource = new GroupResource(a.ApiGroup, a.Resource);
        string what = a.Subresource.Length > 0 ? a.Resource + "/" + a.Subresource : a.Resource;
        string where = a.Namespace.Length > 0 ? $"in the namespace \"{a.Namespace}\"" : "at the cluster scope";
        return Statuses.Forbidden(resource, a.Name, $"{who}{a.Verb} resource \"{what}\" in API group \"{a.ApiGroup}\" {where}{tail}");
    }
}
