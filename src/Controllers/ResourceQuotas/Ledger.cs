using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>What the objects of one resource cost one quota, kept up as they come and go: a change costs what it changes, however many there are.</summary>
/// <remarks>Not for more than one thread at a time. Bound: the objects that the quota is about, which caches hold in any case.</remarks>
/// <param name="names">What claims to devices depend on, which changes without them: they, who are few, are summed up when asked for.</param>
sealed class Ledger(ResourceQuota quota, GroupResource resource, IDeviceNames? names = null)
{
    readonly Dictionary<string, (IObject Object, bool IsLate)> _counted = [];
    /// <summary>Pods that are to be gone by then, and cost nothing but their count from then on.</summary>
    readonly PriorityQueue<string, DateTimeOffset> _ends = new();
    Map<Quantity> _sum;

    public GroupResource Resource => resource;

    public void Set(IObject obj)
    {
        Remove(obj.Metadata.Uid);
        if (!Charges.Matches(quota, quota.Spec.Hard, resource, obj)) return;
        _counted.Add(obj.Metadata.Uid, (obj, false));
        _sum = _sum.Plus(Cost(obj, false));
        if (obj is Pod && obj.Metadata is { DeletionTimestamp: { } at, DeletionGracePeriodSeconds: { } grace }) _ends.Enqueue(obj.Metadata.Uid, at.AddSeconds(grace));
    }

    public void Remove(string uid)
    {
        if (!_counted.Remove(uid, out var known)) return;
        // What is left of nothing is nothing, in no particular format.
        if (_counted.Count == 0) (_sum, _) = (default, Clear());
        else Take(Cost(known.Object, known.IsLate));
    }

    bool Clear()
    {
        _ends.Clear();
        return true;
    }

    public Map<Quantity> Sum(DateTimeOffset now)
    {
        if (names is not null) return _counted.Values.Aggregate(default(Map<Quantity>), (sum, known) => sum.Plus(Charges.Of(resource, known.Object, now, names)));
        while (_ends.TryPeek(out string? uid, out var at) && at < now)
        {
            _ends.Dequeue();
            // It may have been counted anew since, with another end.
            if (!_counted.TryGetValue(uid, out var known) || known.IsLate || End(known.Object) is not { } end || end >= now) continue;
            _counted[uid] = (known.Object, true);
            Take(Cost(known.Object, false));
            _sum = _sum.Plus(Cost(known.Object, true));
        }
        return _sum;
    }

    /// <summary>When the next of them ends to cost anything without a change.</summary>
    public DateTimeOffset? Next => _ends.TryPeek(out _, out var at) ? at : null;

    static DateTimeOffset? End(IObject obj) => obj.Metadata is { DeletionTimestamp: { } at, DeletionGracePeriodSeconds: { } grace } ? at.AddSeconds(grace) : null;

    Map<Quantity> Cost(IObject obj, bool late) => Charges.Of(resource, obj, late ? DateTimeOffset.MaxValue : DateTimeOffset.MinValue);

    void Take(Map<Quantity> cost)
    {
        foreach (var (name, value) in cost) _sum = _sum.Set(name, _sum[name] - value);
    }
}
