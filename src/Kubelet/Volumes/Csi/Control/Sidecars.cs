using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Looks for upstream's helpers of a driver, so that what they do is not done twice: where one runs, ours keeps still.</summary>
/// <remarks>
/// A driver that brings helpers brings those that it wants: what none of them does is not to be done, so all of ours keeps still.
/// One is there when a Pod has its image and shares the folder of the driver's socket, or when its Lease is held. Whoever comes later is seen
/// within <see cref="Period"/>; until then both ask for the same things by the same names, which drivers must take for one.
/// </remarks>
sealed class Sidecars(IClusterAccess cluster, CsiDriver driver)
{
    public const string Provisioner = "csi-provisioner", Attacher = "csi-attacher", Resizer = "csi-resizer", Snapshotter = "csi-snapshotter";
    /// <summary>Not of one driver: who has it for any has it for all.</summary>
    const string SnapshotController = "snapshot-controller";

    public static readonly TimeSpan Period = TimeSpan.FromSeconds(30);
    static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(5);

    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly Lock _gate = new();
    HashSet<string> _inPods = [];
    volatile HashSet<string> _byLease = [];
    long? _looked;

    /// <param name="takesBack">It is about the end of what may have been made here before helpers came: that is left to the one alone whose work it is.</param>
    public bool Serve(string which, bool takesBack = false)
    {
        if (Leaves(_byLease)) return true;
        lock (_gate)
        {
            if (_looked is not { } at || cluster.Time.GetElapsedTime(at) > s_fresh) (_inPods, _looked) = ([.. _pods.All.SelectMany(InPod)], cluster.Time.GetTimestamp());
            return Leaves(_inPods);
        }

        bool Leaves(HashSet<string> there) =>
            there.Contains(which) || which == Snapshotter && there.Contains(SnapshotController) || !takesBack && there.Any(t => t != SnapshotController);
    }

    IEnumerable<string> InPod(Pod pod)
    {
        if (pod.Status.Phase is "Succeeded" or "Failed" || pod.Metadata.DeletionTimestamp is not null) yield break;
        bool shares = pod.Spec.Volumes.Exists(v => v.HostPath is { } path && driver.Endpoint.StartsWith(path.Path.TrimEnd('/') + "/", StringComparison.Ordinal));
        foreach (var container in pod.Spec.Containers)
        {
            string name = NameOf(container.Image);
            if (name == SnapshotController || shares && name is Provisioner or Attacher or Resizer or Snapshotter) yield return name;
        }
    }

    /// <summary>Of <c>registry.example/sig-storage/csi-provisioner:v5@sha256:…</c> that is <c>csi-provisioner</c>.</summary>
    public static string NameOf(string image) => image.Split('@')[0].Split('/')[^1].Split(':')[0];

    /// <summary>Looks for all of them; before that nothing may be begun.</summary>
    public async Task LookAsync(CancellationToken ct)
    {
        await _pods.WhenSyncedAsync(ct).ConfigureAwait(false);
        await LeasesAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Looks at Leases now and then, until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await Task.Delay(Period, cluster.Time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await LeasesAsync(ct).ConfigureAwait(false);
        }
    }

    async Task LeasesAsync(CancellationToken ct)
    {
        try { _byLease = [.. (await cluster.Client.ListAsync<Lease>(ListQuery.All, ct).ConfigureAwait(false)).Items.Where(Held).Select(l => Of(l.Metadata.Name)).OfType<string>()]; }
        catch (Exception e) when (e is ApiException or HttpRequestException or OperationCanceledException) { } // as last seen
    }

    /// <summary>Two lifetimes of grace: clocks of machines differ.</summary>
    bool Held(Lease lease) => lease.Spec is { HolderIdentity.Length: > 0, RenewTime: { } renewed } && renewed + TimeSpan.FromSeconds(2 * (lease.Spec.LeaseDurationSeconds ?? 15)) > cluster.Time.GetUtcNow();

    string? Of(string lease)
    {
        string name = driver.Name.Replace('/', '-');
        return lease == name ? Provisioner : lease == "external-attacher-leader-" + name ? Attacher : lease == "external-resizer-" + name ? Resizer
            : lease == "external-snapshotter-leader-" + name ? Snapshotter : lease == "snapshot-controller-leader" ? SnapshotController : null;
    }
}
