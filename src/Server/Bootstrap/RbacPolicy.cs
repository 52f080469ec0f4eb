using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Bootstrap.Policy;

namespace Hanbae.Server.Bootstrap;

/// <summary>Keeps the default roles and bindings: made when missing, extended when a rule or subject is missing, never cut.</summary>
static class RbacPolicy
{
    static readonly bool s_trustBundles = Discovery.ServedGroup.BuiltIn.Any(g => g.Name == "certificates.k8s.io" && g.Versions.Any(v => v.Resources.Exists(r => r.Name == "clustertrustbundles")));
    const string AutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

    public static async Task EnsureAsync(Ensure ensure, CancellationToken ct)
    {
        var policy = PolicyText.Read(ClusterRoles.Text, ControllerRoles.Text, HanbaeRoles.Text);
        if (!s_trustBundles) WithoutTrustBundles(policy);
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

    /// <summary>As upstream, whose roles speak of trust bundles only where the feature is on.</summary>
    static void WithoutTrustBundles(PolicyText policy)
    {
        for (int i = policy.Roles.Count - 1; i >= 0; i--)
            if (policy.Roles[i] is ClusterRole role && role.Rules.Exists(OfTrustBundles))
            {
                var rest = role.Rules.Where(r => !OfTrustBundles(r)).ToSeq();
                if (rest.Count > 0) policy.Roles[i] = role with { Rules = rest };
                else
                {
                    policy.Roles.RemoveAt(i);
                    policy.Bindings.RemoveAll(b => b is ClusterRoleBinding binding && binding.RoleRef.Name == role.Metadata.Name);
                }
            }
    }

    static bool OfTrustBundles(PolicyRule rule) => rule.Resources.Contains("clustertrustbundles");

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
