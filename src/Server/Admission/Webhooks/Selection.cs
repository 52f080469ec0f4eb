using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Which requests a webhook or a policy is about: rules, and selectors of the object and of its namespace.</summary>
/// <param name="rules">Null for all that the selectors leave.</param>
sealed class Selection(ResourceRule[]? rules, ResourceRule[] except, string? matchPolicy, LabelSelector? namespaces, LabelSelector? objects)
{
    static readonly GroupResource s_namespaces = new("", "namespaces");
    readonly Selector _namespaces = namespaces?.ToSelector() ?? Selector.Everything, _objects = objects?.ToSelector() ?? Selector.Everything;

    /// <summary>What configures admission is not subject to it: nobody could take away what blocks everything.</summary>
    public static bool IsExempt(GroupResource resource) => resource.Group == "admissionregistration.k8s.io" && resource.Resource is
        "validatingwebhookconfigurations" or "mutatingwebhookconfigurations" or "validatingadmissionpolicies" or "validatingadmissionpolicybindings"
        or "mutatingadmissionpolicies" or "mutatingadmissionpolicybindings";

    /// <summary>What policies are not asked about besides: questions of who somebody is and what he may do, by which a cluster works.</summary>
    public static bool IsExcluded(GroupResource resource) => resource.Resource switch
    {
        "tokenreviews" or "selfsubjectreviews" => resource.Group == "authentication.k8s.io",
        "subjectaccessreviews" or "localsubjectaccessreviews" or "selfsubjectaccessreviews" or "selfsubjectrulesreviews" => resource.Group == "authorization.k8s.io",
        _ => IsExempt(resource),
    };

    /// <summary>As what the request is to be shown; null when it is none of its business.</summary>
    /// <exception cref="StatusException">The namespace does not exist.</exception>
    public async ValueTask<Invocation?> MatchAsync(ReviewedWrite write, ServedObjects objects, CancellationToken ct)
    {
        if (!MatchesObject(write) || Find(write) is not { } found) return null;
        return await MatchesNamespaceAsync(write, objects, ct).ConfigureAwait(false) ? found : null;
    }

    Invocation? Find(ReviewedWrite write)
    {
        if (Any(except, write, write.Resource)) return null;
        bool equivalent = matchPolicy != "Exact";
        if (equivalent && except.Length > 0)
            foreach (var other in write.Equivalents())
                if (Any(except, write, other.Resource)) return null;
        if (rules is null || Any(rules, write, write.Resource)) return new(write.Resource, write.Kind);
        if (equivalent)
            foreach (var other in write.Equivalents())
                if (Any(rules, write, other.Resource)) return other;
        return null;
    }

    static bool Any(ResourceRule[] rules, ReviewedWrite write, GroupVersionResource resource)
    {
        foreach (var rule in rules) if (rule.Matches(write, resource)) return true;
        return false;
    }

    bool MatchesObject(ReviewedWrite write) => _objects.IsEmpty || Carries(write.Object) || Carries(write.Old);

    bool Carries(IKind? obj) => obj is IObject whole && _objects.Matches(whole.Metadata.Labels);

    async ValueTask<bool> MatchesNamespaceAsync(ReviewedWrite write, ServedObjects objects, CancellationToken ct)
    {
        if (_namespaces.IsEmpty || write.Namespace.Length == 0 && write.Resource.GroupResource != s_namespaces) return true;
        // Of a namespace that is being made or changed, what it is going to be counts.
        if (write is { Object: Namespace made, Subresource: "" }) return _namespaces.Matches(made.Metadata.Labels);
        var ns = await objects.FindAsync<Namespace>("", write.Namespace, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(s_namespaces, write.Namespace);
        return _namespaces.Matches(ns.Metadata.Labels);
    }
}
