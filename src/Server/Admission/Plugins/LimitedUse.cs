using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;
using Hanbae.Server.Admission.Configuration;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Refuses what may only be used where a quota covers it, and none does.</summary>
static class LimitedUse
{
    /// <exception cref="Errors.StatusException">In upstream's words.</exception>
    public static void Check(AdmissionRequest request, GroupResource resource, IObject obj, IReadOnlyList<ResourceQuota> quotas, IReadOnlyList<LimitedResource> limited, DateTimeOffset now, DeviceCharges devices)
    {
        var mine = limited.Where(l => l.Group == resource.Group && l.Resource == resource.Resource).ToArray();
        if (mine.Length == 0) return;
        // Only what an update adds is new use.
        var cost = Charges.Of(resource, obj, now, devices);
        if (request.Operation == Operation.Update && request.OldObject is { } old) cost = cost.Beyond(Charges.Of(resource, old, now, devices));
        var covering = quotas.Where(q => Charges.Matches(q, q.Status.Hard, resource, obj)).ToArray();
        string[] uncovered = [.. cost.Select(c => c.Key)
            .Where(name => mine.Any(l => l.Contains.Any(part => name.Contains(part, StringComparison.Ordinal))) && !covering.Any(q => q.Status.Hard.ContainsKey(name)))
            .Order(StringComparer.Ordinal)];
        if (uncovered.Length > 0) throw Refuse.Because(request, $"insufficient quota to consume: {string.Join(",", uncovered)}");
        foreach (var scope in mine.SelectMany(l => l.Scopes).Where(s => QuotaScopes.Matches(s, obj)))
            if (!covering.Any(q => q.Spec.Scopes.Contains(scope.ScopeName) || (q.Spec.ScopeSelector?.MatchExpressions.Exists(t => t.ScopeName == scope.ScopeName) ?? false)))
                throw Refuse.Because(request, $"insufficient quota to match these scopes: [{{{scope.ScopeName} {scope.Operator} [{string.Join(" ", scope.Values)}]}}]");
    }
}
