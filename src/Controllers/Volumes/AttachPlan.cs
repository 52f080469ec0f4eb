using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Controllers.Volumes;

/// <summary>A volume that Pods on the node need.</summary>
readonly record struct Needed(PersistentVolume Volume, List<Pod> Pods)
{
    /// <summary>The Pod names the disk itself: there is no such PersistentVolume.</summary>
    public bool Inline { get; init; }
}

/// <summary>Which volumes come to a node and which leave it, by what its Pods need and what is attached.</summary>
/// <param name="Refused">Volumes that another node has, and that only one may have.</param>
/// <param name="Attached">What the node's status shall say of them.</param>
/// <param name="LookAt">When a volume that is still mounted is taken from a node that fails.</param>
sealed record AttachPlan(
    ImmutableArray<(VolumeAttachment Attachment, Needed Needed)> Attach, ImmutableArray<VolumeAttachment> Detach, ImmutableArray<(Needed Needed, string Node)> Refused,
    Seq<AttachedVolume> Attached, DateTimeOffset? LookAt)
{
    /// <summary>Upstream's maxWaitForUnmountDuration.</summary>
    static readonly TimeSpan ForcedAfter = TimeSpan.FromMinutes(6);

    /// <param name="there">What is attached to the node, or on its way.</param>
    /// <param name="elsewhere">Another node that the volume is attached to; null for none.</param>
    /// <param name="unneededSince">Since when nobody needs the volume there.</param>
    /// <param name="forced">The node is out of service: what it has mounted is of no matter.</param>
    public static AttachPlan For(
        string node, IReadOnlyCollection<Needed> needed, IReadOnlyCollection<(VolumeAttachment Attachment, PersistentVolume Volume)> there, Func<PersistentVolume, string?> elsewhere,
        IReadOnlySet<string> mounted, Func<string, DateTimeOffset> unneededSince, bool healthy, bool forced, DateTimeOffset now)
    {
        var wanted = needed.ToDictionary(n => UniqueName(n.Volume));
        var attach = ImmutableArray.CreateBuilder<(VolumeAttachment, Needed)>();
        var refused = ImmutableArray.CreateBuilder<(Needed, string)>();
        var has = there.Select(t => UniqueName(t.Volume)).ToHashSet();
        foreach (var need in wanted.Values)
            if (has.Contains(UniqueName(need.Volume))) continue;
            else if (!MayBeShared(need.Volume) && elsewhere(need.Volume) is { } other) refused.Add((need, other));
            else attach.Add((New(need, node), need));

        var detach = ImmutableArray.CreateBuilder<VolumeAttachment>();
        var attached = new List<AttachedVolume>();
        DateTimeOffset? lookAt = null;
        foreach (var (attachment, volume) in there)
        {
            bool isStale = wanted.TryGetValue(UniqueName(volume), out var need) && IsStale(attachment, volume, need), goes = isStale || !wanted.ContainsKey(UniqueName(volume));
            if (goes && !isStale && attachment.Metadata.DeletionTimestamp is null && mounted.Contains(UniqueName(volume)) && !forced)
            {
                // A kubelet that lives will unmount it; one that does not is waited for so long.
                var at = unneededSince(attachment.Metadata.Name) + ForcedAfter;
                if (healthy || now < at)
                {
                    goes = false;
                    if (!healthy) lookAt = lookAt is { } earlier && earlier < at ? earlier : at;
                }
            }
            if (goes) { if (attachment.Metadata.DeletionTimestamp is null) detach.Add(attachment); }
            else if (attachment.Status.Attached && attachment.Metadata.DeletionTimestamp is null) attached.Add(new() { Name = UniqueName(volume) });
        }
        return new(attach.DrainToImmutable(), detach.DrainToImmutable(), refused.DrainToImmutable(), [.. attached.OrderBy(a => a.Name, StringComparer.Ordinal)], lookAt);
    }

    /// <summary>It came to nothing, and its PersistentVolume goes: another one stands for the disk by now, and has to be named.</summary>
    static bool IsStale(VolumeAttachment attachment, PersistentVolume volume, Needed need) =>
        !attachment.Status.Attached && volume.Metadata.DeletionTimestamp is not null && !need.Inline && need.Volume.Metadata.Name != volume.Metadata.Name;

    static VolumeAttachment New(Needed needed, string node) => new()
    {
        Metadata = new() { Name = NameOf(needed.Volume, node) },
        Spec = new()
        {
            Attacher = needed.Volume.Spec.Csi!.Driver, NodeName = node,
            Source = needed.Inline ? new() { InlineVolumeSpec = needed.Volume.Spec } : new() { PersistentVolumeName = needed.Volume.Metadata.Name },
        },
    };

    /// <summary>Kubelets work it out, too: it says which attachment to wait for.</summary>
    public static string NameOf(PersistentVolume volume, string node) =>
        "csi-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(volume.Spec.Csi!.VolumeHandle + volume.Spec.Csi.Driver + node)));

    /// <summary>Whether <see cref="NameOf"/> could have made it.</summary>
    public static bool IsName(string name) => name.Length == 68 && name.StartsWith("csi-", StringComparison.Ordinal) && !name.AsSpan(4).ContainsAnyExcept("0123456789abcdef");

    public static string UniqueName(PersistentVolume volume) => $"kubernetes.io/csi/{volume.Spec.Csi!.Driver}^{volume.Spec.Csi.VolumeHandle}";

    /// <summary>A volume that does not say is left to its driver.</summary>
    public static bool MayBeShared(PersistentVolume volume) =>
        volume.Spec.AccessModes.IsEmpty || volume.Spec.AccessModes.Exists(m => m is "ReadWriteMany" or "ReadOnlyMany");
}
