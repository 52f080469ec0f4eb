using System.Collections.Immutable;

namespace Hanbae.Kubelet.Devices;

/// <summary>One container's need of devices of one resource, and what there is.</summary>
sealed record DeviceNeed
{
    public required string Pod { get; init; }
    public required string Container { get; init; }
    public required string Resource { get; init; }
    public required int Count { get; init; }
    /// <summary>Those that are fit for use; null when no plugin offers the resource.</summary>
    public ImmutableSortedSet<string>? Healthy { get; init; }
    /// <summary>Those that any container has.</summary>
    public ImmutableHashSet<string> InUse { get; init; } = [];
    /// <summary>What the container has been given before; null for nothing.</summary>
    public ImmutableSortedSet<string>? Given { get; init; }
    /// <summary>Those of the Pod's init containers that have ended by then.</summary>
    public ImmutableSortedSet<string> Reusable { get; init; } = [];
    /// <summary>Those that lie where the Pod's other things do, best first; null where that does not matter.</summary>
    public IReadOnlyList<string>? Near { get; init; }
    /// <summary>Those that lie elsewhere, and after them those that lie nowhere in particular.</summary>
    public IReadOnlyList<string> Elsewhere { get; init; } = [];
}

/// <summary>Chooses devices for a container: those that it can have back first, then what the plugin prefers.</summary>
static class DeviceChoice
{
    /// <summary>Asks the plugin which of the available devices it prefers, given those that are taken already, for a whole of so many; empty for no preference.</summary>
    public delegate Task<IReadOnlyCollection<string>> Prefer(ImmutableSortedSet<string> available, ImmutableSortedSet<string> must, int size);

    /// <returns>What is to be asked of the plugin; null when the container has all that it needs.</returns>
    /// <exception cref="DeviceException"/>
    public static async Task<ImmutableSortedSet<string>?> ForAsync(DeviceNeed need, Prefer prefer)
    {
        if (need.Given is { } given && given.Count != need.Count)
            throw new DeviceException($"pod \"{need.Pod}\" container \"{need.Container}\" changed request for resource \"{need.Resource}\" from {given.Count} to {need.Count}");
        if (need.Healthy is not { } healthy) throw new DeviceException("cannot allocate unregistered device " + need.Resource);
        if (healthy.IsEmpty) throw new DeviceException("no healthy devices present; cannot allocate unhealthy devices " + need.Resource);
        if (need.Given is { } before) return healthy.IsSupersetOf(before) ? null : throw new DeviceException("previously allocated devices are no longer healthy; cannot allocate unhealthy devices " + need.Resource);

        var chosen = need.Reusable.Intersect(healthy).Take(need.Count).ToImmutableSortedSet(StringComparer.Ordinal);
        int missing = need.Count - chosen.Count;
        if (missing == 0) return chosen;
        var available = healthy.Except(need.InUse);
        if (available.Count < missing) throw new DeviceException($"requested number of devices unavailable for {need.Resource}. Requested: {missing}, Available: {available.Count}");
        if (need.Near is not { } near)
        {
            Take((await prefer(available.Union(chosen), chosen, need.Count).ConfigureAwait(false)).Where(available.Contains));
            Take(available);
            return chosen;
        }
        // The plugin may choose among those that are near; if they are too few, all of them are taken, and it chooses among the others.
        if (missing < near.Count)
        {
            Take((await prefer(chosen.Union(near), chosen, need.Count).ConfigureAwait(false)).Where(near.Contains));
            Take(near);
            return chosen;
        }
        Take(near);
        if (chosen.Count == need.Count) return chosen;
        Take((await prefer(available.Union(chosen), chosen, need.Count).ConfigureAwait(false)).Where(available.Contains));
        Take(need.Elsewhere);
        return chosen;

        void Take(IEnumerable<string> from) => chosen = chosen.Union(from.Except(chosen).Take(need.Count - chosen.Count));
    }
}
