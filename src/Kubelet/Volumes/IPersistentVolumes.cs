using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Reads claims and the volumes they are bound to.</summary>
public interface IPersistentVolumes
{
    /// <returns>Null when there is none.</returns>
    /// <exception cref="Hanbae.Api.Rest.ApiException">The server refused, or did not answer.</exception>
    Task<PersistentVolumeClaim?> ClaimAsync(string ns, string name, CancellationToken ct);

    /// <inheritdoc cref="ClaimAsync"/>
    Task<PersistentVolume?> VolumeAsync(string name, CancellationToken ct);

    /// <summary>What a CSI driver declares of itself.</summary>
    /// <inheritdoc cref="ClaimAsync"/>
    Task<CSIDriver?> DriverAsync(string name, CancellationToken ct);

    /// <summary>Whether a volume has been brought to a node.</summary>
    /// <inheritdoc cref="ClaimAsync"/>
    Task<VolumeAttachment?> AttachmentAsync(string name, CancellationToken ct);

    /// <summary>The servers of a file system that names them so.</summary>
    /// <inheritdoc cref="ClaimAsync"/>
    Task<Endpoints?> EndpointsAsync(string ns, string name, CancellationToken ct);

    /// <summary>Tells in a claim's status what has become of its volume.</summary>
    /// <exception cref="Hanbae.Api.Rest.ApiException">The server refused, or did not answer.</exception>
    Task ChangeStatusAsync(Key claim, Func<PersistentVolumeClaim, PersistentVolumeClaim> change, CancellationToken ct);
}

/// <summary>Asks the server each time: that a claim is bound must be true now, and Pods seldom start.</summary>
public sealed class PersistentVolumesOf(IClient client) : IPersistentVolumes
{
    public Task<PersistentVolumeClaim?> ClaimAsync(string ns, string name, CancellationToken ct) => client.FindAsync<PersistentVolumeClaim>(new Key(ns, name), ct);

    public Task<PersistentVolume?> VolumeAsync(string name, CancellationToken ct) => client.FindAsync<PersistentVolume>(new Key("", name), ct);

    public Task<CSIDriver?> DriverAsync(string name, CancellationToken ct) => client.FindAsync<CSIDriver>(new Key("", name), ct);

    public Task<VolumeAttachment?> AttachmentAsync(string name, CancellationToken ct) => client.FindAsync<VolumeAttachment>(new Key("", name), ct);

    public Task<Endpoints?> EndpointsAsync(string ns, string name, CancellationToken ct) => client.FindAsync<Endpoints>(new Key(ns, name), ct);

    public Task ChangeStatusAsync(Key claim, Func<PersistentVolumeClaim, PersistentVolumeClaim> change, CancellationToken ct) => client.UpdateWithRetryAsync(claim, change, ct, "status");
}
