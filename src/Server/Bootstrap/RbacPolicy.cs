using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Bootstrap.Policy;

namespace Hanbae.Server.Bootstrap;

/// <summary>Keeps the default roles and bindings: made when missing, extended when a rule or subject is missing, never cut.</summary>
static class RbacPolicy
{
    /// <summary>What default roles speak of only where it is served: upstream's features that are off by default.</summary>
    static readonly string[] s_optional = ["clustertrustbundles", "podcertificaterequests"];
    const string AutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

    /// <param name="served">Of the resources that are not served by default, those that are.</param>
    public static async Task EnsureAsync(Ensure ensure, MoreServed served, CancellationToken ct)
    {
        var policy = PolicyText.Read(ClusterRoles.Text, ControllerRoles.Text, HanbaeRoles.Text);
        foreach (string resource in s_optional)
            if (!served.Has(new GroupResource("certificates.k8s.io", resource))) Without(policy, resource);
        await Task.WhenAll(
            ensure.AllAsync(policy.Roles.OfType<ClusterRole>(), (there, wanted) => Merge(there, wanted), ct),
            ensure.AllAsync(policy.Roles.OfType<Role>(), (there, wanted) => Merge(there, wanted), ct)).ConfigureAwait(false);
        // What a binding is of cannot be changed: one that is of another role gives way, as upstream's do.
        await ensure.RemoveAsync<ClusterRoleBinding>(there => !IsLeftAlone(there.Metadata) && IsOfAnother(policy, there, there.RoleRef), ct).ConfigureAwait(false);
        await ensure.RemoveAsync<RoleBinding>(there => !IsLeftAlone(there.Metadata) && IsOfAnother(policy, there, there.RoleRef), ct).ConfigureAwait(false);
        await Task.WhenAll(
            ensure.AllAsync(policy.Bindings.OfType<ClusterRoleBinding>(), (there, wanted) => Merge(there, wanted), ct),
            ensure.AllAsync(policy.Bindings.OfType<RoleBinding>(), (there, wanted) => Merge(there, wanted), ct)).ConfigureAwait(false);
    }

    /// <summary>Who would do nothing but publish or clean them away has no role at all.</summary>
    static void Without(PolicyText policy, string resource)
    {
        for (int i = policy.Roles.Count - 1; i >= 0; i--)
            if (policy.Roles[i] is ClusterRole role && role.Rules.Exists(Speaks))
            {
                var rest = role.Rules.Where(r => !Speaks(r)).ToSeq();
                if (!role.Metadata.Name.StartsWith("system:controller:", StringComparison.Ordinal) && rest.Count > 0) policy.Roles[i] = role with { Rules = rest };
                else
                {
                    policy.Roles.RemoveAt(i);
                    policy.Bindings.RemoveAll(b => b is ClusterRoleBinding binding && binding.RoleRef.Name == role.Metadata.Name);
                }
            }

        bool Speaks(PolicyRule rule) => rule.Resources.Contains(resource);
    }

    static bool IsOfAnother<T>(PolicyText policy, T there, RoleRef role) where T : IObject => policy.Bindings.Exists(wanted => wanted is T
        && wanted.Metadata.Name == there.Metadata.Name && wanted.Metadata.Namespace == there.Metadata.Namespace
        && (wanted is ClusterRoleBinding { RoleRef: var everywhere } ? everywhere : ((RoleBinding)(IObject)wanted).RoleRef) != role);

    static bool IsLeftAlone(ObjectMeta there) => there.Annotations[AutoUpdate] == "false";

    static ObjectMeta Merge(ObjectMeta there, ObjectMeta wanted) => there with { Labels = wanted.Labels.With(there.Labels), Annotations = wanted.Annotations.With(there.Annotations) };

    internal static ClusterRole Merge(ClusterRole there, ClusterRole wanted)
    {
        if (IsLeftAlone(there.Metadata)) return there;
        // The rules of roles that are put together are the aggregation controller's.
        var merged = there with
        {
            Metadata = Merge(there.Metadata, wanted.Metadata), AggregationRule = Merge(there.AggregationRule, wanted.AggregationRule),
            Rules = wanted.AggregationRule is null ? Merge(there.Rules, wanted.Rules) : there.Rules,
        };
        return merged == there ? there : merged;
    }

    static AggregationRule? Merge(AggregationRule? there, AggregationRule? wanted) => there is null || wanted is null ? wanted ?? there
        : there with { ClusterRoleSelectors = [.. there.ClusterRoleSelectors, .. wanted.ClusterRoleSelectors.Where(s => !there.ClusterRoleSelectors.Contains(s))] };

    static Role Merge(Role there, Role wanted)
    {
        if (IsLeftAlone(there.Metadata)) return there;
        var merged = there with { Metadata = Merge(there.Metadata, wanted.Metadata), Rules = Merge(there.Rules, wanted.Rules) };
        return merged == there ? there : merged;
    }

    static Seq<PolicyRule> Merge(Seq<PolicyRule> there, Seq<PolicyRule> wanted) =>
        [.. there, .. wanted.Where(rule => RuleCover.Missing(there, [rule]).Count > 0)];

    static ClusterRoleBinding Merge(ClusterRoleBinding there, ClusterRoleBinding wanted)
    {
        if (IsLeftAlone(there.Metadata)) return there;
        var merged = there with { Metadata = Merge(there.Metadata, wanted.Metadata), Subjects = Merge(there.Subjects, wanted.Subjects) };
        return merged == there ? there : merged;
    }

    static RoleBinding Merge(RoleBinding there, RoleBinding wanted)
    {
        if (IsLeftAlone(there.Metadata)) return there;
        var merged = there with { Metadata = Merge(there.Metadata, wanted.Metadata), Subjects = Merge(there.Subjects, wanted.Subjects) };
        return merged == there ? there : merged;
    }

    static Seq<Subject> Merge(Seq<Subject> there, Seq<Subject> wanted) => [.. there, .. wanted.Where(s => !there.Contains(s))];
}
