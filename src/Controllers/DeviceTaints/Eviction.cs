using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Rule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Controllers.DeviceTaints;

/// <summary>When a Pod has to go for the taints of its devices, and which rules are among the reasons.</summary>
/// <param name="Rules">Uids of DeviceTaintRules; taints that a driver published are nobody's to count.</param>
readonly record struct Eviction(DateTimeOffset At, ImmutableHashSet<string> Rules)
{
    const string NoExecute = "NoExecute";

    /// <param name="allocation">What a claim has been given.</param>
    /// <param name="published">The taints that its driver says a device has.</param>
    /// <returns>Null when nothing drives its users off.</returns>
    public static Eviction? Of(AllocationResult allocation, Func<DeviceRequestAllocationResult, Seq<DeviceTaint>> published, IReadOnlyCollection<Rule> rules)
    {
        Eviction? eviction = null;
        foreach (var device in allocation.Devices.Results)
        {
            foreach (var taint in published(device))
                eviction = Earlier(eviction, Of(device, new(taint.Key, taint.Value, taint.Effect, taint.TimeAdded), []));
            foreach (var rule in rules)
                if (Selects(rule, device.Driver, device.Pool, device.Device))
                    eviction = Earlier(eviction, Of(device, new(rule.Spec.Taint.Key, rule.Spec.Taint.Value, rule.Spec.Taint.Effect, rule.Spec.Taint.TimeAdded), [rule.Metadata.Uid]));
        }
        return eviction;
    }

    /// <summary>A Pod goes when the first of its claims has to.</summary>
    public static Eviction? Earlier(Eviction? a, Eviction? b) =>
        a is not { } one ? b : b is not { } other ? a : new(one.At < other.At ? one.At : other.At, one.Rules.Union(other.Rules));

    public static bool Selects(Rule rule, string driver, string pool, string device) =>
        rule.Spec.DeviceSelector is { } by && (by.Driver ?? driver) == driver && (by.Pool ?? pool) == pool && (by.Device ?? device) == device;

    readonly record struct Taint(string Key, string Value, string Effect, DateTimeOffset? TimeAdded);

    static Eviction? Of(DeviceRequestAllocationResult device, Taint taint, ImmutableHashSet<string> rules)
    {
        if (taint.Effect != NoExecute) return null;
        var since = taint.TimeAdded ?? DateTimeOffset.MinValue;
        long? bears = null;
        foreach (var toleration in device.Tolerations)
        {
            // As upstream: what drives off must be named to be borne.
            if (toleration.Effect != NoExecute || !Tolerates(toleration, taint)) continue;
            if (toleration.TolerationSeconds is not { } seconds) return null;
            bears = Math.Min(bears ?? long.MaxValue, Math.Max(0, seconds));
        }
        return new(bears is { } long_ ? Later(since, long_) : since, rules);
    }

    static bool Tolerates(DeviceToleration toleration, Taint taint) =>
        (toleration.Key.Length == 0 || toleration.Key == taint.Key)
        && toleration.Operator switch { "Exists" => true, "" or "Equal" => toleration.Value == taint.Value, _ => false };

    static DateTimeOffset Later(DateTimeOffset since, long seconds) =>
        seconds > (DateTimeOffset.MaxValue - since).TotalSeconds ? DateTimeOffset.MaxValue : since.AddSeconds(seconds);
}
