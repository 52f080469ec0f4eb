using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Storage.V1;
using Hanbae.Grpc;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>Waits until the cluster has brought a volume to this node, and has the node say which it holds on to, so that none is taken away while mounted.</summary>
sealed class CsiAttachments(VolumeContext context, CsiPaths paths)
{
    /// <summary>As upstream: then the user is told, and it begins anew.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100), s_longest = TimeSpan.FromSeconds(5);

    /// <summary>Unique names; null until it was read from the disk what there is of the kubelet before. Bound: the volumes of this node's Pods.</summary>
    ConcurrentDictionary<string, bool>? _held;

    /// <summary>What the node's status is to say has changed.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Told of a driver that can bring no more volumes to this node.</summary>
    public Action<string> Exhausted { get; set; } = _ => { };

    ConcurrentDictionary<string, bool> Held => LazyInitializer.EnsureInitialized(ref _held, () =>
        new(paths.Known().Concat(paths.Staged()).Where(d => d.Attachment.Length > 0).Select(d => KeyValuePair.Create(CsiPaths.UniqueName(d.Driver, d.Handle), true)).DistinctBy(p => p.Key)));

    /// <summary>For <c>status.volumesInUse</c>.</summary>
    public Seq<string> InUse => Held.Keys.Order(StringComparer.Ordinal).ToSeq();

    public void LetGo(string volume)
    {
        if (Held.TryRemove(volume, out _)) Changed();
    }

    /// <summary>Lets go of a volume whose driver has come to say that it attaches nothing: the cluster may then take its attachment away, whoever has it mounted.</summary>
    public void LetGoIfNever(CsiWish wish, CSIDriver? declared)
    {
        if (declared?.Spec.AttachRequired == false && !wish.Inline) LetGo(wish.UniqueName);
    }

    /// <returns>What the driver's controller side wants its node side to know.</returns>
    /// <exception cref="VolumeException"/>
    public async Task<Map<string>> WhenAttachedAsync(CsiWish wish, string attachment, CancellationToken ct)
    {
        var until = context.Time.GetUtcNow() + s_patience;
        string full = "";
        for (var pause = s_pause; ; pause = pause * 2 < s_longest ? pause * 2 : s_longest)
        {
            // Each time: who waited for it before may just have let go of it.
            if (Held.TryAdd(wish.UniqueName, true)) Changed();
            // Only once the node is known to hold it: the cluster could be taking it away at this moment.
            if (context.Objects.Node?.Status.VolumesInUse.Contains(wish.UniqueName) == true && await context.Persistent.AttachmentAsync(attachment, ct).ConfigureAwait(false) is { Metadata.DeletionTimestamp: null } found)
            {
                if (found.Status.Attached) return found.Status.AttachmentMetadata;
                // KEP-4876: there may be room again soon; until then nobody else is to be sent here.
                if (found.Status.AttachError is { ErrorCode: (int)GrpcStatus.ResourceExhausted } exhausted)
                {
                    if (full.Length == 0) Exhausted(wish.Driver);
                    full = exhausted.Message;
                }
                else if (found.Status.AttachError is { } error) throw new VolumeException($"volume attachment {attachment} failed: {error.Message}") { Step = "WaitForAttach", Volume = wish.Name };
            }
            if (context.Time.GetUtcNow() >= until && full.Length > 0)
                throw new VolumeException($"node has insufficient volume attachment capacity: volume attachment {attachment} failed: {full}")
                {
                    Step = "WaitForAttach", Volume = wish.Name, Refusal = "VolumeAttachmentLimitExceeded",
                };
            if (context.Time.GetUtcNow() >= until)
                throw new VolumeException($"timed out waiting for external-attacher of {wish.Driver} CSI driver to attach volume {wish.Handle}") { Step = "WaitForAttach", Volume = wish.Name };
            await Task.Delay(pause, context.Time, ct).ConfigureAwait(false);
        }
    }
}
