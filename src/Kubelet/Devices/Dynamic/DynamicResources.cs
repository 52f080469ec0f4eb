using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Cri.Devices.Dynamic;
using Hanbae.Grpc;
using Microsoft.Extensions.Logging;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Kubelet.Devices.Dynamic;

/// <summary>Has drivers make the claims of a Pod ready before it starts, and take them back when the last Pod that used them has ended (KEP-4381).</summary>
/// <remarks>
/// What is about to be asked is on disk before it is asked, so that a kubelet that was killed at any moment goes on: a claim that was made ready is
/// not asked for again, one that may have been is taken back with its Pod. Drivers must bear being asked twice, as upstream demands of them.
/// </remarks>
sealed class DynamicResources(ClaimBook book, DraDrivers drivers, DeviceHealths healths, IClient client, DeviceMetrics metrics, TimeProvider time, ILogger log)
{
    /// <summary>How often claims are looked for whose Pods have gone unseen; as upstream.</summary>
    static readonly TimeSpan s_reconcile = TimeSpan.FromSeconds(60);

    readonly ClaimTurns _turns = new();

    public ClaimBook Book => book;
    public DraDrivers Drivers => drivers;

    /// <exception cref="DeviceException">A claim cannot be had, or a driver refused.</exception>
    public Task PrepareAsync(Pod pod, CancellationToken ct)
    {
        if (pod.Spec.ResourceClaims.IsEmpty && pod.Status.ExtendedResourceClaimStatus is null) return Task.CompletedTask;
        return MeasuredAsync("PrepareResources", "prepare dynamic resources: ", async () =>
        {
            var names = ClaimNames.Of(pod).ToArray();
            using var turn = await _turns.TakeAsync(names.Select(n => Key(pod.Metadata.Namespace, n.Claim)), ct).ConfigureAwait(false);
            // All is looked at before anything is written: a Pod that fails here can go without any driver.
            var wanted = new List<ClaimRecord>();
            foreach (var (_, name, made) in names) wanted.Add(await LookAsync(pod, name, made, ct).ConfigureAwait(false));
            Keep(() => book.Put([.. wanted]));
            await PrepareAsync([.. wanted.Where(c => !c.Prepared)], ct).ConfigureAwait(false);
        });
    }

    /// <summary>The claim as it is to be in the book, with the Pod among those that use it.</summary>
    async Task<ClaimRecord> LookAsync(Pod pod, string name, bool made, CancellationToken ct)
    {
        ResourceClaim claim;
        try { claim = await client.GetAsync<ResourceClaim>(new(pod.Metadata.Namespace, name), ct).ConfigureAwait(false); }
        catch (Exception e) when (e is ApiException or HttpRequestException && !ct.IsCancellationRequested) { throw new DeviceException($"fetch ResourceClaim {name}: {e.Message}", e); }
        ClaimNames.Check(pod, claim, made);
        string[] wanted = [.. claim.Status.Allocation!.Devices.Results.Select(r => r.Driver).Distinct()];
        foreach (string driver in wanted) drivers.Get(driver); // gone now: something is wrong with the node, whether or not the claim is ready
        var known = book.Find(pod.Metadata.Namespace, name);
        if (known is not null && known.Uid != claim.Metadata.Uid)
            throw new DeviceException($"old ResourceClaim with same name {name} and different UID {known.Uid} still exists (previous pod force-deleted?!)");
        known ??= new(pod.Metadata.Namespace, name, claim.Metadata.Uid, [], wanted.ToImmutableSortedDictionary(d => d, _ => ImmutableArray<PreparedDevice>.Empty, StringComparer.Ordinal), Prepared: false);
        return known with { Pods = known.Pods.Add(pod.Metadata.Uid) };
    }

    async Task PrepareAsync(ClaimRecord[] claims, CancellationToken ct)
    {
        var done = claims.ToDictionary(c => c.Uid);
        foreach (string name in claims.SelectMany(c => c.Drivers.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            var mine = claims.Where(c => c.Drivers.ContainsKey(name)).ToArray();
            NodePrepareResourcesResponse answer;
            try { answer = await drivers.Get(name).PrepareAsync(mine.Select(Asked), ct).ConfigureAwait(false); }
            catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new DeviceException("NodePrepareResources: " + e.Message, e); }
            foreach (var (uid, result) in answer.Claims)
            {
                if (Array.Find(mine, c => c.Uid == uid) is not { } claim) throw new DeviceException("NodePrepareResources returned result for unknown claim UID " + uid);
                if (result.Error.Length > 0) throw new DeviceException($"NodePrepareResources failed for ResourceClaim {claim.Name}: {result.Error}");
                var prepared = result.Devices.Select(d => new PreparedDevice(d.PoolName, d.DeviceName, [.. d.RequestNames], [.. d.CdiDeviceIds], d.ShareId));
                done[uid] = done[uid] with { Drivers = done[uid].Drivers.SetItem(name, [.. prepared]) };
            }
            if (mine.Length != answer.Claims.Count) throw new DeviceException($"NodePrepareResources skipped {mine.Length - answer.Claims.Count} ResourceClaims");
        }
        if (done.Count > 0) Keep(() => book.Put([.. done.Values.Select(c => c with { Prepared = true })]));
    }

    /// <summary>Nothing of the Pod runs any more: claims that nobody else uses are taken back.</summary>
    /// <exception cref="DeviceException">A driver refused or is not there; to be tried again.</exception>
    public Task UnprepareAsync(string podUid, CancellationToken ct)
    {
        if (!book.All.Any(c => c.Pods.Contains(podUid))) return Task.CompletedTask;
        return MeasuredAsync("UnprepareResources", "unprepare dynamic resources: ", async () =>
        {
            using var turn = await _turns.TakeAsync(book.All.Where(c => c.Pods.Contains(podUid)).Select(c => Key(c.Namespace, c.Name)), ct).ConfigureAwait(false);
            var mine = book.All.Where(c => c.Pods.Contains(podUid)).ToArray();
            var shared = mine.Where(c => c.Pods.Count > 1).ToArray();
            if (shared.Length > 0) Keep(() => book.Put([.. shared.Select(c => c with { Pods = c.Pods.Remove(podUid) })]));
            await UnprepareAsync([.. mine.Except(shared)], ct).ConfigureAwait(false);
        });
    }

    async Task UnprepareAsync(ClaimRecord[] claims, CancellationToken ct)
    {
        foreach (string name in claims.SelectMany(c => c.Drivers.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            var mine = claims.Where(c => c.Drivers.ContainsKey(name)).ToArray();
            NodeUnprepareResourcesResponse answer;
            try { answer = await drivers.Get(name).UnprepareAsync(mine.Select(Asked), ct).ConfigureAwait(false); }
            catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new DeviceException("NodeUnprepareResources: " + e.Message, e); }
            foreach (var (uid, result) in answer.Claims)
            {
                if (Array.Find(mine, c => c.Uid == uid) is not { } claim) throw new DeviceException("NodeUnprepareResources returned result for unknown claim UID " + uid);
                if (result.Error.Length > 0) throw new DeviceException($"NodeUnprepareResources failed for ResourceClaim {claim.Name}: {result.Error}");
            }
            if (mine.Length != answer.Claims.Count) throw new DeviceException($"NodeUnprepareResources skipped {mine.Length - answer.Claims.Count} ResourceClaims");
        }
        foreach (var claim in claims) Keep(() => book.Remove(claim));
    }

    /// <summary>Takes back what Pods have left that nobody works on any more.</summary>
    /// <param name="isActive">By uid.</param>
    public async Task RunAsync(Func<string, bool> isActive, CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(s_reconcile, time, ct).ConfigureAwait(false);
            foreach (string uid in book.Pods.Where(p => !isActive(p)))
            {
                try { await UnprepareAsync(uid, ct).ConfigureAwait(false); }
                catch (DeviceException e) { log.ClaimsLeft(uid, e.Message); }
            }
        }
    }

    /// <summary>The devices of a container, by their names in the Container Device Interface.</summary>
    /// <exception cref="DeviceException"/>
    public IEnumerable<string> CdiOf(Pod pod, Container container)
    {
        foreach (var (_, name, request) in ClaimNames.Of(pod, container))
        {
            var claim = book.Find(pod.Metadata.Namespace, name) ?? throw new DeviceException($"internal error: unable to get claim info for ResourceClaim {name} in namespace {pod.Metadata.Namespace}");
            foreach (string id in claim.Devices.Where(d => d.Device.IsFor(request)).SelectMany(d => d.Device.CdiIds)) yield return id;
        }
    }

    /// <summary>The claims of a container that are made ready.</summary>
    public IEnumerable<ClaimRecord> Of(Pod pod, Container container)
    {
        (string Own, string Claim, string Request)[] uses;
        try { uses = [.. ClaimNames.Of(pod, container)]; }
        catch (DeviceException) { return []; } // no claim yet
        return uses.Select(u => book.Find(pod.Metadata.Namespace, u.Claim)).OfType<ClaimRecord>().Where(c => c.Pods.Contains(pod.Metadata.Uid)).DistinctBy(c => c.Name);
    }

    /// <summary>How the devices are that a container has by claims of its own (KEP-4680).</summary>
    public IEnumerable<ResourceStatus> HealthOf(Pod pod, Container container)
    {
        if (container.Resources.Claims.IsEmpty) yield break;
        (string Own, string Claim, string Request)[] uses;
        try { uses = [.. ClaimNames.Of(pod, container).Where(u => u.Own.Length > 0)]; }
        catch (DeviceException) { yield break; } // no claim yet: nothing to tell
        foreach (var (own, name, request) in uses)
        {
            if (book.Find(pod.Metadata.Namespace, name) is not { } claim || !claim.Pods.Contains(pod.Metadata.Uid)) continue;
            var devices = claim.Devices.Where(d => d.Device.IsFor(request.Split('/')[0])).Select(d =>
            {
                var (health, message) = healths.Of(d.Driver, d.Device.Pool, d.Device.Name);
                return new ResourceHealth
                {
                    ResourceID = d.Device.CdiIds.IsEmpty ? $"{d.Driver}/{d.Device.Pool}/{d.Device.Name}" : d.Device.CdiIds[0], Health = health, Message = message.Length > 0 ? message : null,
                };
            }).DistinctBy(h => h.ResourceID).ToSeq();
            if (!devices.IsEmpty) yield return new() { Name = request.Length > 0 ? $"claim:{own}/{request}" : "claim:" + own, Resources = devices };
        }
    }

    /// <summary>Pods that have a device of a driver.</summary>
    public IEnumerable<string> Users(string driver, string? pool = null, string? device = null) =>
        book.All.Where(c => c.Devices.Any(d => d.Driver == driver && (pool is null || (d.Device.Pool == pool && d.Device.Name == device)))).SelectMany(c => c.Pods).Distinct();

    /// <summary>For the metrics.</summary>
    public IEnumerable<(string Driver, int Count)> InUse()
    {
        var all = book.All;
        if (all.Count > 0) yield return ("<any>", all.Count);
        foreach (var driver in all.SelectMany(c => c.Drivers.Keys).GroupBy(d => d).OrderBy(g => g.Key, StringComparer.Ordinal)) yield return (driver.Key, driver.Count());
    }

    static string Key(string ns, string name) => ns + "/" + name;

    static Claim Asked(ClaimRecord claim) => new() { Namespace = claim.Namespace, Name = claim.Name, Uid = claim.Uid };

    static void Keep(Action write)
    {
        try { write(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new DeviceException("checkpoint ResourceClaim state: " + e.Message, e); }
    }

    async Task MeasuredAsync(string operation, string prefix, Func<Task> work)
    {
        long began = time.GetTimestamp();
        bool failed = true;
        try
        {
            await work().ConfigureAwait(false);
            failed = false;
        }
        catch (DeviceException e) { throw new DeviceException(prefix + e.Message, e); }
        finally { metrics.Observe("dra_operations_duration_seconds", time.GetElapsedTime(began), ("is_error", failed ? "true" : "false"), ("operation_name", operation)); }
    }
}
