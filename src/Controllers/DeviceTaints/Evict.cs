using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Client;
using Hanbae.Controllers.Nodes;
using Hanbae.Controllers.ResourceClaims;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;
using Rule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Controllers.DeviceTaints;

/// <summary>Removes Pods whose devices got NoExecute taints that their claims do not bear, or no longer (KEP-5055).</summary>
/// <remarks>Taints come from the drivers' ResourceSlices, and from DeviceTaintRules where these are served. A key without a namespace is a rule.</remarks>
sealed class Evict : IReconciler
{
    readonly IClusterAccess _cluster;
    readonly ICache<Pod> _pods;
    readonly ICache<ResourceClaim> _claims;
    readonly ICache<ResourceSlice> _slices;
    readonly WhenServed<Rule> _rules;
    readonly Devices _devices;
    /// <summary>Pods that wait for their time: so that it can be told when they need not go after all.</summary>
    readonly ConcurrentDictionary<Key, string> _waiting = new();
    /// <summary>How many were removed for each rule, by uid.</summary>
    readonly ConcurrentDictionary<string, int> _evicted = new();
    Action<Key> _add = static _ => { };

    public Evict(IClusterAccess cluster)
    {
        _cluster = cluster;
        (_pods, _claims, _slices, _rules) = (cluster.Cache<Pod>(), cluster.Cache<ResourceClaim>(), cluster.Cache<ResourceSlice>(), new(cluster));
        _devices = new(_pods, _claims, _slices);
    }

    public void Watch(Triggers on)
    {
        _devices.Index();
        on.From(add => { _add = add; return _pods.Subscribe(OnPod); }).From(_ => _claims.Subscribe(OnClaim)).From(_ => _slices.Subscribe(OnSlice)).From(_ => _rules.Subscribe(OnRule))
            .Needs(_pods).Needs(_claims).Needs(_slices);
    }

    void OnPod(CacheEvent<Pod> e)
    {
        if (e.Old is { } old && old.UsesClaims() && old.Metadata.Uid != e.New?.Metadata.Uid) _add(Key.Of(old));
        if (e.New is { } pod && pod.UsesClaims()
            && (e.Old is null || e.Old.Spec.NodeName != pod.Spec.NodeName || e.Old.Status.ResourceClaimStatuses != pod.Status.ResourceClaimStatuses || pod.Metadata.DeletionTimestamp != e.Old.Metadata.DeletionTimestamp))
            _add(Key.Of(pod));
    }

    void OnClaim(CacheEvent<ResourceClaim> e)
    {
        if (e is { Old: { } old, New: { } now } && old.Metadata.Uid == now.Metadata.Uid && old.Status.Allocation == now.Status.Allocation && old.Status.ReservedFor == now.Status.ReservedFor) return;
        if (e.Old is { } before) Look(before);
        if (e.New is { } claim) Look(claim);
    }

    void OnSlice(CacheEvent<ResourceSlice> e)
    {
        if (!Tainted(e.Old) && !Tainted(e.New) || e is { Old: { } old, New: { } now } && old.Spec == now.Spec) return;
        foreach (var claim in _devices.ClaimsOn(e.Object)) Look(claim);
    }

    static bool Tainted(ResourceSlice? slice) => slice is not null && slice.Spec.Devices.Exists(d => !d.Taints.IsEmpty);

    void OnRule(CacheEvent<Rule> e)
    {
        if (e is { Old: { } old, New: { } now } && old.Metadata.Uid == now.Metadata.Uid && old.Spec == now.Spec) return;
        if (e.Old is { } before && before.Metadata.Uid != e.New?.Metadata.Uid) _evicted.TryRemove(before.Metadata.Uid, out _);
        if (e.New is not null) _add(Key.Of(e.New));
        // Rules change seldom: every claim is looked at.
        foreach (var claim in _claims.All)
            if (claim.Status.Allocation?.Devices.Results.Exists(r => e.Old is { } was && Eviction.Selects(was, r.Driver, r.Pool, r.Device)
                || e.New is { } rule && Eviction.Selects(rule, r.Driver, r.Pool, r.Device)) == true)
                Look(claim);
    }

    void Look(ResourceClaim claim)
    {
        foreach (var pod in _devices.UsersOf(claim)) _add(Key.Of(pod));
        // What named it and is no longer among its users.
        foreach (var pod in _pods.NamingClaim(Key.Of(claim))) _add(Key.Of(pod));
    }

    public Task<Again> ReconcileAsync(Key key, CancellationToken ct) => key.Namespace.Length == 0 ? ReportAsync(key, ct) : EvictAsync(key, ct);

    async Task<Again> EvictAsync(Key key, CancellationToken ct)
    {
        var now = _cluster.Time.GetUtcNow();
        if (_pods.Find(key) is not { Metadata.DeletionTimestamp: null } pod)
        {
            _waiting.TryRemove(key, out _);
            return Again.OnChange;
        }
        if (_devices.EvictionOf(pod, _rules.All) is not { } eviction)
        {
            if (_waiting.TryRemove(key, out string? uid) && uid == pod.Metadata.Uid) _cluster.Recorder.Event(pod, "Normal", "DeviceTaintManagerEviction", "Cancelling deletion");
            return Again.OnChange;
        }
        Report(eviction);
        _waiting[key] = pod.Metadata.Uid;
        if (eviction.At > now) return Again.At(eviction.At);
        // The cache may be behind: who has begun to end needs neither a word nor a mark.
        if (await _cluster.Client.FindAsync<Pod>(key, ct) is not { Metadata.DeletionTimestamp: null } there || there.Metadata.Uid != pod.Metadata.Uid) return Again.OnChange;
        _cluster.Recorder.Event(there, "Normal", "DeviceTaintManagerEviction", "Marking for deletion");
        var marked = Disruption.Mark(there, "DeletionByDeviceTaintManager", "Device Taint manager: deleting due to NoExecute taint", now);
        await _cluster.Client.UpdateStatusIfChangedAsync(there, marked, ct);
        bool removed = await _cluster.Client.TryDeleteAsync<Pod>(key, Preconditions.Uid(pod), ct);
        _waiting.TryRemove(key, out _);
        if (!removed) return Again.OnChange;
        foreach (string rule in eviction.Rules) _evicted.AddOrUpdate(rule, 1, static (_, n) => n + 1);
        Report(eviction);
        return Again.OnChange;
    }

    void Report(Eviction eviction)
    {
        if (eviction.Rules.IsEmpty) return;
        foreach (var rule in _rules.All) if (eviction.Rules.Contains(rule.Metadata.Uid)) _add(Key.Of(rule));
    }

    async Task<Again> ReportAsync(Key key, CancellationToken ct)
    {
        if (_rules.Find(key) is not { } rule) return Again.OnChange;
        var now = _cluster.Time.GetUtcNow();
        foreach (var said in rule.Status.Conditions)
            if (said is { Type: RuleCondition.Type, LastTransitionTime: { } at } && said.ObservedGeneration == rule.Metadata.Generation && now - at < RuleCondition.Period)
                return Again.At(at + RuleCondition.Period);
        // What would be if it drove off: it is asked with that effect.
        var rules = rule.Spec.Taint.Effect != "None" ? _rules.All
            : [.. _rules.All.Where(r => r.Metadata.Uid != rule.Metadata.Uid), rule with { Spec = rule.Spec with { Taint = rule.Spec.Taint with { Effect = "NoExecute" } } }];
        bool once = rule.Spec.Taint.Effect == "None" && rule.Status.Conditions.Exists(c => c.Type == RuleCondition.Type && c.ObservedGeneration == rule.Metadata.Generation);
        if (once) return Again.OnChange;
        var reach = _devices.ReachOf(rule, rules);
        await _cluster.Client.UpdateStatusIfChangedAsync(rule, RuleCondition.Say(rule, reach, _evicted.GetValueOrDefault(rule.Metadata.Uid), now), ct);
        return rule.Spec.Taint.Effect == "NoExecute" && reach.Pods > 0 ? Again.In(RuleCondition.Period) : Again.OnChange;
    }
}
