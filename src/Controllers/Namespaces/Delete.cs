using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Namespaces;

/// <summary>Empties namespaces that are to go, and lets them go when they are empty.</summary>
/// <remarks>
/// First the Pods, and when they are gone every other resource is deleted as a whole, and then looked at: what finalizers or running Pods
/// hold back is told in the conditions and waited for. Only a namespace that was seen empty is finalized.
/// </remarks>
sealed class Delete(IClusterAccess cluster) : IReconciler
{
    static readonly GroupResource Pods = new("", "pods");
    /// <summary>How long to wait for what goes by itself.</summary>
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>With all that it owns: kinds that leave theirs behind by default would wait for the collector to see to that.</summary>
    static readonly Api.Meta.V1.DeleteOptions s_whole = new() { PropagationPolicy = "Background" };

    readonly IApiTransport _transport = cluster.Client.Transport;
    readonly ICache<Namespace> _namespaces = cluster.Cache<Namespace>();

    public void Watch(Triggers on) => on.When(_namespaces, e => e.New is { Metadata.DeletionTimestamp: not null });

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_namespaces.Find(key) is not { Metadata.DeletionTimestamp: not null } ns || !ns.Spec.Finalizers.Contains("kubernetes")) return Again.OnChange;
        var left = new List<Leftover>();
        var failures = new List<string>();
        string unknown = "";
        var resources = Contents.BuiltIn;
        // What is not known to be there cannot be deleted: the namespace stays until discovery answers.
        try
        {
            var served = await ServerResources.DiscoverAsync(_transport, ct);
            resources = Contents.Of(served);
            if (!served.Stale.IsEmpty)
                unknown = $"Discovery failed for some groups, {served.Stale.Length} failing: unable to retrieve the complete list of server APIs: "
                    + string.Join(", ", served.Stale.Select(v => $"{v}: stale GroupVersion discovery: {v}"));
        }
        catch (ApiException e) { unknown = e.Message; }
        foreach (var resource in resources.OrderBy(r => r.Gvr.GroupResource != Pods))
        {
            try
            {
                if (await RemoveAsync(resource, key.Name, ct) is { Count: > 0 } rest) left.Add(rest);
            }
            catch (ApiException e) when (e.Code is 404 or 405) { /* This server does not serve it: there is nothing of it. */ }
            catch (ApiException e) { failures.Add(e.Message); }
            // What runs goes first: nothing runs without the policies and secrets it was given (KEP-5080).
            if (resource.Gvr.GroupResource == Pods && (left.Count > 0 || failures.Count > 0)) break;
        }

        var status = ns.Status with { Phase = "Terminating", Conditions = DeleteConditions.For(ns.Status.Conditions, left, failures, unknown, cluster.Time.GetUtcNow()) };
        try
        {
            ns = await cluster.Client.UpdateStatusIfChangedAsync(ns, ns with { Status = status }, ct);
            if (failures.Count + unknown.Length > 0) return Again.WithBackoff;
            if (left.Count > 0) return Again.In(Pause);
            var final = ns with { Spec = ns.Spec with { Finalizers = ns.Spec.Finalizers.Where(f => f != "kubernetes").ToSeq() } };
            (await _transport.SendAsync(Requests.Update(final, "finalize"), ct)).OrThrow();
        }
        catch (ApiException e) when (e.IsNotFound) { } // it is gone, by this very hand perhaps, and the cache does not show it yet
        return Again.OnChange;
    }

    /// <returns>What is still there.</returns>
    async Task<Leftover> RemoveAsync(ResourceInfo resource, string ns, CancellationToken ct)
    {
        var list = await ListAsync(resource, ns, ct);
        if (list.Count == 0) return new(resource.Gvr, 0, []);
        if (resource.Verbs.Contains("deletecollection"))
            (await _transport.SendAsync(Requests.DeleteCollection(resource, new() { Namespace = ns }, s_whole), ct)).OrThrow();
        else
            foreach (var obj in list)
            {
                var answer = await _transport.SendAsync(Requests.Delete(resource, Key.Of(obj), s_whole), ct);
                if (answer.Code != 404) answer.OrThrow();
            }
        list = await ListAsync(resource, ns, ct);
        return new(resource.Gvr, list.Count, [.. list.SelectMany(o => o.Metadata.Finalizers)]);
    }

    async Task<IReadOnlyList<IObject>> ListAsync(ResourceInfo resource, string ns, CancellationToken ct) =>
        (await _transport.SendAsync(Requests.List(resource, new() { Namespace = ns }), ct)).OrThrow().List?.Items ?? [];
}

/// <summary>What a namespace still holds of one resource.</summary>
readonly record struct Leftover(GroupVersionResource Resource, int Count, ImmutableArray<string> Finalizers);

/// <summary>Everything that can be in a namespace.</summary>
static class Contents
{
    public static ImmutableArray<ResourceInfo> BuiltIn { get; } = Of(ServerResources.BuiltIn);

    /// <summary>Each resource once, by the version that its group prefers; what is still to be had in extensions has its place in other groups.</summary>
    public static ImmutableArray<ResourceInfo> Of(ServerResources served) =>
        [.. served.Preferred.Where(r => r.Namespaced && r.Gvr.Group != "extensions" && r.Verbs.Contains("list") && r.Verbs.Contains("delete"))];
}
