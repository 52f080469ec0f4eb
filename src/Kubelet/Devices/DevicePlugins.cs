using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Devices;
using Hanbae.Grpc;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Devices;

/// <summary>Gives the devices of the node's plugins to containers, each to one at a time, and takes them back when their Pod has ended.</summary>
/// <remarks>
/// Follows upstream's device manager: which plugin speaks for a resource is whoever registered last, what a container was given stays its own
/// for all its restarts, and what init containers had goes to the app containers. Bound: one open call per plugin.
/// </remarks>
sealed class DevicePlugins(PodFolders folders, TimeProvider time, ILogger log) : IDisposable
{
    readonly DeviceBook _book = new(folders.DevicePlugins, log);
    readonly SemaphoreSlim _allocating = new(1, 1);
    readonly Lock _gate = new();
    readonly ConcurrentDictionary<Task, bool> _following = new(); // one per plugin
    DeviceKinds _kinds = DeviceKinds.None;
    bool _over; // what ends now ends with us, and is no plugin's end

    /// <summary>What the Node has to tell is another.</summary>
    public Action Changed { get; set; } = () => { };
    /// <summary>Of a Pod's devices one has fallen ill, or is well again.</summary>
    public Action<string> PodChanged { get; set; } = _ => { };
    public DeviceMetrics Metrics { get; } = new();

    public DeviceKinds Kinds { get { lock (_gate) return _kinds = _kinds.At(time.GetUtcNow()); } }

    /// <summary>Reads who has what. Plugins that were there are taken for just gone: their devices count for nothing until they are back.</summary>
    /// <returns>Whether anything was kept from before.</returns>
    public bool Load()
    {
        lock (_gate)
        {
            bool kept = _book.Load();
            foreach (string resource in _book.Registered.Keys) _kinds = _kinds.Put(resource, new(null, time.GetUtcNow(), DeviceKind.None));
            return kept;
        }
    }

    public bool Offers(string resource)
    {
        lock (_gate) return _kinds.Find(resource) is not null || _book.Grants.Any(g => g.Resource == resource);
    }

    /// <summary>Whose devices are kept.</summary>
    public IReadOnlyCollection<string> Pods { get { lock (_gate) return [.. _book.Grants.Select(g => g.PodUid).Distinct()]; } }

    public ImmutableArray<DeviceGrant> Of(string podUid) { lock (_gate) return [.. _book.Of(podUid)]; }

    /// <summary>Takes a plugin in, in place of one that offers the same resource, and follows its devices until it ends.</summary>
    /// <exception cref="GrpcException">It did not answer.</exception>
    public async Task ConnectAsync(string resource, string socket, CancellationToken ct)
    {
        Metrics.Registered(resource);
        var plugin = new DevicePlugin(resource, socket, time);
        try { await plugin.AskOptionsAsync(ct).ConfigureAwait(false); }
        catch
        {
            plugin.Dispose();
            throw;
        }
        DevicePlugin? before;
        lock (_gate)
        {
            var known = _kinds.Find(resource);
            before = known?.Plugin;
            // The devices of the one before it stay until this one has said what there is.
            _kinds = _kinds.Put(resource, new(plugin, null, known?.Devices ?? DeviceKind.None));
        }
        before?.Dispose();
        var following = FollowAsync(plugin);
        _following[following] = true;
        _ = following.ContinueWith(t => _following.TryRemove(t, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Its socket is gone.</summary>
    public void Disconnect(string resource)
    {
        DevicePlugin? plugin;
        lock (_gate) plugin = _kinds.Find(resource)?.Plugin;
        plugin?.Stop.Cancel();
    }

    async Task FollowAsync(DevicePlugin plugin)
    {
        string why = "the stream ended";
        try
        {
            await foreach (var told in plugin.ListAndWatchAsync(plugin.Stop.Token).ConfigureAwait(false)) Tell(plugin, DeviceKind.Of(told), null);
        }
        catch (Exception e) when (e is GrpcException or OperationCanceledException or ObjectDisposedException or IOException) { why = e.Message; }
        plugin.Dispose();
        if (Tell(plugin, null, time.GetUtcNow())) log.DevicePluginGone(plugin.Resource, why);
    }

    /// <param name="told">Null for those that were there, of which none is fit for use any more.</param>
    /// <returns>False when another plugin has taken this one's place.</returns>
    bool Tell(DevicePlugin plugin, ImmutableSortedDictionary<string, KnownDevice>? told, DateTimeOffset? stopped)
    {
        string[] pods;
        lock (_gate)
        {
            if (_kinds.Find(plugin.Resource) is not { } known || known.Plugin != plugin || _over) return false;
            var devices = told ?? known.Devices.ToImmutableSortedDictionary(d => d.Key, d => d.Value with { Healthy = false }, StringComparer.Ordinal);
            _kinds = _kinds.Put(plugin.Resource, known with { Devices = devices, Stopped = stopped });
            pods = [.. _book.Grants.Where(g => g.Resource == plugin.Resource && g.Devices.Keys.Any(id => Health(known.Devices, id) != Health(devices, id))).Select(g => g.PodUid).Distinct()];
            Keep(() => _book.Register(_kinds.Registered));
        }
        Changed();
        foreach (string pod in pods) PodChanged(pod);
        return true;
    }

    /// <summary>Sees to it that every container of the Pod has the devices that it asks for, or none of them any more than before.</summary>
    /// <exception cref="DeviceException">There is no such device to be had.</exception>
    /// <exception cref="GrpcException">The plugin refused.</exception>
    public async Task AllocateAsync(Pod pod, CancellationToken ct)
    {
        var before = Of(pod.Metadata.Uid);
        try
        {
            foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers)) await AllocateAsync(pod, container, null, ct).ConfigureAwait(false);
        }
        catch
        {
            lock (_gate)
                Keep(() =>
                {
                    _book.Remove(pod.Metadata.Uid);
                    _book.Add(before);
                });
            throw;
        }
    }

    /// <summary>The same for one container; those before it have theirs.</summary>
    /// <param name="nodes">Where the devices should lie; null for anywhere.</param>
    /// <inheritdoc cref="AllocateAsync(Pod, CancellationToken)"/>
    public async Task AllocateAsync(Pod pod, Container container, NumaMask? nodes, CancellationToken ct)
    {
        if (!Asked(pod, container).Any()) return;
        await _allocating.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var made = new List<DeviceGrant>();
            foreach (var (resource, count) in Asked(pod, container)) made.Add(await AllocateAsync(pod, container, resource, count, nodes, ct).ConfigureAwait(false));
            lock (_gate) Keep(() => _book.Add(made));
        }
        finally { _allocating.Release(); }
    }

    /// <summary>Devices of the Pod's init containers that are free again when this container starts.</summary>
    public ImmutableSortedSet<string> Reusable(Pod pod, string container, string resource)
    {
        ImmutableSortedSet<string> left = [];
        foreach (var earlier in pod.Spec.InitContainers.Concat(pod.Spec.Containers).TakeWhile(c => c.Name != container))
        {
            DeviceGrant? grant;
            lock (_gate) grant = _book.Find(pod.Metadata.Uid, earlier.Name, resource);
            if (grant is null) continue;
            bool over = pod.Spec.InitContainers.Contains(earlier) && !earlier.IsSidecar();
            left = over ? left.Union(grant.Devices.Keys) : left.Except(grant.Devices.Keys);
        }
        return left;
    }

    /// <summary>Those that are fit for use and nobody's.</summary>
    public ImmutableSortedSet<string> Free(string resource)
    {
        lock (_gate) return (_kinds.Find(resource)?.Healthy ?? []).Except(_book.InUse(resource));
    }

    async Task<DeviceGrant> AllocateAsync(Pod pod, Container container, string resource, int count, NumaMask? nodes, CancellationToken ct)
    {
        DeviceKind? kind;
        DeviceGrant? before;
        DeviceNeed need;
        var reusable = Reusable(pod, container.Name, resource);
        lock (_gate)
        {
            (kind, before) = (_kinds.Find(resource), _book.Find(pod.Metadata.Uid, container.Name, resource));
            need = new()
            {
                Pod = pod.Metadata.Uid, Container = container.Name, Resource = resource, Count = count, Given = before?.Devices.Keys.ToImmutableSortedSet(StringComparer.Ordinal), Reusable = reusable,
                Healthy = kind?.Healthy, InUse = _book.InUse(resource),
            };
        }
        if (nodes is { } mask && kind is not null) need = Placed(need, kind, mask);
        if (await DeviceChoice.ForAsync(need, (available, must, size) => kind!.Plugin!.PreferAsync(available, must, size, ct)).ConfigureAwait(false) is not { } chosen) return before!;

        long began = time.GetTimestamp();
        var answer = await kind!.Plugin!.AllocateAsync(chosen, ct).ConfigureAwait(false);
        Metrics.Allocated(resource, time.GetElapsedTime(began));
        if (answer.ContainerResponses.Count == 0) throw new DeviceException("no containers return in allocation response " + resource);
        return new(pod.Metadata.Uid, container.Name, resource,
            chosen.ToImmutableSortedDictionary(id => id, id => kind.Devices.TryGetValue(id, out var device) ? device.Nodes : [], StringComparer.Ordinal), answer.ContainerResponses[0]);
    }

    /// <summary>Sorts what is free by where it lies: on the nodes, elsewhere, nowhere; of each, first what lies where there is least (as upstream).</summary>
    static DeviceNeed Placed(DeviceNeed need, DeviceKind kind, NumaMask mask)
    {
        if (!kind.Devices.Any(d => !d.Value.Nodes.IsEmpty)) return need;
        var free = kind.Healthy.Except(need.InUse);
        ImmutableArray<long> NodesOf(string id) => kind.Devices[id].Nodes is { IsEmpty: false } some ? some : [-1];
        var counts = free.SelectMany(id => NodesOf(id)).GroupBy(n => n).ToDictionary(g => g.Key, g => g.Count());
        int Place(long node) => node < 0 ? 2 : mask.Has((int)node) ? 0 : 1;
        var order = counts.Keys.OrderBy(Place).ThenBy(n => counts[n]).ThenBy(n => n).ToArray();
        var sorted = order.SelectMany(n => free.Where(id => NodesOf(id).Contains(n)).Select(id => (Id: id, Place: Place(n)))).DistinctBy(d => d.Id).ToArray();
        return need with { Near = [.. sorted.Where(d => d.Place == 0).Select(d => d.Id)], Elsewhere = [.. sorted.Where(d => d.Place > 0).Select(d => d.Id)] };
    }

    /// <summary>What the container was given; the plugins that want to hear of a start have heard of it.</summary>
    /// <exception cref="DeviceException"/>
    public async Task<ImmutableArray<DeviceGrant>> StartingAsync(Pod pod, Container container, CancellationToken ct)
    {
        if (!Asked(pod, container).Any()) return [];
        var grants = Of(pod.Metadata.Uid).Where(g => g.Container == container.Name).ToImmutableArray();
        // What was kept may have been lost with the disk: then it is asked for again, as upstream does.
        if (Asked(pod, container).Any(a => !grants.Any(g => g.Resource == a.Resource)))
        {
            await AllocateAsync(pod, ct).ConfigureAwait(false);
            grants = [.. Of(pod.Metadata.Uid).Where(g => g.Container == container.Name)];
        }
        foreach (var grant in grants)
        {
            DevicePlugin? plugin;
            lock (_gate) plugin = _kinds.Find(grant.Resource) is { Stopped: null } kind ? kind.Plugin : null;
            if (plugin is null) continue; // without a plugin a container that has its devices may start again, as upstream
            try { await plugin.BeforeStartAsync(grant.Devices.Keys, ct).ConfigureAwait(false); }
            catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new DeviceException($"device plugin PreStartContainer rpc failed with err: {e.Message}", e); }
        }
        return grants;
    }

    /// <summary>Nothing of the Pod runs any more: its devices are free.</summary>
    public void Release(string podUid)
    {
        lock (_gate) Keep(() => _book.Remove(podUid));
    }

    /// <summary>How the devices of a container are (KEP-4680).</summary>
    public IEnumerable<ResourceStatus> HealthOf(string podUid, string container)
    {
        lock (_gate)
            return [.. _book.Of(podUid).Where(g => g.Container == container).OrderBy(g => g.Resource, StringComparer.Ordinal).Select(g => new ResourceStatus
            {
                Name = g.Resource, Resources = g.Devices.Keys.Select(id => new ResourceHealth { ResourceID = id, Health = Health(_kinds.Find(g.Resource)?.Devices, id) }).ToSeq(),
            })];
    }

    static string Health(ImmutableSortedDictionary<string, KnownDevice>? devices, string id) =>
        devices is null || !devices.TryGetValue(id, out var device) ? "Unknown" : device.Healthy ? "Healthy" : "Unhealthy";

    /// <summary>What a container asks for of what plugins offer; limits count, as upstream. What a claim stands for is its driver's business.</summary>
    public IEnumerable<(string Resource, int Count)> Asked(Pod pod, Container container) =>
        from limit in container.Resources.Limits
        where limit.Key.Contains('/') && limit.Value.Value() > 0 && Offers(limit.Key)
            && pod.Status.ExtendedResourceClaimStatus?.RequestMappings.Exists(m => m.ContainerName == container.Name && m.ResourceName == limit.Key) != true
        select (limit.Key, (int)limit.Value.Value());

    /// <summary>What cannot be written now counts all the same; it is lost only if the kubelet is, too, before the next change.</summary>
    void Keep(Action write)
    {
        try { write(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { log.DeviceBookLost(Path.Combine(folders.DevicePlugins, DeviceBook.FileName), e.Message); }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _over = true;
            foreach (var kind in _kinds.All.Values) kind.Plugin?.Dispose();
        }
        Task.WhenAll(_following.Keys).Wait(TimeSpan.FromSeconds(5));
        _allocating.Dispose();
    }
}
