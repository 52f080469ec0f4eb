using System.Collections.Concurrent;
using Google.Protobuf.Collections;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Kubelet.Volumes.Disk;
using NodeCan = Hanbae.Cri.Csi.NodeServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>Has drivers mount volumes for Pods: attached first, then staged once for the node, then published for each Pod; and all of it back again.</summary>
/// <remarks>
/// What a driver was asked for is on disk before it is asked, so that it is taken back whatever becomes of this process. A volume that is in
/// the mount table already is not asked for again: Pods outlive a restart of the kubelet even while their driver is away. Calls for one
/// volume never overlap, whichever Pods they are for.
/// </remarks>
sealed partial class CsiVolumes(VolumeContext context)
{
    /// <summary>What Pods have. Bound: one entry per Pod and volume on the node.</summary>
    readonly ConcurrentDictionary<(string PodUid, string Volume), Published> _published = new();
    readonly Turns _turns = new();

    CsiPaths? _paths;
    CsiAttachments? _attachments;

    CsiPaths Paths => _paths ??= new(context.Folders);
    public CsiAttachments Attachments => _attachments ??= new(context, Paths);

    /// <param name="Context">What the controller side told; unknown (null) of what a kubelet before this one mounted.</param>
    sealed record Published(CsiWish Wish, PreparedVolume Prepared, Map<string>? Context);

    /// <exception cref="VolumeException"/>
    public async Task<PreparedVolume> PrepareAsync(CsiWish wish, CancellationToken ct)
    {
        var key = (wish.Uid, wish.Volume);
        if (_published.TryGetValue(key, out var there)) return there.Prepared;
        if (Found(wish) is { } found)
        {
            _published[key] = new(wish, found, null);
            return found;
        }
        _coming.AddOrUpdate(wish.UniqueName, 1, (_, n) => n + 1);
        try { return _published.GetOrAdd(key, await NewAsync(wish, ct).ConfigureAwait(false)).Prepared; }
        finally
        {
            _coming.AddOrUpdate(wish.UniqueName, 0, (_, n) => n - 1);
            if (_coming.TryRemove(KeyValuePair.Create(wish.UniqueName, 0)) && IsNobodys(wish.UniqueName)) Attachments.LetGo(wish.UniqueName);
        }
    }

    /// <summary>Whether nothing of a volume is on the node: a Pod that waited for it in vain must not keep it here.</summary>
    bool IsNobodys(string volume) =>
        !_published.Any(p => p.Value.Wish.UniqueName == volume) && !Paths.Known().Concat(Paths.Staged()).Any(d => CsiPaths.UniqueName(d.Driver, d.Handle) == volume);

    async Task<Published> NewAsync(CsiWish wish, CancellationToken ct)
    {
        var driver = context.Drivers.Get(wish.Driver);
        var declared = await context.Persistent.DriverAsync(wish.Driver, ct).ConfigureAwait(false);
        CheckMode(wish, declared);
        string node = context.Objects.Node?.Metadata.Name ?? throw new VolumeException("the node is not registered yet");
        // A driver that is not declared may have to attach, as upstream.
        string attachment = wish.Inline || declared?.Spec.AttachRequired == false ? "" : CsiPaths.AttachmentName(wish.Handle, wish.Driver, node);
        var told = attachment.Length > 0 ? await Attachments.WhenAttachedAsync(wish, attachment, ct).ConfigureAwait(false) : default;
        var prepared = await _turns.AloneAsync(wish.UniqueName, async () => wish.Block
            ? await PublishDeviceAsync(wish, driver, declared, wish.Data(node, attachment), told, ct).ConfigureAwait(false)
            : await PublishFolderAsync(wish, driver, declared, wish.Data(node, attachment), told, ct).ConfigureAwait(false), ct).ConfigureAwait(false);
        return new(wish, prepared, told);
    }

    /// <summary>What a kubelet before this one has mounted.</summary>
    PreparedVolume? Found(CsiWish wish)
    {
        string name = wish.Name, target = wish.Block ? Path.Combine(Paths.DevicePublished(name), wish.Uid) : Paths.Target(wish.Uid, name);
        var data = VolumeData.Read(wish.Block ? Paths.DeviceData(name) : Paths.Volume(wish.Uid, name));
        if (data is null || data.Handle != wish.Handle || data.Driver != wish.Driver) return null;
        bool there = wish.Block ? Native.Status(target, follow: true) is { IsBlockDevice: true } && Native.Status(Paths.DeviceLink(wish.Uid, name)) is { IsLink: true }
            : MountTable.Read().At(target) is not null;
        return there ? new(target) { ReadOnly = wish.ReadOnly, IsDevice = wish.Block } : null;
    }

    /// <exception cref="VolumeException">The driver did not say that it does such volumes.</exception>
    static void CheckMode(CsiWish wish, CSIDriver? declared)
    {
        string mode = wish.Inline ? "Ephemeral" : "Persistent";
        if (declared is null)
        {
            if (wish.Inline) throw new VolumeException($"volume mode \"{mode}\" not supported by driver {wish.Driver} (no CSIDriver object)");
        }
        else if (!(declared.Spec.VolumeLifecycleModes.IsEmpty ? !wish.Inline : declared.Spec.VolumeLifecycleModes.Contains(mode)))
            throw new VolumeException($"volume mode \"{mode}\" not supported by driver {wish.Driver} (only supports {Quoted(declared)})");
    }

    static string Quoted(CSIDriver driver) =>
        "[" + string.Join(" ", (driver.Spec.VolumeLifecycleModes.IsEmpty ? ["Persistent"] : driver.Spec.VolumeLifecycleModes).Select(m => $"\"{m}\"")) + "]";

    async Task<PreparedVolume> PublishFolderAsync(CsiWish wish, CsiDriver driver, CSIDriver? declared, VolumeData data, Map<string> told, CancellationToken ct)
    {
        string folder = Paths.Volume(wish.Uid, wish.Name), target = Paths.Target(wish.Uid, wish.Name);
        VolumeContext.MakePrivate(context.Folders.Volumes(wish.Uid));
        data.Write(folder);
        try
        {
            var can = await driver.NodeCapabilitiesAsync(ct).ConfigureAwait(false);
            bool delegated = can.Contains(NodeCan.VolumeMountGroup);
            long? group = wish.Pod.Spec.SecurityContext?.FsGroup;
            var capability = wish.Capability(can, delegated ? group : null);
            string staging = can.Contains(NodeCan.StageUnstageVolume) && !wish.Inline
                ? await StageAsync(wish, data.Attachment, driver, Paths.Staging(wish.Driver, wish.Handle), capability, told, ct).ConfigureAwait(false) : "";
            if (staging.Length > 0) await ExpandAsync(wish, driver, capability, staging, staging, ct).ConfigureAwait(false);
            await PublishAsync(wish, driver, declared, target, staging, capability, told, ct).ConfigureAwait(false);
            if (!delegated && wish.TakesGroup(declared?.Spec.FsGroupPolicy ?? "") && context.Mounts.CanOwn) FsGroup.Give(target, wish.Pod, ct);
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new VolumeException(e.Message, e) { Volume = wish.Name }; }
        return new(target) { ReadOnly = wish.ReadOnly };
    }

    /// <returns>The folder where it is staged.</returns>
    async Task<string> StageAsync(CsiWish wish, string attachment, CsiDriver driver, string staging, VolumeCapability capability, Map<string> told, CancellationToken ct)
    {
        if (MountTable.Read().At(staging) is not null && !_unsure.ContainsKey(wish.UniqueName)) return staging;
        Directory.CreateDirectory(staging);
        if (!wish.Block) wish.Data(context.Objects.Node!.Metadata.Name, attachment).Write(Paths.Global(wish.Driver, wish.Handle));
        var request = new NodeStageVolumeRequest { VolumeId = wish.Handle, StagingTargetPath = staging, VolumeCapability = capability };
        await PutSecretsAsync(request.Secrets, wish.StageSecret, "NodeStageSecretRef", ct).ConfigureAwait(false);
        Put(request.PublishContext, told);
        Put(request.VolumeContext, wish.Attributes);
        try { await driver.CallAsync(CsiMethods.NodeStageVolume, request, ct).ConfigureAwait(false); }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            if (CsiDriver.IsFinal(e) && !UsedByOthers(wish)) RemoveStaging(wish.Driver, wish.Handle, staging, wish.Block);
            throw new VolumeException(e.Message, e) { Step = wish.Block ? "SetUpDevice" : "MountDevice", Volume = wish.Name };
        }
        _unsure.TryRemove(wish.UniqueName, out _);
        _leaving.TryRemove(wish.UniqueName, out _);
        return staging;
    }

    async Task PublishAsync(CsiWish wish, CsiDriver driver, CSIDriver? declared, string target, string staging, VolumeCapability capability, Map<string> told, CancellationToken ct)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var request = new NodePublishVolumeRequest { VolumeId = wish.Handle, StagingTargetPath = staging, TargetPath = target, VolumeCapability = capability, Readonly = wish.ReadOnly };
        await PutSecretsAsync(request.Secrets, wish.PublishSecret, "NodePublishSecretRef", ct).ConfigureAwait(false);
        Put(request.PublishContext, told);
        Put(request.VolumeContext, wish.Attributes);
        if (declared?.Spec.PodInfoOnMount == true) Put(request.VolumeContext, PodInfo(wish));
        if (declared is not null && !declared.Spec.TokenRequests.IsEmpty)
            (declared.Spec.ServiceAccountTokenInSecrets == true ? request.Secrets : request.VolumeContext)["csi.storage.k8s.io/serviceAccount.tokens"] = await TokensAsync(wish.Pod, declared, ct).ConfigureAwait(false);
        await driver.CallAsync(CsiMethods.NodePublishVolume, request, ct).ConfigureAwait(false);
    }

    static Map<string> PodInfo(CsiWish wish) => Map.Of(
        ("csi.storage.k8s.io/pod.name", wish.Pod.Metadata.Name), ("csi.storage.k8s.io/pod.namespace", wish.Pod.Metadata.Namespace), ("csi.storage.k8s.io/pod.uid", wish.Uid),
        ("csi.storage.k8s.io/serviceAccount.name", wish.Pod.Spec.ServiceAccountName), ("csi.storage.k8s.io/ephemeral", wish.Inline ? "true" : "false"));

    /// <summary>Tokens of the Pod's account, by audience (KEP-1855).</summary>
    async Task<string> TokensAsync(Pod pod, CSIDriver declared, CancellationToken ct)
    {
        using var buffer = new MemoryStream();
        using (var json = new System.Text.Json.Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var wanted in declared.Spec.TokenRequests)
            {
                var token = await context.Tokens.FreshAsync(pod, wanted.Audience, TimeSpan.FromSeconds(wanted.ExpirationSeconds ?? 3600), ct).ConfigureAwait(false);
                json.WriteStartObject(wanted.Audience);
                json.WriteString("token", token.Token);
                json.WriteString("expirationTimestamp", (token.ExpirationTimestamp ?? default).ToApi());
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }

    async Task PutSecretsAsync(MapField<string, string> into, SecretReference? reference, string field, CancellationToken ct)
    {
        if (reference is null) return;
        var secret = await context.Objects.SecretAsync(reference.Namespace, reference.Name, ct).ConfigureAwait(false)
            ?? throw new VolumeException($"fetching {field} {reference.Namespace}/{reference.Name} failed: kubernetes.io/csi: "
                + $"failed to find the secret {reference.Name} in the namespace {reference.Namespace} with error: secrets \"{reference.Name}\" not found");
        foreach (var (key, value) in secret.Data) into[key] = System.Text.Encoding.UTF8.GetString(value.Span);
    }

    static void Put(MapField<string, string> into, Map<string> from)
    {
        foreach (var (key, value) in from) into[key] = value;
    }

    public void Forget(string podUid)
    {
        foreach (var key in _published.Keys)
            if (key.PodUid == podUid)
            {
                _published.TryRemove(key, out _);
                _use.TryRemove(key, out _);
                _sick.TryRemove(key, out _);
            }
    }
}
