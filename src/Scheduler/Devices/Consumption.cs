using Hanbae.Api;
using Hanbae.Api.Resource.V1;

namespace Hanbae.Scheduler.Devices;

/// <summary>How much of a device's capacity a request takes (KEP-5075).</summary>
internal static class Consumption
{
    /// <returns>What is taken of each capacity; null when the device cannot give what is asked.</returns>
    public static Map<Quantity>? Of(CapacityRequirements? asked, PoolDevice device, Map<Quantity> taken)
    {
        var capacity = device.Device.Capacity;
        Map<Quantity> wanted = default;
        foreach (var (name, amount) in asked?.Requests ?? default)
        {
            if (NameIn(name, device.Id.Driver, capacity) is not { } known) return null;
            wanted = wanted.Set(known, amount);
        }
        Map<Quantity> takes = default;
        foreach (var (name, has) in capacity)
        {
            var amount = wanted.TryGet(name, out var w) ? Round(w, has.RequestPolicy) : has.RequestPolicy?.Default ?? has.Value;
            if (!Allows(amount, has.RequestPolicy) || amount.Sign < 0) return null;
            if ((taken.TryGet(name, out var before) ? before + amount : amount) > has.Value) return null;
            takes = takes.Set(name, amount);
        }
        return takes;
    }

    /// <summary>A name without a domain means the driver's.</summary>
    static string? NameIn(string name, string driver, Map<DeviceCapacity> capacity)
    {
        if (capacity.ContainsKey(name)) return name;
        string other = name.IndexOf('/') < 0 ? driver + "/" + name : name.StartsWith(driver + "/", StringComparison.Ordinal) ? name[(driver.Length + 1)..] : name;
        return capacity.ContainsKey(other) ? other : null;
    }

    /// <summary>Up to the next amount that can be had.</summary>
    static Quantity Round(Quantity wanted, CapacityRequestPolicy? policy)
    {
        if (policy?.ValidRange is { Min: { } min } range)
        {
            if (wanted < min) return min;
            if (range.Step is not { } step || step.Value() <= 0) return wanted;
            long over = wanted.Value() - min.Value(), steps = over / step.Value() + (over % step.Value() > 0 ? 1 : 0);
            return new Quantity(min.Value() + steps * step.Value(), min.Format);
        }
        if (policy is null || policy.ValidValues.IsEmpty) return wanted;
        foreach (var value in policy.ValidValues.Order()) if (value >= wanted) return value;
        return wanted;
    }

    static bool Allows(Quantity amount, CapacityRequestPolicy? policy)
    {
        if (policy is null || amount == policy.Default) return true;
        if (policy.ValidRange is { } range)
        {
            if (range.Min is { } min && amount < min || range.Max is { } max && amount > max) return false;
            return range.Step is not { } step || range.Min is not { } from || step.Value() <= 0 || (amount.Value() - from.Value()) % step.Value() == 0;
        }
        return policy.ValidValues.IsEmpty || policy.ValidValues.Contains(amount);
    }
}
