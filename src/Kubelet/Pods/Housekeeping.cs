using Hanbae.Grpc;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Volumes;

namespace Hanbae.Kubelet.Pods;

/// <summary>Removes what Pods left behind that the API no longer knows: in the runtime, on disk, in cgroups; only in this kubelet's own folder and cgroup root.</summary>
sealed class Housekeeping(PodContext context, PodWorkers workers, Pleg pleg)
{
    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await OnceAsync(ct).ConfigureAwait(false);
            await Task.Delay(context.Options.CleanupPeriod, context.Time, ct).ConfigureAwait(false);
        }
    }

    public async Task OnceAsync(CancellationToken ct)
    {
        if (pleg.Pods is not { } seen) return;
        var folders = context.Options.Folders;
        var mine = Directory.Exists(folders.Pods) ? Directory.EnumerateDirectories(folders.Pods).Select(f => Path.GetFileName(f)).ToHashSet() : [];
        foreach (var (uid, pod) in seen)
            if (mine.Contains(uid) && !workers.Knows(uid)) workers.RemoveOrphan(uid, pod.Namespace, pod.Name);
        int cleaned = 0, failed = 0;
        foreach (string uid in mine)
        {
            if (seen.ContainsKey(uid) || workers.Knows(uid)) continue;
            try
            {
                await context.Volumes.TearDownAsync(uid, ct).ConfigureAwait(false);
                if (context.ImageMounts is { } images) await images.ReleaseAsync(uid, ct).ConfigureAwait(false);
                PodWorker.RemoveFolder(folders.Pod(uid));
                cleaned++;
            }
            catch (Exception e) when (e is GrpcException or VolumeException or IOException or UnauthorizedAccessException)
            {
                context.Log.Leftover(folders.Pod(uid), e.Message); // next time
                failed++;
            }
        }
        context.Figures.Set("kubelet_orphan_pod_cleaned_volumes", cleaned);
        context.Figures.Set("kubelet_orphan_pod_cleaned_volumes_errors", failed);
        if (context.Placements is { } placements)
            foreach (string uid in placements.Pods.ToArray()) if (!seen.ContainsKey(uid) && !workers.Knows(uid)) placements.Release(uid);
        foreach (string uid in context.Cgroups.Known())
        {
            if (seen.ContainsKey(uid) || workers.Knows(uid)) continue;
            try { await context.Cgroups.RemoveAsync(uid, ct).ConfigureAwait(false); }
            catch (IOException e) { context.Log.Leftover("cgroup of pod " + uid, e.Message); } // next time
        }
    }
}
