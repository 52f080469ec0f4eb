using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Controllers.Nodes;
using Hanbae.Controllers.PersistentVolumeClaims;
using Hanbae.Controllers.Pods;
using Hanbae.Machinery.Figures;
using Hanbae.Machinery.Volumes.Clouds;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Volumes;

/// <summary>Asks CSI drivers to bring volumes to the nodes whose Pods need them, and to take them away again.</summary>
/// <remarks>
/// Upstream's attach-detach controller, for CSI: it writes VolumeAttachments, which a driver's external attacher follows, and into the node's
/// status what is attached. A volume that is mounted stays until the kubelet has let go of it (<c>volumesInUse</c>), or, on a node that fails,
/// for six minutes, or until somebody says that the node is out of service. Keys are nodes.
/// </remarks>
sealed class Attach(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    const string Managed = "volumes.kubernetes.io/controller-managed-attach-detach", Keeps = "volumes.kubernetes.io/keep-terminated-pod-volumes";
    const string ByNode = "attach-detach/node", ByVolume = "attach-detach/volume", ByDisk = "attach-detach/disk";

    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<VolumeAttachment> _attachments = cluster.Cache<VolumeAttachment>();
    readonly ICache<CSIDriver> _drivers = cluster.Cache<CSIDriver>();
    /// <summary>Since when attachments, by name, have been of no use. Bound: those that there are.</summary>
    readonly ConcurrentDictionary<string, DateTimeOffset> _unneeded = new();
    /// <summary>What nodes say they have mounted: their machines may still write when they are deleted. Bound: nodes that have some, and deleted ones with attachments.</summary>
    /// <remarks>Kept from before the deletion: who finds the node gone from the cache may be faster than whoever is told of it.</remarks>
    readonly ConcurrentDictionary<string, Seq<string>> _mounted = new();
    /// <summary>Volumes for one node alone, by unique name, that were asked for on one, until its own work shows them in the caches.</summary>
    /// <remarks>Nodes are worked on side by side, and what one wrote may not show yet when the next decides. Bound: attachments just made.</remarks>
    readonly ConcurrentDictionary<string, string> _taken = new();
    /// <summary>What was said last of Pods and attachments, by uid; forgotten with them.</summary>
    readonly ConcurrentDictionary<string, string> _told = new();

    /// <summary>Attachments, by name, that were asked for or given up here and are not there or gone yet, since when. Bound: those just made or deleted.</summary>
    readonly ConcurrentDictionary<string, (string Node, string Plugin, long Since)> _coming = new(), _going = new();

    public void Watch(Triggers on)
    {
        options.Figures?.Show("attachdetach", Figures);
        foreach (bool outOfService in (bool[])[false, true]) VolumeMeters.Forced(outOfService, times: 0);
        Nodes.Lifecycle.IndexNodes(_pods);
        _pods.IndexClaims();
        _pods.AddIndex(ByDisk, p => p.Spec.Volumes.Where(CloudDisks.IsInline).Select(v => Disk(v, p.Metadata.Namespace)?.Spec.Csi).OfType<CSIPersistentVolumeSource>().Select(VolumeKey));
        _attachments.AddIndex(ByNode, a => [a.Spec.NodeName]);
        _attachments.AddIndex(ByVolume, a => VolumeKey(a) is { Length: > 0 } key ? [key] : []);
        on.When(_nodes, e => e.Old is null || e.New is null || e.Old.Status.VolumesInUse != e.New.Status.VolumesInUse || e.Old.Spec.Taints != e.New.Spec.Taints || Zones.IsReady(e.Old) != Zones.IsReady(e.New)
                || e.Old.Metadata.Annotations[Managed] != e.New.Metadata.Annotations[Managed] || e.Old.Metadata.Annotations[Keeps] != e.New.Metadata.Annotations[Keeps])
            .Map(_attachments, a => _attachments.ByIndex(ByVolume, VolumeKey(a)).Select(o => o.Spec.NodeName).Append(a.Spec.NodeName).Concat(Waiting(a)).Distinct().Select(n => new Key("", n)))
            .From(_ => _nodes.Subscribe(e =>
            {
                if (e.New is not { } node) return;
                if (node.Status.VolumesInUse.IsEmpty) _mounted.TryRemove(node.Metadata.Name, out Seq<string> _);
                else _mounted[node.Metadata.Name] = node.Status.VolumesInUse;
            }))
            .From(_ => _attachments.Subscribe(e => { if (e.New is null) _told.TryRemove(e.Old!.Metadata.Uid, out string? _); }))
            .From(add => _pods.Subscribe(e =>
            {
                if (e.New is null) _told.TryRemove(e.Old!.Metadata.Uid, out string? _);
                if (e is { Old: { } a, New: { } b } && a.Spec.NodeName == b.Spec.NodeName && HasEnded(a) == HasEnded(b)) return;
                if (e.Object.Spec.NodeName.Length > 0 && (Claims.NamesOf(e.Object).Any() || e.Object.Spec.Volumes.Exists(CloudDisks.IsInline))) add(new("", e.Object.Spec.NodeName));
            }))
            .Map(_claims, c => NodesOf(Key.Of(c)))
            .Map(_volumes, v => v.Spec.Csi is null && !CloudDisks.IsOne(v.Spec) ? []
                : _attachments.ByIndex(ByVolume, v.Metadata.Name).Select(a => new Key("", a.Spec.NodeName)).Concat(v.Spec.ClaimRef is { } claim ? NodesOf(new(claim.Namespace, claim.Name)) : []))
            .From(add => _drivers.Subscribe(e =>
            {
                if (e is { Old: { } a, New: { } b } && a.Spec.AttachRequired == b.Spec.AttachRequired) return;
                foreach (string node in NodesWith(e.Object.Metadata.Name)) add(new("", node));
            })).Needs(_drivers);
    }

    /// <summary>Nodes that a driver has volumes on, or ought to: it seldom says otherwise whether they are attached, and its word may come after its first Pod.</summary>
    IEnumerable<string> NodesWith(string driver) =>
        _volumes.All.Where(v => v.Spec.Csi is { } csi ? csi.Driver == driver : CloudDisks.IsOne(v.Spec)).SelectMany(v => v.Spec.ClaimRef is { } claim ? NodesOf(new(claim.Namespace, claim.Name)) : []).Select(k => k.Name)
            .Concat(_attachments.All.Where(a => a.Spec.Attacher == driver).Select(a => a.Spec.NodeName))
            .Concat(_pods.All.Where(p => p.Spec.NodeName.Length > 0 && p.Spec.Volumes.Exists(CloudDisks.IsInline)).Select(p => p.Spec.NodeName)).ToHashSet();

    IEnumerable<Key> NodesOf(Key claim) => _pods.UsersOf(claim).Select(p => p.Spec.NodeName).Where(n => n.Length > 0).Distinct().Select(n => new Key("", n));

    /// <summary>Nodes that may have been refused the volume.</summary>
    IEnumerable<string> Waiting(VolumeAttachment attachment)
    {
        if (attachment.Spec.Source.InlineVolumeSpec is not null) return _pods.ByIndex(ByDisk, VolumeKey(attachment)).Select(p => p.Spec.NodeName).Where(n => n.Length > 0);
        return _volumes.Find(new("", attachment.Spec.Source.PersistentVolumeName ?? ""))?.Spec.ClaimRef is { } claim ? NodesOf(new(claim.Namespace, claim.Name)).Select(k => k.Name) : [];
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        foreach (var (name, going) in _going)
            if (going.Node == key.Name && _attachments.Find(new("", name)) is null && _going.TryRemove(name, out var gone))
                VolumeMeters.Done("volume_detach", gone.Plugin, cluster.Time.GetElapsedTime(gone.Since), well: true);
        // The caches show what was written for this node by now.
        foreach (var (volume, taker) in _taken)
            if (taker == key.Name) _taken.TryRemove(new(volume, taker));
        var node = _nodes.Find(key);
        var there = _attachments.ByIndex(ByNode, key.Name).Select(a => (Attachment: a, Volume: Ours(a))).Where(t => t.Volume is not null).Select(t => (t.Attachment, t.Volume!)).ToList();
        if (node is not null && node.Metadata.Annotations[Managed] != "true") return Again.OnChange;
        foreach (var lost in _attachments.ByIndex(ByNode, key.Name).Where(IsLost)) await cluster.Client.TryDeleteAsync<VolumeAttachment>(Key.Of(lost), Preconditions.Uid(lost), ct);
        var needed = node is null ? [] : Needs(key.Name, node.Metadata.Annotations[Keeps] == "true");
        if (node is null && there.Count == 0) _mounted.TryRemove(key.Name, out Seq<string> _);
        if (needed.Count == 0 && there.Count == 0 && node?.Status.VolumesAttached.IsEmpty != false) return Again.OnChange;

        var now = cluster.Time.GetUtcNow();
        var wanted = needed.Select(n => AttachPlan.UniqueName(n.Volume)).ToHashSet();
        foreach (var (attachment, volume) in there)
            if (wanted.Contains(AttachPlan.UniqueName(volume))) _unneeded.TryRemove(attachment.Metadata.Name, out _);
        var mounted = (node?.Status.VolumesInUse ?? _mounted.GetValueOrDefault(key.Name)).ToHashSet();
        bool outOfService = node is not null && Sweep.IsOutOfService(node);
        var plan = AttachPlan.For(key.Name, needed, there, v => Elsewhere(v, key.Name), mounted, name => _unneeded.GetOrAdd(name, now),
            node is not null && Zones.IsReady(node), outOfService, now);

        // The kubelet must not mount what is about to go.
        if (node is not null && node.Status.VolumesAttached != plan.Attached)
            await cluster.Client.UpdateStatusAsync(node with { Status = node.Status with { VolumesAttached = plan.Attached } }, ct);
        foreach (var attachment in plan.Detach)
        {
            if (there.Exists(t => ReferenceEquals(t.Attachment, attachment) && mounted.Contains(AttachPlan.UniqueName(t.Item2)))) VolumeMeters.Forced(outOfService);
            _coming.TryRemove(attachment.Metadata.Name, out _);
            _going.TryAdd(attachment.Metadata.Name, (key.Name, PluginOf(attachment.Spec.Attacher), cluster.Time.GetTimestamp()));
            await cluster.Client.TryDeleteAsync<VolumeAttachment>(Key.Of(attachment), Preconditions.Uid(attachment), ct);
            _unneeded.TryRemove(attachment.Metadata.Name, out _);
        }
        foreach (var (need, other) in plan.Refused) Refuse(need, other);
        bool raced = false;
        foreach (var (attachment, need) in plan.Attach)
        {
            if (!AttachPlan.MayBeShared(need.Volume) && TakenBy(need.Volume, key.Name) is { } other)
            {
                Refuse(need, other);
                raced = true;
                continue;
            }
            _coming[attachment.Metadata.Name] = (key.Name, PluginOf(attachment.Spec.Attacher), cluster.Time.GetTimestamp());
            try { await cluster.Client.CreateAsync(attachment, ct); }
            catch (ApiException e) when (e.IsAlreadyExists) { }
        }
        var due = Tell(needed, there, now);
        if (raced) return Again.WithBackoff;
        if (plan.LookAt is { } at && !(due < at)) due = at;
        return due is { } next ? Again.At(next) : Again.OnChange;
    }

    static string PluginOf(string driver) => "kubernetes.io/csi:" + driver;

    /// <summary>What is to be attached and what is, and what Pods use of it.</summary>
    IEnumerable<Figure> Figures()
    {
        const string total = "attachdetach_controller_total_volumes", help = "Volumes by plugin and by whether they are wanted or attached.";
        const string used = "storage_count_attachable_volumes_in_use", usedHelp = "Volumes that Pods of a node use.";
        var wanted = _nodes.All.SelectMany(n => Needs(n.Metadata.Name, n.Metadata.Annotations[Keeps] == "true")
            .Select(need => (Node: n.Metadata.Name, Plugin: PluginOf(need.Volume.Spec.Csi!.Driver)))).ToList();
        var attached = _attachments.All.Where(a => a.Status.Attached).Select(a => PluginOf(a.Spec.Attacher));
        return
        [
            .. wanted.GroupBy(w => w.Plugin).Select(g => new Figure(total, help, PrometheusText.Labels(("plugin_name", g.Key), ("state", "desired_state_of_world")), g.Count())),
            .. attached.GroupBy(p => p).Select(g => new Figure(total, help, PrometheusText.Labels(("plugin_name", g.Key), ("state", "actual_state_of_world")), g.Count())),
            .. wanted.GroupBy(w => w).Select(g => new Figure(used, usedHelp, PrometheusText.Labels(("node", g.Key.Node), ("volume_plugin", g.Key.Plugin)), g.Count())),
        ];
    }

    /// <summary>Takes a volume that only one node may have.</summary>
    /// <returns>The node that was faster; null for none.</returns>
    string? TakenBy(PersistentVolume volume, string node)
    {
        string name = AttachPlan.UniqueName(volume);
        if (_taken.GetOrAdd(name, node) is var taker && taker != node) return taker;
        // The other's may have come to show since the plan was made, and been let go of here.
        if (Elsewhere(volume, node) is not { } other) return null;
        _taken.TryRemove(new(name, node));
        return other;
    }

    /// <summary>What an attachment is for: a volume by its name, or, for one written inside of a Pod, by its driver's handle.</summary>
    static string VolumeKey(VolumeAttachment attachment) =>
        attachment.Spec.Source.PersistentVolumeName ?? (attachment.Spec.Source.InlineVolumeSpec?.Csi is { } csi ? VolumeKey(csi) : "");

    static string VolumeKey(CSIPersistentVolumeSource csi) => $"{csi.Driver}^{csi.VolumeHandle}";

    /// <summary>Volumes of the Pods that live there, as far as a driver has to bring them: those of bound claims, and disks of clouds that Pods name themselves.</summary>
    /// <param name="keeps">The node's agent keeps them until a Pod that has ended is gone.</param>
    List<Needed> Needs(string node, bool keeps)
    {
        var needed = new Dictionary<string, Needed>();
        void Need(PersistentVolume volume, Pod pod, bool inline)
        {
            string name = AttachPlan.UniqueName(volume);
            if (!needed.TryGetValue(name, out var need)) needed[name] = need = new(volume, []) { Inline = inline };
            if (need.Pods.Count == 0 || !ReferenceEquals(need.Pods[^1], pod)) need.Pods.Add(pod); // one may name it twice
        }
        foreach (var pod in _pods.ByIndex(Nodes.Lifecycle.ByNode, node))
        {
            if (HasEnded(pod) && !keeps) continue;
            foreach (string name in Claims.NamesOf(pod))
                if (_claims.Find(new(pod.Metadata.Namespace, name)) is { Status.Phase: "Bound" } claim && Claims.Uses(pod, claim)
                    && _volumes.Find(new("", claim.Spec.VolumeName)) is { } bound && CloudDisks.TryTranslate(bound) is { Spec.Csi: { } csi } volume
                    && volume.Spec.ClaimRef?.Uid == claim.Metadata.Uid && HasToAttach(csi.Driver))
                    Need(volume, pod, inline: false);
            foreach (var inline in pod.Spec.Volumes)
                if (CloudDisks.IsInline(inline) && Disk(inline, pod.Metadata.Namespace) is { Spec.Csi: { } csi } disk && HasToAttach(csi.Driver))
                    Need(disk, pod, inline: true);
        }
        return [.. needed.Values];
    }

    /// <summary>Also one that is being deleted and of which nothing runs any more: it is as good as gone.</summary>
    static bool HasEnded(Pod pod) => pod.IsTerminal || pod.Metadata.DeletionTimestamp is not null && !pod.Status.ContainerStatuses.Exists(s => s.State.Terminated is null && s.State.Waiting is null);

    static PersistentVolume? Disk(Volume inline, string ns)
    {
        try { return CloudDisks.Inline(inline, ns); }
        catch (FormatException) { return null; } // the kubelet tells the user
    }

    /// <summary>A driver that is not known may have to, as upstream.</summary>
    bool HasToAttach(string driver) => _drivers.Find(new("", driver))?.Spec.AttachRequired != false;

    /// <summary>The volume, when the attachment is one that this controller makes: others are their makers'.</summary>
    PersistentVolume? Ours(VolumeAttachment attachment) =>
        CloudDisks.Of(attachment, name => _volumes.Find(new("", name))) is { Spec.Csi: not null } volume && attachment.Metadata.Name == AttachPlan.NameOf(volume, attachment.Spec.NodeName) ? volume : null;

    /// <summary>One of this controller's that nobody followed, and whose PersistentVolume is gone: nothing could attach it any more.</summary>
    bool IsLost(VolumeAttachment attachment) =>
        attachment is { Status.Attached: false, Metadata.DeletionTimestamp: null, Spec.Source.PersistentVolumeName: { Length: > 0 } volume }
            && AttachPlan.IsName(attachment.Metadata.Name) && _volumes.Find(new("", volume)) is null;

    string? Elsewhere(PersistentVolume volume, string node) =>
        _attachments.ByIndex(ByVolume, volume.Metadata.Name).Concat(_attachments.ByIndex(ByVolume, VolumeKey(volume.Spec.Csi!))).FirstOrDefault(a => a.Spec.NodeName != node)?.Spec.NodeName;

    void Refuse(Needed needed, string other)
    {
        var untold = needed.Pods.Where(p => _told.GetValueOrDefault(p.Metadata.Uid) != other).ToList();
        if (untold.Count == 0) return;
        var users = needed.Volume.Spec.ClaimRef is { } claim ? _pods.UsersOf(new(claim.Namespace, claim.Name)).Where(p => p.Spec.NodeName == other).Select(p => p.Metadata.Name).ToList() : [];
        string why = users.Count > 0 ? $"Volume is already used by pod(s) {string.Join(", ", users)}" : "Volume is already exclusively attached to one node and can't be attached to another";
        foreach (var pod in untold)
        {
            _told[pod.Metadata.Uid] = other;
            cluster.Recorder.Event(pod, "Warning", "FailedAttachVolume", $"Multi-Attach error for volume \"{needed.Volume.Metadata.Name}\" {why}");
        }
    }

    /// <summary>Once for each outcome, to all Pods that wait for it. What was attached before this process began was told of by another.</summary>
    /// <returns>When one that nobody has answered for is late.</returns>
    DateTimeOffset? Tell(List<Needed> needed, List<(VolumeAttachment Attachment, PersistentVolume Volume)> there, DateTimeOffset now)
    {
        DateTimeOffset? first = null;
        foreach (var need in needed)
            if (there.Find(t => AttachPlan.UniqueName(t.Volume) == AttachPlan.UniqueName(need.Volume)).Attachment is { } attachment)
            {
                string outcome = attachment.Status.Attached ? "attached" : attachment.Status.AttachError?.Message ?? "";
                string about = attachment.Metadata.Uid;
                if (outcome.Length == 0 && attachment.Metadata is { DeletionTimestamp: null, CreationTimestamp: { } made })
                {
                    if (now < made + s_patience) first = first < made + s_patience ? first : made + s_patience;
                    else outcome = $"timed out waiting for external-attacher of {attachment.Spec.Attacher} CSI driver to attach volume {need.Volume.Spec.Csi!.VolumeHandle}";
                }
                bool seen = _told.TryGetValue(about, out string? told) || _coming.ContainsKey(attachment.Metadata.Name);
                if (told == outcome) continue;
                _told[about] = outcome;
                if (outcome.Length == 0 || attachment.Status.Attached && !seen) continue;
                // What fails is tried again.
                if (attachment.Status.Attached ? _coming.TryRemove(attachment.Metadata.Name, out var began) : _coming.TryGetValue(attachment.Metadata.Name, out began))
                    VolumeMeters.Done("volume_attach", began.Plugin, cluster.Time.GetElapsedTime(began.Since), attachment.Status.Attached);
                foreach (var pod in need.Pods)
                    if (attachment.Status.Attached) cluster.Recorder.Event(pod, "Normal", "SuccessfulAttachVolume", $"AttachVolume.Attach succeeded for volume \"{need.Volume.Metadata.Name}\" ");
                    else cluster.Recorder.Event(pod, "Warning", "FailedAttachVolume", $"AttachVolume.Attach failed for volume \"{need.Volume.Metadata.Name}\" : {outcome}");
            }
        return first;
    }

    /// <summary>For who attaches, as upstream: then the Pod's user is told that there may be nobody.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
}
