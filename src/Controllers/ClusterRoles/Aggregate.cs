using Hanbae.Api;
using Hanbae.Api.Rbac.V1;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.ClusterRoles;

/// <summary>Gives roles that are put together from others the rules of those that their selectors name.</summary>
sealed class Aggregate(IClusterAccess cluster) : IReconciler
{
    readonly ICache<ClusterRole> _roles = cluster.Cache<ClusterRole>();

    const string Gathering = "gathering";

    // A role is a part of those that its labels, as they are or were, say.
    public void Watch(Triggers on)
    {
        _roles.AddIndex(Gathering, static r => r.AggregationRule is null ? [] : [Gathering]);
        on.Map(_roles, role => _roles.ByIndex(Gathering, Gathering).Where(r => r.AggregationRule!.ClusterRoleSelectors.Exists(s => s.ToSelector().Matches(role.Metadata.Labels))).Select(Key.Of))
            .When(_roles, e => e.New?.AggregationRule is not null);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_roles.Find(key) is not { AggregationRule: { } rule } role || role.IsBeingDeleted) return Again.OnChange;
        var rules = RulesFor(role, rule, _roles.All);
        if (rules != role.Rules) await cluster.Client.UpdateAsync(role with { Rules = rules }, ct);
        return Again.OnChange;
    }

    /// <summary>Each rule once, in the order of selectors and of the names of roles.</summary>
    internal static Seq<PolicyRule> RulesFor(ClusterRole role, AggregationRule rule, IEnumerable<ClusterRole> all)
    {
        var sorted = all.Where(r => r.Metadata.Name != role.Metadata.Name).OrderBy(r => r.Metadata.Name, StringComparer.Ordinal).ToList();
        var rules = new List<PolicyRule>();
        foreach (var selector in rule.ClusterRoleSelectors.Select(s => s.ToSelector()))
            foreach (var part in sorted.Where(r => selector.Matches(r.Metadata.Labels)))
                foreach (var one in part.Rules)
                    if (!rules.Contains(one)) rules.Add(one);
        return rules.ToSeq();
    }
}
