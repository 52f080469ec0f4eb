using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Nodes;
using DeviceTaintRule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Scheduler.Devices;

/// <summary>A device with the slice that publishes it.</summary>
/// <param name="Taints">Its driver's, and those that rules lay on it (KEP-5055).</param>
internal sealed record PoolDevice(DevicePool Pool, ResourceSlice Slice, Device Device, Seq<DeviceTaint> Taints)
{
    public DeviceId Id { get; } = new(Slice.Spec.Driver, Slice.Spec.Pool.Name, Device.Name);
    public bool Shared => Device.AllowMultipleAllocations == true;

    /// <summary>The one node that has it; null when others reach it too.</summary>
    public string? OnlyNode => Slice.Spec.PerDeviceNodeSelection == true ? Device.NodeName : Slice.Spec.NodeName;
    public NodeSelector? Nodes => Slice.Spec.PerDeviceNodeSelection == true ? Device.NodeSelector : Slice.Spec.NodeSelector;

    public bool Reaches(Node node)
    {
        if (OnlyNode is { } only) return only == node.Metadata.Name;
        if (Nodes is { } nodes) return NodeTerms.Matches(nodes, node);
        return (Slice.Spec.PerDeviceNodeSelection == true ? Device.AllNodes : Slice.Spec.AllNodes) == true;
    }
}

/// <summary>The devices that a driver looks after together, as the newest generation of their slices says.</summary>
internal sealed class DevicePool
{
    public DevicePool(string driver, string name, IReadOnlyCollection<ResourceSlice> slices, IReadOnlyCollection<DeviceTaintRule> rules)
    {
        (Driver, Name) = (driver, name);
        long newest = slices.Max(s => s.Spec.Pool.Generation);
        var current = slices.Where(s => s.Spec.Pool.Generation == newest).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal).ToList();
        IsComplete = current.Count == current[0].Spec.Pool.ResourceSliceCount;
        Devices = [.. current.SelectMany(s => s.Spec.Devices.Select(d => new PoolDevice(this, s, d, Tainted(d, rules))))];
        var names = new HashSet<string>();
        foreach (var device in Devices) if (!names.Add(device.Id.Device)) Fault ??= $"duplicate device name {device.Id.Device}";
        foreach (var set in current.SelectMany(s => s.Spec.SharedCounters))
            foreach (var (counter, amount) in set.Counters)
                if (!Counters.TryAdd((set.Name, counter), amount.Value)) Fault ??= $"duplicate counter set name {set.Name}";
        var only = Devices.Select(d => d.OnlyNode).Distinct().Take(2).ToList();
        OnlyNode = only is [var one] ? one : null;
        BindsLate = Devices.Any(d => !d.Device.BindingConditions.IsEmpty);
    }

    Seq<DeviceTaint> Tainted(Device device, IReadOnlyCollection<DeviceTaintRule> rules)
    {
        var taints = device.Taints;
        foreach (var rule in rules)
            // Without a selector a rule is of no device; what a selector does not say it leaves open.
            if (rule.Spec.DeviceSelector is { } by && (by.Driver ?? Driver) == Driver && (by.Pool ?? Name) == Name && (by.Device ?? device.Name) == device.Name)
                taints = taints.Add(new() { Key = rule.Spec.Taint.Key, Value = rule.Spec.Taint.Value, Effect = rule.Spec.Taint.Effect, TimeAdded = rule.Spec.Taint.TimeAdded });
        return taints;
    }

    public string Driver { get; }
    public string Name { get; }
    public override string ToString() => Driver + "/" + Name;
    /// <summary>All slices of the generation have been seen: before that nothing is allocated of it.</summary>
    public bool IsComplete { get; }
    /// <summary>What is wrong with it; null when nothing is.</summary>
    public string? Fault { get; }
    public ImmutableArray<PoolDevice> Devices { get; }
    /// <summary>What devices share, by set and name (KEP-4815).</summary>
    public Dictionary<(string Set, string Counter), Quantity> Counters { get; } = [];
    /// <summary>The one node that has all of its devices; null when it is not of one node.</summary>
    public string? OnlyNode { get; }
    /// <summary>Has devices that take time to be attached (KEP-5007): others are preferred.</summary>
    public bool BindsLate { get; }
}
