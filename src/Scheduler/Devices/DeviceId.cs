using Hanbae.Api;

namespace Hanbae.Scheduler.Devices;

/// <summary>Names one device of the cluster.</summary>
internal readonly record struct DeviceId(string Driver, string Pool, string Device);

/// <summary>Who has a device: one claim alone, or several, each with a share of its capacity.</summary>
/// <param name="Alone">Claims that have it to themselves; one at most, unless drivers or others meddle.</param>
/// <param name="Shares">Claims that have a share.</param>
/// <param name="Consumed">What these take of each capacity.</param>
internal readonly record struct DeviceUse(int Alone, int Shares, Map<Quantity> Consumed)
{
    public bool IsFree => Alone == 0 && Shares == 0;

    public DeviceUse Share(Map<Quantity> taken, int sign)
    {
        var consumed = Consumed;
        foreach (var (name, amount) in taken)
            consumed = consumed.Set(name, !consumed.TryGet(name, out var before) ? (sign > 0 ? amount : -amount) : sign > 0 ? before + amount : before - amount);
        return this with { Shares = Shares + sign, Consumed = Shares + sign == 0 ? default : consumed };
    }
}
