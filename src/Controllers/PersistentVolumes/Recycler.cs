using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.PersistentVolumeClaims;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>Empties volumes whose policy is <c>Recycle</c> by a Pod that mounts them, so that the next claim can have them.</summary>
/// <remarks>As upstream, for hostPath and NFS only. The Pod is the state: a controller that starts anew finds it and waits for its end. What failed is tried again.</remarks>
sealed class Recycler(IClusterAccess cluster, ControllerOptions options)
{
    const string Prefix = "recycler-for-", Namespace = "default", Label = "pv.kubernetes.io/recycles";
    const long Longest = 300;
    /// <summary>Upstream looks at every volume that often.</summary>
    static readonly TimeSpan Retry = TimeSpan.FromSeconds(15);

    readonly FailureBackoff<string> _failed = new(Retry, Retry);

    /// <summary>The volume that a Pod empties; null for all other Pods.</summary>
    public static string? VolumeOf(Pod pod) =>
        pod.Metadata.Namespace == Namespace && pod.Metadata.Name.StartsWith(Prefix, StringComparison.Ordinal) && pod.Metadata.Annotations.TryGet(Label, out string? volume) ? volume : null;

    public async Task<Again> RunAsync(PersistentVolume volume, Func<PersistentVolume, string, string, CancellationToken, Task> fail, CancellationToken ct)
    {
        if (_failed.Until(volume.Metadata.Name, cluster.Time.GetUtcNow()) is { } until) return Again.At(until);
        if (volume.Spec is { HostPath: null, Nfs: null })
        {
            await fail(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!", ct);
            return Again.OnChange;
        }
        var key = new Key(Namespace, Prefix + volume.Metadata.Name);
        if (await cluster.Client.FindAsync<Pod>(key, ct) is not { } pod)
        {
            string[] users = [.. (await UsersAsync(volume, ct)).Order(StringComparer.Ordinal)];
            if (users.Length > 0)
            {
                cluster.Recorder.Event(volume, "Normal", "VolumeFailedRecycle", "Volume is used by pods: " + string.Join(",", users));
                return Again.In(Retry);
            }
            try { await cluster.Client.CreateAsync(PodFor(volume, key.Name), ct); }
            catch (ApiException e) when (e.IsAlreadyExists) { return Again.WithBackoff; }
            cluster.Recorder.Event(volume, "Normal", "RecyclerPod", $"Recycler pod: Successfully created pod {key.Name}");
            return Again.OnChange;
        }
        if (VolumeOf(pod) != volume.Metadata.Name)
        {
            await fail(volume, "VolumeFailedRecycle", $"Recycle failed: pod {key} is somebody else's", ct);
            return Failed(volume);
        }
        if (pod.Metadata.DeletionTimestamp is not null || pod.Status.Phase is not ("Succeeded" or "Failed")) return Again.OnChange;
        if (pod.Status.Phase == "Succeeded")
        {
            cluster.Recorder.Event(volume, "Normal", "VolumeRecycled", "Volume recycled");
            await cluster.Client.UpdateAsync(Bond.Free(volume), ct);
        }
        else await fail(volume, "VolumeFailedRecycle", $"Recycle failed: {(pod.Status.Message.Length > 0 ? pod.Status.Message : "pod failed, pod.Status.Message unknown")}", ct);
        await cluster.Client.TryDeleteAsync<Pod>(key, new DeleteOptions { Preconditions = new() { Uid = pod.Metadata.Uid } }, ct);
        return pod.Status.Phase == "Failed" ? Failed(volume) : Again.OnChange;
    }

    Again Failed(PersistentVolume volume)
    {
        _failed.Failed(volume.Metadata.Name, cluster.Time.GetUtcNow());
        return Again.In(Retry);
    }

    /// <summary>A claim may be gone before the last Pod that mounts what it was bound to; and what is emptied is lost: a Pod that the cache does not show yet counts, too.</summary>
    async Task<List<string>> UsersAsync(PersistentVolume volume, CancellationToken ct)
    {
        List<string> users = [];
        if (Bond.ClaimOf(volume) is not { } claim) return users;
        await foreach (var pod in cluster.Client.EachAsync<Pod>(new() { Namespace = claim.Namespace }, ct))
            if (!pod.IsTerminal && Claims.NamesOf(pod).Contains(claim.Name)) users.Add(Key.Of(pod).ToString());
        return users;
    }

    Pod PodFor(PersistentVolume volume, string name) => new()
    {
        Metadata = new() { Name = name, Namespace = Namespace, Annotations = Map.Of((Label, volume.Metadata.Name)) },
        Spec = new()
        {
            RestartPolicy = "Never", ActiveDeadlineSeconds = Longest, AutomountServiceAccountToken = false,
            Volumes = [new() { Name = "vol", HostPath = volume.Spec.HostPath, Nfs = volume.Spec.Nfs }],
            Containers =
            [
                new()
                {
                    Name = "pv-recycler", Image = options.RecyclerImage, ImagePullPolicy = "IfNotPresent",
                    Command = ["/bin/sh"],
                    Args = ["-c", "cd /scrub && rm -rf -- ..?* .[!.]* * && test -z \"$(ls -A)\""],
                    VolumeMounts = [new() { Name = "vol", MountPath = "/scrub" }],
                },
            ],
            Affinity = volume.Spec.NodeAffinity?.Required is { } nodes ? new() { NodeAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = nodes } } : null,
        },
    };
}
