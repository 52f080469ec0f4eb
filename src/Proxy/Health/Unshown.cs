using System.Globalization;
using Hanbae.Api.Discovery.V1;
using Hanbae.Client;

namespace Hanbae.Proxy.Health;

/// <summary>Since when that is so which rules are yet to show: what the controllers of EndpointSlices write on them.</summary>
/// <remarks>Bound: one time for each change until rules are loaded, or refused, next.</remarks>
/// <param name="began">What was so before nobody could show in time.</param>
internal sealed class Unshown(DateTimeOffset began)
{
    const string ChangedAt = "endpoints.kubernetes.io/last-change-trigger-time";

    readonly Lock _lock = new();
    List<(string Family, DateTimeOffset Since)> _since = [];

    public void See(CacheEvent<EndpointSlice> change)
    {
        if (change.New is not { } now || Since(now) is not { } since || since <= began || change.Old is { } old && Since(old) == since) return;
        lock (_lock) _since.Add((now.AddressType, since));
    }

    /// <summary>All of it, once.</summary>
    public ILookup<string, DateTimeOffset> Take()
    {
        lock (_lock)
        {
            var taken = _since;
            _since = [];
            return taken.ToLookup(t => t.Family, t => t.Since);
        }
    }

    static DateTimeOffset? Since(EndpointSlice slice) =>
        DateTimeOffset.TryParse(slice.Metadata.Annotations[ChangedAt], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
}
