using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>What a quota's status has to say of its namespace as it is.</summary>
static class CountPlan
{
    /// <summary>What costs more than its count.</summary>
    public static readonly ImmutableArray<GroupResource> Measured = [new("", "pods"), new("", "services"), new("", "persistentvolumeclaims"), new("resource.k8s.io", "resourceclaims")];

    /// <summary>The resources whose mere number the quota limits.</summary>
    public static IEnumerable<GroupResource> Counted(ResourceQuota quota) =>
        quota.Spec.Hard.Select(h => ResourceOf(h.Key)).OfType<GroupResource>().Where(r => !Charges.IsMeasured(r)).Distinct();

    static GroupResource? ResourceOf(string name)
    {
        if (name.StartsWith("count/", StringComparison.Ordinal))
        {
            string rest = name["count/".Length..];
            int dot = rest.IndexOf('.');
            return dot < 0 ? new("", rest) : new(rest[(dot + 1)..], rest[..dot]);
        }
        var plain = new GroupResource("", name);
        return Charges.NamesOf(plain).Plain is not null ? plain : null;
    }

    /// <param name="sums">What the quota's namespace uses of each resource that is measured and that the quota limits.</param>
    /// <param name="counts">The number of all others; null when it is not known, and the quota's last word stands.</param>
    public static ResourceQuotaStatus For(ResourceQuota quota, IReadOnlyDictionary<GroupResource, Map<Quantity>> sums, Func<GroupResource, int?> counts)
    {
        var hard = quota.Spec.Hard;
        var used = quota.Status.Used.Only(hard.ContainsKey);
        foreach (var (name, _) in hard)
        {
            // Pods and claims may both use it.
            Quantity? total = null;
            foreach (var (resource, sum) in sums)
                if (Charges.Concerns(resource, name)) total = total is { } others ? others + sum[name] : sum[name];
            if (total is { } all) used = used.Set(name, all);
        }
        // No scope says anything of these: a quota that has one counts none of them.
        bool scoped = !quota.Spec.Scopes.IsEmpty || quota.Spec.ScopeSelector is { MatchExpressions.IsEmpty: false };
        foreach (var resource in Counted(quota))
        {
            int? count = scoped ? 0 : counts(resource);
            var (name, plain) = Charges.NamesOf(resource);
            foreach (string? n in (string?[])[name, plain])
                if (n is not null && count is { } known && hard.ContainsKey(n)) used = used.Set(n, new Quantity(known));
        }
        return quota.Status with { Hard = hard, Used = used };
    }

    /// <summary>Whether a change of an object may have given something back.</summary>
    public static bool Frees(GroupResource resource, IObject? old, IObject? now, DateTimeOffset at, DeviceCharges devices) =>
        old is not null && (now is null || !QuotaScopes.Alike(old, now) || !Charges.Of(resource, old, at, devices).Equals(Charges.Of(resource, now, at, devices)));
}
