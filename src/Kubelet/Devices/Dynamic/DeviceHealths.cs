using System.Collections.Immutable;
using Hanbae.Cri.Devices.Health;

namespace Hanbae.Kubelet.Devices.Dynamic;

/// <summary>How drivers say that their devices are (KEP-4680): unknown unless said, and not said again for too long.</summary>
/// <remarks>Bound: the devices that drivers of this node tell of.</remarks>
sealed class DeviceHealths(TimeProvider time)
{
    const int LongestMessage = 1024;
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly record struct Said(HealthStatus Health, string Message, DateTimeOffset Until);

    ImmutableDictionary<(string Driver, string Pool, string Device), Said> _all = ImmutableDictionary<(string, string, string), Said>.Empty;

    /// <returns>Those that are otherwise than before.</returns>
    public IReadOnlyCollection<(string Pool, string Device)> Put(string driver, NodeWatchResourcesResponse told)
    {
        List<(string, string)> changed = [];
        var now = time.GetUtcNow();
        foreach (var device in told.Devices)
        {
            var key = (driver, device.Device?.PoolName ?? "", device.Device?.DeviceName ?? "");
            string message = device.Message.Length <= LongestMessage ? device.Message : device.Message[..(LongestMessage - 3)] + "...";
            var said = new Said(device.Health, message, now + (device.HealthCheckTimeoutSeconds > 0 ? TimeSpan.FromSeconds(device.HealthCheckTimeoutSeconds) : s_patience));
            var before = Find(key, now);
            if (before.Health != said.Health || before.Message != said.Message) changed.Add((key.Item2, key.Item3));
            ImmutableInterlocked.AddOrUpdate(ref _all, key, said, (_, _) => said);
        }
        return changed;
    }

    /// <summary>The driver says nothing any more.</summary>
    public void Forget(string driver)
    {
        foreach (var key in Volatile.Read(ref _all).Keys.Where(k => k.Driver == driver)) ImmutableInterlocked.TryRemove(ref _all, key, out _);
    }

    public (string Health, string Message) Of(string driver, string pool, string device)
    {
        var said = Find((driver, pool, device), time.GetUtcNow());
        return (said.Health switch { HealthStatus.Healthy => "Healthy", HealthStatus.Unhealthy => "Unhealthy", _ => "Unknown" }, said.Message ?? "");
    }

    Said Find((string, string, string) key, DateTimeOffset now) => Volatile.Read(ref _all).TryGetValue(key, out var said) && now <= said.Until ? said : default;
}
