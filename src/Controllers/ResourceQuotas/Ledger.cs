using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>What the objects of one resource cost one quota, kept up as they come and go: a change costs what it changes, however many there are.</summary>
/// <remarks>Not for more than one thread at a time. Bound: the objects that the quota is about, which caches hold in any case.</remarks>
sealed class Ledger(ResourceQuota quota, GroupResource resource, DeviceCharges devices)
{
    readonly Dictionary<string, (IObject Object, bool IsLate, Map<Quantity> Cost)> _counted = [];
    /// <summary>Pods that are to be gone by then, and cost nothing but their count from then on.</summary>
    readonly PriorityQueue<string, DateTimeOffset> _ends = new();
    Map<Quantity> _sum;

    public GroupResource Resource => resource;

    public void Set(IObject obj)
    {
        Remove(obj.Metadata.Uid);
        if (!Charges.Matches(quota, quota.Spec.Hard, resource, obj)) return;
        var cost = Cost(obj, false);
        _counted.Add(obj.Metadata.Uid, (obj, false, cost));
        _sum = _sum.Plus(cost);
        if (obj is Pod && obj.Metadata is { DeletionTimestamp: { } at, DeletionGracePeriodSeconds: { } grace }) _ends.Enqueue(obj.Metadata.Uid, at.AddSeconds(grace));
    }

    /// <summary>Counts it anew, when what it costs may have become another by itself.</summary>
    /// <returns>Whether it has.</returns>
    public bool Weigh(IObject obj)
    {
        var before = _counted.TryGetValue(obj.Metadata.Uid, out var known) ? known.Cost : default;
        Set(obj);
        return _counted.TryGetValue(obj.Metadata.Uid, out known) && known.Cost != before;
    }

    public void Remove(string uid)
    {
        if (!_counted.Remove(uid, out var known)) return;
        // What is left of nothing is nothing, in no particular format.
        if (_counted.Count == 0) (_sum, _) = (default, Clear());
        else Take(known.Cost);
    }

    bool Clear()
    {
        _ends.Clear();
        return true;
    }

    public Map<Quantity> Sum(DateTimeOffset now)
    {
        while (_ends.TryPeek(out string? uid, out var at) && at < now)
        {
            _ends.Dequeue();
            // It may have been counted anew since, with another end.
            if (!_counted.TryGetValue(uid, out var known) || known.IsLate || End(known.Object) is not { } end || end >= now) continue;
            var cost = Cost(known.Object, true);
            _counted[uid] = (known.Object, true, cost);
            Take(known.Cost);
            _sum = _sum.Plus(cost);
        }
        return _sum;
    }

    /// <summary>When the next of them ends to cost anything without a change.</summary>
    public DateTimeOffset? Next => _ends.TryPeek(out _, out var at) ? at : null;

    static DateTimeOffset? End(IObject obj) => obj.Metadata is { DeletionTimestamp: { } at, DeletionGracePeriodSeconds: { } grace } ? at.AddSeconds(grace) : null;

    Map<Quantity> Cost(IObject obj, bool late) => Charges.Of(resource, obj, late ? DateTimeOffset.MaxValue : DateTimeOffset.MinValue, devices);

    void Take(Map<Quantity> cost)
    {
        foreach (var (name, value) in cost) _sum = _sum.Set(name, _sum[name] - value);
    }
}
