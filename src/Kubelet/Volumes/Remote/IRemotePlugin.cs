using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>A kind of storage elsewhere that Pods name themselves, or by a claim.</summary>
interface IRemotePlugin : IVolumePlugin
{
    bool Serves(PersistentVolumeSpec spec);

    /// <inheritdoc cref="IVolumePlugin.PrepareAsync"/>
    Task<PreparedVolume> PrepareAsync(RemoteWish wish, CancellationToken ct);
}

/// <summary>What a Pod wants of storage elsewhere: an inline volume and a claim's, in one form.</summary>
/// <param name="Name">Of the PersistentVolume; of the Pod's volume where it is inline.</param>
/// <param name="ReadOnly">As the Pod says; the source may say so, too.</param>
sealed record RemoteWish(Pod Pod, string Name, bool ReadOnly)
{
    public Volume? Inline { get; init; }
    public PersistentVolumeSpec? Persistent { get; init; }

    public string Uid => Pod.Metadata.Uid;
    public Seq<string> MountOptions => Persistent?.MountOptions ?? default;
    public bool Block => Persistent?.VolumeMode == "Block";
    /// <summary>Where what an inline volume names is; for a claim's, when it does not say.</summary>
    public string Namespace => Pod.Metadata.Namespace;

    public static RemoteWish Of(Pod pod, Volume volume) => new(pod, volume.Name, ReadOnly: false) { Inline = volume };

    public static RemoteWish Of(Pod pod, PersistentVolume volume, bool readOnly) => new(pod, volume.Metadata.Name, readOnly) { Persistent = volume.Spec };

    /// <summary>The one key that storage of Ceph has in its Secret.</summary>
    /// <exception cref="VolumeException"/>
    public static async Task<ReadOnlyMemory<byte>> KeyAsync(VolumeContext context, string ns, string name, CancellationToken ct)
    {
        var secret = await SecretAsync(context, ns, name, ct).ConfigureAwait(false);
        if (secret.Data.TryGet("key", out var key)) return key.Memory;
        return secret.Data.IsEmpty ? throw new VolumeException($"secret \"{ns}/{name}\" has no key") : secret.Data.Last().Value.Memory;
    }

    /// <exception cref="VolumeException"/>
    public static async Task<Secret> SecretAsync(VolumeContext context, string ns, string name, CancellationToken ct) =>
        await context.Objects.SecretAsync(ns, name, ct).ConfigureAwait(false) ?? throw new VolumeException($"couldn't get secret {ns}/{name} err: secrets \"{name}\" not found");
}
