using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Admission;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Rbac;

/// <summary>Keeps users from granting what they do not hold themselves, unless they may <c>escalate</c> or <c>bind</c>.</summary>
/// <remarks>Upstream does this in the storage of roles and bindings: behind all that changes the object, before validation and before whatever only refuses.</remarks>
sealed class Escalation(RbacAuthorizer rbac, IAuthorizer authorizer) : IMutates
{
    const string Group = "rbac.authorization.k8s.io";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && resource.Group == Group && subresource.Length == 0;

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        // What is going to be looked at once more is not yet what will be written.
        if (request.Reinvocation is not { IsDue: true, IsSecond: false }) await CheckAsync(request, ct).ConfigureAwait(false);
        return request.Object;
    }

    async ValueTask CheckAsync(AdmissionRequest request, CancellationToken ct)
    {
        var user = request.User;
        if (user.Groups.Contains(Groups.Masters)) return;
        string ns = request.Namespace;
        switch (request.Object, request.OldObject)
        {
            case (ClusterRole role, var old):
                var before = old as ClusterRole;
                if (before is not null && before.Rules == role.Rules && before.AggregationRule == role.AggregationRule) return;
                if (await MayAsync(user, "escalate", "clusterroles", "", role.Metadata.Name, ct).ConfigureAwait(false)) return;
                // Who selects roles to aggregate could come to any rule whatsoever.
                IEnumerable<PolicyRule> wanted = role.AggregationRule is not null && before?.AggregationRule != role.AggregationRule
                    ? [.. role.Rules, new() { Verbs = ["*"], ApiGroups = ["*"], Resources = ["*"] }, new() { Verbs = ["*"], NonResourceURLs = ["*"] }] : role.Rules;
                await CheckAsync(request, role.Metadata.Name, wanted, "", ct).ConfigureAwait(false);
                break;
            case (Role role, var old):
                if (old is Role same && same.Rules == role.Rules) return;
                if (await MayAsync(user, "escalate", "roles", ns, role.Metadata.Name, ct).ConfigureAwait(false)) return;
                await CheckAsync(request, role.Metadata.Name, role.Rules, ns, ct).ConfigureAwait(false);
                break;
            case (ClusterRoleBinding binding, var old):
                if (old is ClusterRoleBinding was && was.RoleRef == binding.RoleRef && was.Subjects == binding.Subjects) return;
                await CheckBindingAsync(request, binding.Metadata.Name, binding.RoleRef, "", ct).ConfigureAwait(false);
                break;
            case (RoleBinding binding, var old):
                if (old is RoleBinding wasLocal && wasLocal.RoleRef == binding.RoleRef && wasLocal.Subjects == binding.Subjects) return;
                await CheckBindingAsync(request, binding.Metadata.Name, binding.RoleRef, ns, ct).ConfigureAwait(false);
                break;
        }
    }

    async ValueTask CheckBindingAsync(AdmissionRequest request, string name, RoleRef role, string ns, CancellationToken ct)
    {
        string resource = role.Kind == "Role" ? "roles" : "clusterroles";
        if (await MayAsync(request.User, "bind", resource, ns, role.Name, ct).ConfigureAwait(false)) return;
        var rules = await rbac.RulesOfRoleAsync(role, ns, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(new(Group, resource), role.Name);
        await CheckAsync(request, name, rules, ns, ct).ConfigureAwait(false);
    }

    async ValueTask CheckAsync(AdmissionRequest request, string name, IEnumerable<PolicyRule> wanted, string ns, CancellationToken ct)
    {
        var (held, errors) = await rbac.RulesOfAsync(request.User, ns, ct).ConfigureAwait(false);
        var missing = RuleCover.Missing(held, wanted);
        if (missing.Count == 0) return;
        string groups = string.Join(" ", request.User.Groups.Select(GoQuote.Text));
        string text = $"user {GoQuote.Text(request.User.Name)} (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n{string.Join("\n", RuleCover.Print(missing))}";
        if (errors.Count > 0) text += "; resolution errors: [" + string.Join(", ", errors) + "]";
        throw Statuses.Forbidden(request.Resource.GroupResource, name, text);
    }

    async ValueTask<bool> MayAsync(Identity user, string verb, string resource, string ns, string name, CancellationToken ct) =>
        (await authorizer.AuthorizeAsync(new()
        {
            User = user, Verb = verb, IsResourceRequest = true, ApiGroup = Group, ApiVersion = "*", Resource = resource, Namespace = ns, Name = name,
        }, ct).ConfigureAwait(false)).Verdict == Verdict.Allow;
}
