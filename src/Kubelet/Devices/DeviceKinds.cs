using System.Collections.Immutable;
using Hanbae.Cri.Devices;

namespace Hanbae.Kubelet.Devices;

/// <summary>A device as its plugin last told of it.</summary>
readonly record struct KnownDevice(bool Healthy, ImmutableArray<long> Nodes);

/// <summary>A sort of device: its plugin, and what that offers.</summary>
/// <param name="Plugin">Null as long as it has not come back since the kubelet was started.</param>
/// <param name="Stopped">Since when the plugin is gone; null while it is there.</param>
sealed record DeviceKind(DevicePlugin? Plugin, DateTimeOffset? Stopped, ImmutableSortedDictionary<string, KnownDevice> Devices)
{
    public static ImmutableSortedDictionary<string, KnownDevice> None { get; } = ImmutableSortedDictionary.Create<string, KnownDevice>(StringComparer.Ordinal);

    public ImmutableSortedSet<string> Healthy => [.. Devices.Where(d => d.Value.Healthy).Select(d => d.Key)];

    public static ImmutableSortedDictionary<string, KnownDevice> Of(ListAndWatchResponse told)
    {
        var devices = None.ToBuilder();
        foreach (var device in told.Devices) devices[device.ID] = new(device.Health == "Healthy", [.. device.Topology?.Nodes.Select(n => n.ID) ?? []]);
        return devices.ToImmutable();
    }
}

/// <summary>The extended resources of the node that plugins offer, and how much there is of each.</summary>
/// <remarks>
/// As upstream: when a plugin is gone, its devices count for nothing that could be had, but are still there; after five minutes without it they are
/// not, and the Node says zero of them for as long as it lives. Immutable; one writer swaps it.
/// </remarks>
sealed record DeviceKinds(ImmutableSortedDictionary<string, DeviceKind> All, ImmutableSortedSet<string> Removed)
{
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(5);

    public static DeviceKinds None { get; } = new(ImmutableSortedDictionary.Create<string, DeviceKind>(StringComparer.Ordinal), ImmutableSortedSet.Create<string>(StringComparer.Ordinal));

    public DeviceKind? Find(string resource) => All.GetValueOrDefault(resource);

    public DeviceKinds Put(string resource, DeviceKind kind) => new(All.SetItem(resource, kind), Removed.Remove(resource));

    /// <summary>Without those whose plugins have been gone for too long.</summary>
    public DeviceKinds At(DateTimeOffset now)
    {
        var gone = All.Where(k => k.Value.Stopped is { } since && now - since > Grace).Select(k => k.Key).ToArray();
        return gone.Length == 0 ? this : new(All.RemoveRange(gone), Removed.Union(gone));
    }

    /// <summary>For the Node's status.</summary>
    public (Map<Quantity> Capacity, Map<Quantity> Allocatable) Amounts => (
        All.Select(k => KeyValuePair.Create(k.Key, new Quantity(k.Value.Devices.Count))).Concat(Removed.Select(r => KeyValuePair.Create(r, new Quantity(0)))).ToMap(),
        All.Select(k => KeyValuePair.Create(k.Key, new Quantity(k.Value.Healthy.Count))).Concat(Removed.Select(r => KeyValuePair.Create(r, new Quantity(0)))).ToMap());

    public ImmutableSortedDictionary<string, ImmutableArray<string>> Registered => All.ToImmutableSortedDictionary(k => k.Key, k => k.Value.Healthy.ToImmutableArray(), StringComparer.Ordinal);
}
