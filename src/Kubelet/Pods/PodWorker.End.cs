using Hanbae.Api.Core.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Static;
using Hanbae.Kubelet.Statuses;
using PodStatus = Hanbae.Api.Core.V1.PodStatus;

namespace Hanbae.Kubelet.Pods;

sealed partial class PodWorker
{
    /// <summary>Ends the Pod: containers, sandbox, volumes, cgroup; and, when it is to be deleted, every trace of it.</summary>
    async Task<DateTimeOffset> TerminateAsync(Pod pod, bool removed, CancellationToken ct)
    {
        context.Prober.StopKilling(_runtime!);
        if (_runtime!.IsRunning)
        {
            long? grace = pod.Metadata.DeletionGracePeriodSeconds is { } asked ? Math.Max(asked, 1) : _grace;
            await TellingAsync(pod, _killer.KillPodAsync(pod, _runtime, grace, ct), ct).ConfigureAwait(false);
            _runtime = await ReadAsync(pod, ct).ConfigureAwait(false);
        }
        if (context.Devices is { } devices) await devices.Claims.UnprepareAsync(Uid, ct).ConfigureAwait(false);
        context.Placements?.Release(Uid);
        context.UserNamespaces?.Release(Uid);
        // The last word on a Pod that is to be deleted is told when nothing is left of it: until then it is terminating, not failed.
        Tell(pod, terminal: !removed && pod.Metadata.DeletionTimestamp is null);
        await context.Volumes.TearDownAsync(Uid, ct).ConfigureAwait(false);
        if (context.ImageMounts is { } images) await images.ReleaseAsync(Uid, ct).ConfigureAwait(false);
        var soon = context.Time.GetUtcNow() + TimeSpan.FromSeconds(1);
        if (!removed && pod.Metadata.DeletionTimestamp is null)
        {
            await context.Cgroups.RemoveAsync(Uid, ct).ConfigureAwait(false);
            await PruneAsync(ct).ConfigureAwait(false);
            return context.Time.GetUtcNow() + context.Options.SyncPeriod;
        }

        if (pod.IsStatic()) context.StaticStarts.Keep(Uid, _runtime);
        foreach (var container in _runtime.Containers) context.Prober.Remove(container.Id);
        foreach (var sandbox in _runtime.Sandboxes) await context.Cri.RemovePodSandboxAsync(sandbox.Id, ct).ConfigureAwait(false);
        foreach (var container in _runtime.Containers) await context.Cri.RemoveContainerAsync(container.Id, ct).ConfigureAwait(false);
        if (!await context.Cgroups.RemoveAsync(Uid, ct).ConfigureAwait(false)) return soon;
        LogLinks.RemoveAll(context.Options.Folders, pod);
        RemoveFolder(context.Options.Folders.Log(pod.Metadata.Namespace, pod.Metadata.Name, Uid));
        RemoveFolder(context.Options.Folders.Pod(Uid));
        context.Allocations.Forget(Uid);
        if (removed) context.Reports.Forget(Uid);
        else await context.Reports.FinishAsync(pod, _status = Computed(pod, terminal: true), ct).ConfigureAwait(false);
        Done = true;
        return soon;
    }

    /// <summary>Tells how containers end and probes answer while others of the Pod take their time to end.</summary>
    async Task TellingAsync(Pod pod, Task killing, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var telling = TellAsync();
        try { await killing.ConfigureAwait(false); }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await telling.ConfigureAwait(false);
        }

        async Task TellAsync()
        {
            try
            {
                while (true)
                {
                    await Wake.WaitAsync(Timeout.InfiniteTimeSpan, context.Time, over.Token).ConfigureAwait(false);
                    _runtime = await ReadAsync(pod, over.Token).ConfigureAwait(false);
                    Tell(pod, terminal: false, ending: true);
                }
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested) { }
            catch (Exception e) when (e is GrpcException or IOException) { } // told when all have ended
        }
    }

    PodStatus Computed(Pod pod, bool terminal) => PodStatuses.For(new()
    {
        Pod = context.Allocations.Of(pod), Runtime = _runtime!,
        RuntimeName = context.RuntimeVersion() is { Length: > 0 } version ? version.Split(':')[0] : "containerd",
        Before = _status ?? pod.Status, Errors = _errors, Probes = context.Prober, Now = context.Time.GetUtcNow(),
        HostIPs = context.HostIPs, Terminal = terminal, Failed = _failed,
        Passing = ResizeConditions(), Disruption = _disruption, InForce = name => context.Allocations.InForce(Uid, name), WholeInForce = context.Allocations.WholeInForce(Uid),
        MountsReadOnlyRecursively = context.MountsReadOnlyRecursively(_handler),
        DeviceHealth = container => context.Devices?.HealthOf(pod, container) ?? default,
    });

    /// <summary>Computes and reports the status. A phase is only final when nothing runs any more and all is given back (others free the Pod's resources on it).</summary>
    void Tell(Pod pod, bool terminal, bool ending = false)
    {
        var before = _status ?? pod.Status;
        // Before the status is computed: what the kubelet before this one had found out still holds.
        context.Prober.Sync(pod, _runtime!, before);
        var status = Computed(pod, terminal);
        bool running = _runtime!.Containers.Any(c => c.State == RuntimeState.Running);
        if (status.IsFinished() && !before.IsFinished() && (ending || running && !terminal))
            status = status with { Phase = before.Phase.Length > 0 ? before.Phase : "Pending", Reason = before.Reason, Message = before.Message };
        if (_status is not null && _status == status) return;
        _status = status;
        context.Reports.Report(pod, status);
    }

    /// <summary>Removes containers that nobody can ask for any more: of each name the newest and the one before it stay, for status and <c>logs --previous</c>.</summary>
    async Task PruneAsync(CancellationToken ct)
    {
        const int kept = 2;
        var old = _runtime!.Containers.GroupBy(c => c.Name).SelectMany(g => g.Skip(kept)).Where(c => c.State == RuntimeState.Exited).ToArray();
        foreach (var container in old)
        {
            await context.Cri.RemoveContainerAsync(container.Id, ct).ConfigureAwait(false);
            LogLinks.Remove(context.Options.Folders, Pod, container.Name, container.Id);
            Server.LogFiles.Remove(container.LogPath);
        }
        if (old.Length > 0) _runtime = _runtime with { Containers = [.. _runtime.Containers.Except(old)] };
        if (_runtime.Sandboxes.Length > 1)
            foreach (var sandbox in _runtime.Sandboxes.Skip(1).Where(s => !s.Ready && !_runtime.Containers.Any(c => c.SandboxId == s.Id)))
                await context.Cri.RemovePodSandboxAsync(sandbox.Id, ct).ConfigureAwait(false);
    }

    /// <summary>Never through a mount: what is still mounted beneath would be emptied.</summary>
    internal static void RemoveFolder(string path)
    {
        if (!Directory.Exists(path)) return;
        string real = Volumes.Disk.Native.RealPath(path); // the mount table knows no symbolic links
        if (File.ReadLines("/proc/self/mountinfo").Any(l => l.Split(' ') is { Length: > 4 } f && f[4].StartsWith(real + "/", StringComparison.Ordinal)))
            throw new IOException($"{path} still has mounts beneath it");
        try { Directory.Delete(path, recursive: true); }
        catch (DirectoryNotFoundException) { }
    }
}
