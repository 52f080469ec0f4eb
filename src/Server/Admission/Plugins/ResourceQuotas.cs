using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;
using Hanbae.Server.Admission.Configuration;
using Hanbae.Server.Cache;
using DeviceClass = Hanbae.Api.Resource.V1.DeviceClass;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Refuses what would use more than a namespace's quotas allow, and notes in their status what is used, before it is written.</summary>
/// <remarks>
/// The last plugin: nobody changes the object any more, and what is refused elsewhere costs nothing. What is charged and then not written after all
/// (the name is taken) is given back.
/// </remarks>
sealed class ResourceQuotas(ServedObjects objects, TimeProvider time, IReadOnlyList<LimitedResource> limited) : IValidates
{
    static readonly GroupResource s_pods = new("", "pods");
    /// <summary>More namespaces charged at different times, and all begin anew: what was charged by then is given back by the next count only.</summary>
    const int MostLedgers = 4096;
    readonly ConcurrentDictionary<string, ResourceQuotasLedger> _ledgers = new();

    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation switch
    {
        // Events are never limited: they would hide why something else is refused.
        Operation.Create => subresource.Length == 0 && resource.Resource != "events",
        Operation.Update when resource.Group.Length == 0 => (resource.Resource, subresource) is ("services", "") or ("pods", "" or "resize") or ("persistentvolumeclaims", "" or "status"),
        Operation.Update => resource is { Group: "resource.k8s.io", Resource: "resourceclaims" } && subresource.Length == 0,
        _ => false,
    };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Namespace.Length == 0 || request.Object is not IObject obj) return;
        // A Pod may come from one scope to another by its deadline; nothing else that an update changes costs anything.
        if (obj is Pod && request is { Operation: Operation.Update, Subresource: "", OldObject: { } before } && QuotaScopes.Alike(before, obj)) return;
        var quotas = await objects.ListAsync<ResourceQuota>(request.Namespace, ct).ConfigureAwait(false);
        var resource = request.Resource.GroupResource;
        if (limited.Count == 0 && quotas.Count == 0) return;
        var devices = await DevicesAsync(request, ct).ConfigureAwait(false);
        if (limited.Count > 0) LimitedUse.Check(request, resource, obj, quotas, limited, time.GetUtcNow(), devices);
        if (!quotas.Any(q => q.Status.Hard.Any(h => Charges.Concerns(resource, h.Key)))) return;
        if (request.Subresource == "status" && request.OldObject is PersistentVolumeClaim old && obj is PersistentVolumeClaim now
            && old.Status.AllocatedResources == now.Status.AllocatedResources && old.Status.CurrentVolumeAttributesClassName == now.Status.CurrentVolumeAttributesClassName
            && old.Status.ModifyVolumeStatus?.TargetVolumeAttributesClassName == now.Status.ModifyVolumeStatus?.TargetVolumeAttributesClassName) return;
        if (_ledgers.Count > MostLedgers) _ledgers.Clear();
        var ledger = _ledgers.GetOrAdd(request.Namespace, static (ns, o) => new(ns, o), objects);
        request.Unwritten.Add(await ledger.ChargeAsync(new(request.DryRun, quota => Cost(request, resource, obj, quota, devices)), ct).ConfigureAwait(false));
    }

    static readonly DeviceCharges s_none = new(static _ => null, static _ => null);

    /// <summary>What is to be known besides a claim to say what it costs.</summary>
    async ValueTask<DeviceCharges> DevicesAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not ResourceClaim) return s_none;
        Dictionary<string, string?> resources = [];
        Dictionary<Key, Pod?> pods = [];
        foreach (var claim in new[] { request.Object, request.OldObject }.OfType<ResourceClaim>())
        {
            foreach (string name in DeviceCharges.ClassesOf(claim))
                if (!resources.ContainsKey(name)) resources[name] = (await objects.FindAsync<DeviceClass>("", name, ct).ConfigureAwait(false))?.Spec.ExtendedResourceName;
            if (DeviceCharges.PodOf(claim) is { } owner) pods[new(request.Namespace, owner.Name)] = await objects.FindAsync<Pod>(request.Namespace, owner.Name, ct).ConfigureAwait(false);
        }
        return new(name => resources.GetValueOrDefault(name), key => pods.GetValueOrDefault(key));
    }

    /// <summary>What the object is going to cost of a quota; nothing when that is not concerned.</summary>
    /// <exception cref="Errors.StatusException">The quota does not allow it.</exception>
    Map<Quantity> Cost(AdmissionRequest request, GroupResource resource, IObject obj, ResourceQuota quota, DeviceCharges devices)
    {
        var hard = quota.Status.Hard;
        if (!Charges.Matches(quota, hard, resource, obj)) return default;
        if (resource == s_pods && obj is Pod pod && Charges.Missing(pod, hard.Select(h => h.Key)) is { } missing)
            throw Refuse.Because(request, $"failed quota: {quota.Metadata.Name}: {missing}");
        string[] unknown = [.. hard.Select(h => h.Key).Where(h => Charges.Concerns(resource, h) && !quota.Status.Used.ContainsKey(h)).Order(StringComparer.Ordinal)];
        if (unknown.Length > 0)
        {
            string[] all = [.. hard.Select(h => h.Key).Where(h => Charges.Concerns(resource, h)).Order(StringComparer.Ordinal)];
            throw Refuse.Because(request, $"status unknown for quota: {quota.Metadata.Name}, resources: {string.Join(",", all)}");
        }
        var cost = Charges.Of(resource, obj, time.GetUtcNow(), devices);
        string[] negative = [.. cost.Where(c => c.Value.Sign < 0).Select(c => c.Key).Order(StringComparer.Ordinal)];
        if (negative.Length > 0) throw Refuse.Because(request, $"quota usage is negative for resource(s): {string.Join(",", negative)}");
        // An object that comes under the quota by this very change costs all of it.
        if (request.Operation == Operation.Update && request.OldObject is { } old && Charges.Matches(quota, hard, resource, old))
            cost = cost.Beyond(Charges.Of(resource, old, time.GetUtcNow(), devices));
        var requested = cost.Only(hard.ContainsKey).Where(c => !c.Value.IsZero).ToMap();
        if (requested.IsEmpty) return default;
        var used = quota.Status.Used.Plus(requested);
        if (request.Subresource != "status")
        {
            var exceeded = requested.Where(r => used[r.Key] > hard[r.Key]).ToMap();
            if (!exceeded.IsEmpty)
                throw Refuse.Because(request, $"exceeded quota: {quota.Metadata.Name}, requested: {exceeded.Listed}, "
                    + $"used: {quota.Status.Used.Only(exceeded.ContainsKey).Listed}, limited: {hard.Only(exceeded.ContainsKey).Listed}");
        }
        return requested;
    }
}
