using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Static;

/// <summary>Runs the Pods of a folder, API or no API, and shows each in the API by a mirror Pod.</summary>
/// <remarks>The folder is what counts: a mirror that is deleted or changed comes back as it was; a file that goes takes Pod and mirror with it.</remarks>
sealed class StaticPodLoop(PodContext context, PodWorkers workers, IClient client, ICache<Pod> pods, Func<Node?> node)
{
    readonly WakeUp _wake = new();
    readonly Dictionary<string, string> _errors = []; // as many as files that cannot be read; told once each
    readonly Dictionary<string, string> _files = []; // uid of each file's Pod
    readonly HashSet<string> _gone = []; // files that went since they were last looked at, whether or not they are back

    /// <summary>Something happened to a mirror.</summary>
    public void Wake() => _wake.Set();

    public async Task RunAsync(CancellationToken ct)
    {
        string folder = context.Options.StaticPodPath;
        using var watcher = folder.Length > 0 && Directory.Exists(folder) ? new FileSystemWatcher(folder) { EnableRaisingEvents = true } : null;
        if (watcher is not null)
        {
            watcher.Changed += (_, _) => _wake.Set();
            watcher.Created += (_, _) => _wake.Set();
            watcher.Deleted += (_, e) => Went(e.FullPath);
            watcher.Renamed += (_, e) => Went(e.OldFullPath);
        }
        // What the mirrors say of Pods that run is better known before: but Pods run without an API, too.
        await Task.WhenAny(pods.WhenSyncedAsync(ct), Task.Delay(s_patience, context.Time, ct)).ConfigureAwait(false);
        while (true)
        {
            bool settled = Run(folder);
            if (pods.Synced) await MirrorAsync(ct).ConfigureAwait(false);
            await _wake.WaitAsync(settled && pods.Synced && node() is not null ? context.Options.StaticPodPeriod : TimeSpan.FromSeconds(1), context.Time, ct).ConfigureAwait(false);
        }
    }

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>A file was there no more, if only for a moment: its Pod ends, and begins anew if the file is back.</summary>
    internal void Went(string path)
    {
        lock (_gone) _gone.Add(path);
        _wake.Set();
    }

    /// <summary>Brings what runs in line with the files.</summary>
    /// <returns>False while a Pod has to wait for its predecessor's end.</returns>
    public bool Run(string folder)
    {
        if (folder.Length == 0) return true;
        var wanted = new Dictionary<string, Pod>();
        HashSet<string> ended;
        lock (_gone)
        {
            ended = [.. _gone.Select(path => _files.GetValueOrDefault(path)).OfType<string>()];
            _gone.Clear();
        }
        _files.Clear();
        foreach (var (path, pod, error) in StaticPodFiles.Read(folder, context.Options.NodeName))
        {
            if (pod is not null) wanted[_files[path] = pod.Metadata.Uid] = pod;
            if (error.Length == 0) _errors.Remove(path);
            else if (_errors.GetValueOrDefault(path) != error)
            {
                _errors[path] = error;
                context.Log.StaticPod(path, error);
            }
        }
        foreach (var worker in workers.All.Where(w => w.Pod.IsStatic() && (!wanted.ContainsKey(w.Uid) || ended.Contains(w.Uid)))) worker.Remove(grace: worker.Pod.GraceSeconds());
        bool settled = true;
        foreach (var pod in wanted.Values)
        {
            if (workers.Find(pod.Metadata.Uid) is { } running) settled &= !running.Removed;
            else if (workers.Find(pod.Metadata.Namespace, pod.Metadata.Name) is { Done: false }) settled = false;
            else workers.Add(Known(pod));
        }
        return settled;
    }

    /// <summary>With what its mirror tells: a kubelet that was only restarted does not know less than the one before it.</summary>
    Pod Known(Pod pod)
    {
        if (context.StaticStarts.Knows(pod.Metadata.Uid)) context.Figures.Count("kubelet_restarted_pods_total", ("static", "true"));
        return pods.Find(Key.Of(pod)) is { } mirror && mirror.IsMirror() && mirror.Metadata.Annotations[StaticPods.MirrorAnnotation] == HashOf(pod) && !mirror.Status.IsFinished()
            && !context.StaticStarts.Knows(pod.Metadata.Uid) ? pod with { Status = mirror.Status } : pod;
    }

    /// <summary>The Pods that mirrors are made of. A worker that is done is still known for a moment, when the Pod of the changed file may have its name already.</summary>
    internal static Dictionary<Key, Pod> Ours(IEnumerable<PodWorker> workers) =>
        workers.Where(w => !w.Done && w.Pod.IsStatic()).Select(w => w.Pod).ToDictionary(p => Key.Of(p));

    /// <summary>Brings the mirrors in line with what runs.</summary>
    public async Task MirrorAsync(CancellationToken ct)
    {
        var ours = Ours(workers.All);
        foreach (var mirror in pods.All.Where(p => p.IsMirror() && p.Spec.NodeName == context.Options.NodeName))
        {
            bool right = ours.TryGetValue(Key.Of(mirror), out var pod) && HashOf(pod) == mirror.Metadata.Annotations[StaticPods.MirrorAnnotation] && mirror.Metadata.DeletionTimestamp is null;
            if (!right) await TryAsync(mirror, () => client.DeleteAsync<Pod>(Key.Of(mirror), new DeleteOptions { GracePeriodSeconds = 0, Preconditions = new() { Uid = mirror.Metadata.Uid } }, ct)).ConfigureAwait(false);
        }
        // A mirror is its node's: no node, no mirror.
        if (node() is not { } owner) return;
        foreach (var (key, pod) in ours)
            if (pods.Find(key) is null) await TryAsync(pod, () => client.CreateAsync(MirrorOf(pod, owner), ct)).ConfigureAwait(false);
    }

    static Pod MirrorOf(Pod pod, Node owner) => pod with
    {
        Metadata = new()
        {
            Name = pod.Metadata.Name, Namespace = pod.Metadata.Namespace, Labels = pod.Metadata.Labels,
            Annotations = pod.Metadata.Annotations.Set(StaticPods.MirrorAnnotation, HashOf(pod)),
            // The mirror goes with its node.
            OwnerReferences = [new() { ApiVersion = "v1", Kind = "Node", Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, Controller = true }],
        },
        Status = new(),
    };

    static string HashOf(Pod pod) => pod.Metadata.Annotations[StaticPods.HashAnnotation] ?? "";

    async Task TryAsync(Pod pod, Func<Task> write)
    {
        try { await write().ConfigureAwait(false); }
        catch (ApiException e) when (e.IsNotFound || e.IsAlreadyExists || e.IsConflict) { } // it is as it should be, or soon will
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException) { context.Log.Mirror(pod.Metadata.Namespace, pod.Metadata.Name, e.Message); }
    }
}
