using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;
using static Hanbae.Kubelet.Volumes.Csi.Control.SnapshotKinds;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Makes snapshots of a driver's volumes and removes them: what upstream's snapshot controller and external-snapshotter do together.</summary>
/// <remarks>Keys with a namespace are VolumeSnapshots, the others VolumeSnapshotContents. The content is written before the driver is asked: what it made is never nobody's.</remarks>
sealed class Snapshots(IClusterAccess cluster, ControllerSide side, Sidecars sidecars, ICache<Unstructured> snapshots, ICache<Unstructured> contents) : IReconciler
{
    const string Bound = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection", Held = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection";
    const string Default = "snapshot.storage.kubernetes.io/is-default-class";
    const string SecretName = "csi.storage.k8s.io/snapshotter-secret-name", SecretNamespace = "csi.storage.k8s.io/snapshotter-secret-namespace";
    const string DeletionSecret = "snapshot.storage.kubernetes.io/deletion-secret-name", DeletionSecretNamespace = "snapshot.storage.kubernetes.io/deletion-secret-namespace";

    readonly DynamicResource _snapshots = cluster.Client.Dynamic(SnapshotKinds.Snapshots), _contents = cluster.Client.Dynamic(Contents), _classes = cluster.Client.Dynamic(Classes);

    public void Watch(Triggers on) => on
        .Each(snapshots)
        .When(contents, e => Text(e.Object["spec", "driver"]) == side.Name)
        // A snapshot follows what becomes of its content.
        .Map(contents, c => Text(c["spec", "driver"]) == side.Name ? [new Key(Text(c["spec", "volumeSnapshotRef", "namespace"]), Text(c["spec", "volumeSnapshotRef", "name"]))] : []);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (key.Name.Length == 0 || !side.Does(ControllerCan.CreateDeleteSnapshot)) return Again.OnChange;
        if (sidecars.Serve(Sidecars.Snapshotter)) return Again.In(Sidecars.Period);
        try
        {
            if (key.Namespace.Length == 0) return contents.Find(key) is { } content && Text(content["spec", "driver"]) == side.Name ? await ContentAsync(content, ct).ConfigureAwait(false) : Again.OnChange;
            return snapshots.Find(key) is { } snapshot ? await SnapshotAsync(snapshot, ct).ConfigureAwait(false) : Again.OnChange;
        }
        catch (ApiException e) when (e.IsConflict || e.IsNotFound) { return Again.WithBackoff; }
    }

    async Task<Again> SnapshotAsync(Unstructured snapshot, CancellationToken ct)
    {
        string given = Text(snapshot["spec", "source", "volumeSnapshotContentName"]), claimed = Text(snapshot["spec", "source", "persistentVolumeClaimName"]);
        string name = given.Length > 0 ? given : "snapcontent-" + snapshot.Metadata.Uid;
        var content = contents.Find(new("", name)) ?? await _contents.FindAsync(new("", name), ct).ConfigureAwait(false);
        if (content is not null && Text(content["spec", "driver"]) != side.Name) return Again.OnChange;
        if (snapshot.Metadata.DeletionTimestamp is not null) return await EndAsync(snapshot, content, ct).ConfigureAwait(false);
        if (content is null)
        {
            if (given.Length > 0) return Again.OnChange; // it may come
            return await BeginAsync(snapshot, name, claimed, ct).ConfigureAwait(false);
        }
        if (given.Length > 0 && Text(content["spec", "volumeSnapshotRef", "uid"]).Length == 0 && content["spec", "volumeSnapshotRef"] is JsonObject reference
            && Text(reference["name"]) == snapshot.Metadata.Name && Text(reference["namespace"]) == snapshot.Metadata.Namespace)
        {
            await _contents.UpdateAsync(content.With("spec", ((JsonObject)content["spec"]!).With("volumeSnapshotRef", reference.With("uid", snapshot.Metadata.Uid))), ct).ConfigureAwait(false);
            return Again.OnChange;
        }
        if (Text(content["spec", "volumeSnapshotRef", "uid"]) != snapshot.Metadata.Uid)
            return await TellAsync(snapshot, "SnapshotContentMismatch", $"VolumeSnapshotContent [{name}] is bound to a different snapshot", ct).ConfigureAwait(false);
        if (!snapshot.HasFinalizer(Bound)) snapshot = await _snapshots.UpdateAsync(snapshot with { Metadata = snapshot.Metadata with { Finalizers = snapshot.Metadata.Finalizers.Add(Bound) } }, ct).ConfigureAwait(false);

        var status = new JsonObjectBuilder();
        status.Set("boundVolumeSnapshotContentName", name);
        status.Set("readyToUse", IsTrue(content["status", "readyToUse"]));
        if (Number(content["status", "creationTime"]) is { } created) status.Set("creationTime", DateTimeOffset.FromUnixTimeMilliseconds(created / 1_000_000).ToApi());
        if (Number(content["status", "restoreSize"]) is { } size) status.Set("restoreSize", new Quantity(size, QuantityFormat.BinarySI).ToString());
        if (content["status", "error"] is { } error) status.Set("error", error);
        var told = status.Build();
        if (!told.Equals(snapshot["status"])) await _snapshots.UpdateAsync(snapshot.With("status", told), ct, "status").ConfigureAwait(false);
        return Again.OnChange;
    }

    /// <summary>Writes the content of a snapshot that is of one of the driver's volumes.</summary>
    async Task<Again> BeginAsync(Unstructured snapshot, string name, string claimed, CancellationToken ct)
    {
        var claim = await cluster.Client.FindAsync<PersistentVolumeClaim>(new(snapshot.Metadata.Namespace, claimed), ct).ConfigureAwait(false);
        var volume = claim is { Status.Phase: "Bound" } ? await cluster.Client.FindAsync<PersistentVolume>(new("", claim.Spec.VolumeName), ct).ConfigureAwait(false) : null;
        if (volume is null) return Again.WithBackoff; // the claim may be bound in a while
        if (volume.Spec.Csi is not { } csi || csi.Driver != side.Name) return Again.OnChange;
        string className = Text(snapshot["spec", "volumeSnapshotClassName"]);
        var all = (await _classes.ListAsync(ListQuery.All, ct).ConfigureAwait(false)).Items;
        var made = className.Length > 0 ? all.FirstOrDefault(c => c.Metadata.Name == className) : all.FirstOrDefault(c => Text(c["driver"]) == side.Name && c.Metadata.Annotations[Default] == "true");
        if (made is null || Text(made["driver"]) != side.Name)
            return await TellAsync(snapshot, "SnapshotCreationFailed", className.Length > 0
                ? $"failed to get snapshot class {className} of driver {side.Name}" : $"cannot find default snapshot class of driver {side.Name}", ct).ConfigureAwait(false);

        Map<string> notes = default;
        var parameters = Strings(made["parameters"]);
        if (parameters.TryGet(SecretName, out string? secret) && parameters.TryGet(SecretNamespace, out string? ns)) notes = notes.Set(DeletionSecret, secret).Set(DeletionSecretNamespace, ns);
        var spec = JsonObject.Of(
            ("deletionPolicy", Text(made["deletionPolicy"]) is { Length: > 0 } policy ? policy : "Delete"), ("driver", side.Name), ("source", JsonObject.Of(("volumeHandle", csi.VolumeHandle))),
            ("volumeSnapshotClassName", made.Metadata.Name),
            ("volumeSnapshotRef", JsonObject.Of(("apiVersion", Group + "/v1"), ("kind", "VolumeSnapshot"), ("namespace", snapshot.Metadata.Namespace), ("name", snapshot.Metadata.Name), ("uid", snapshot.Metadata.Uid))));
        var content = new Unstructured((UnstructuredKind)Contents.Kind, new() { Name = name, Finalizers = [Held], Annotations = notes }, JsonObject.Of(("spec", spec)));
        try { await _contents.CreateAsync(content, ct).ConfigureAwait(false); }
        catch (ApiException e) when (e.IsAlreadyExists) { }
        cluster.Recorder.Event(snapshot, "Normal", "CreatingSnapshot", $"Waiting for a snapshot {snapshot.Metadata.Namespace}/{snapshot.Metadata.Name} to be created by the CSI driver.");
        return Again.OnChange;
    }

    async Task<Again> ContentAsync(Unstructured content, CancellationToken ct)
    {
        if (content.Metadata.DeletionTimestamp is not null)
        {
            if (Text(content["spec", "deletionPolicy"]) == "Delete" && Text(content["status", "snapshotHandle"]) is { Length: > 0 } handle)
            {
                var request = new DeleteSnapshotRequest { SnapshotId = handle };
                try
                {
                    await ControllerSide.PutSecretsAsync(cluster.Client, request.Secrets, content.Metadata.Annotations[DeletionSecretNamespace], content.Metadata.Annotations[DeletionSecret], ct).ConfigureAwait(false);
                    await side.Driver.CallAsync(CsiMethods.DeleteSnapshot, request, ct).ConfigureAwait(false);
                }
                catch (Exception e) when (e is GrpcException or SecretException && !ct.IsCancellationRequested)
                {
                    cluster.Recorder.Event(content, "Warning", "SnapshotDeleteError", "Failed to delete snapshot: " + e.Message);
                    return Again.WithBackoff;
                }
            }
            if (content.HasFinalizer(Held))
                await _contents.UpdateAsync(content with { Metadata = content.Metadata with { Finalizers = content.Metadata.Finalizers.Where(f => f != Held).ToSeq() } }, ct).ConfigureAwait(false);
            return Again.OnChange;
        }
        if (IsTrue(content["status", "readyToUse"])) return Again.OnChange;
        try
        {
            var made = Text(content["spec", "source", "snapshotHandle"]) is { Length: > 0 } there ? await FindAsync(there, ct).ConfigureAwait(false) : await MakeAsync(content, ct).ConfigureAwait(false);
            var status = JsonObject.Of(("snapshotHandle", made.SnapshotId), ("readyToUse", made.ReadyToUse));
            if (made.CreationTime is { } time) status = status.With("creationTime", time.Seconds * 1_000_000_000 + time.Nanos);
            if (made.SizeBytes > 0) status = status.With("restoreSize", made.SizeBytes);
            if (!status.Equals(content["status"])) await _contents.UpdateAsync(content.With("status", status), ct, "status").ConfigureAwait(false);
            return made.ReadyToUse ? Again.OnChange : Again.WithBackoff;
        }
        catch (Exception e) when (e is GrpcException or SecretException && !ct.IsCancellationRequested)
        {
            cluster.Recorder.Event(content, "Warning", "SnapshotCreationFailed", "Failed to create snapshot: " + e.Message);
            if (Text(content["status", "error", "message"]) != e.Message)
                await _contents.UpdateAsync(content.With("status", (content["status"] as JsonObject ?? JsonObject.Empty).With("readyToUse", false).With("error", Error(e.Message))), ct, "status").ConfigureAwait(false);
            return Again.WithBackoff;
        }
    }

    async Task<Snapshot> MakeAsync(Unstructured content, CancellationToken ct)
    {
        var request = new CreateSnapshotRequest { SourceVolumeId = Text(content["spec", "source", "volumeHandle"]), Name = "snapshot-" + Text(content["spec", "volumeSnapshotRef", "uid"]) };
        var made = Text(content["spec", "volumeSnapshotClassName"]) is { Length: > 0 } name ? await _classes.FindAsync(new("", name), ct).ConfigureAwait(false) : null;
        foreach (var (key, value) in Strings(made?["parameters"])) if (!key.StartsWith("csi.storage.k8s.io/", StringComparison.Ordinal)) request.Parameters[key] = value;
        await ControllerSide.PutSecretsAsync(cluster.Client, request.Secrets, content.Metadata.Annotations[DeletionSecretNamespace], content.Metadata.Annotations[DeletionSecret], ct).ConfigureAwait(false);
        return (await side.Driver.CallAsync(CsiMethods.CreateSnapshot, request, ct).ConfigureAwait(false)).Snapshot;
    }

    /// <summary>One that was there before its content.</summary>
    async Task<Snapshot> FindAsync(string handle, CancellationToken ct) => !side.Does(ControllerCan.ListSnapshots) ? new() { SnapshotId = handle, ReadyToUse = true }
        : (await side.Driver.CallAsync(CsiMethods.ListSnapshots, new ListSnapshotsRequest { SnapshotId = handle }, ct).ConfigureAwait(false)).Entries.FirstOrDefault()?.Snapshot
            ?? throw new GrpcException(GrpcStatus.NotFound, $"can not find snapshot for snapshotID {handle}");

    async Task<Again> EndAsync(Unstructured snapshot, Unstructured? content, CancellationToken ct)
    {
        if (content is not null && Text(content["spec", "volumeSnapshotRef", "uid"]) == snapshot.Metadata.Uid && Text(content["spec", "deletionPolicy"]) == "Delete")
        {
            if (content.Metadata.DeletionTimestamp is null)
                try { await _contents.DeleteAsync(Key.Of(content), new() { Preconditions = new() { Uid = content.Metadata.Uid } }, ct).ConfigureAwait(false); }
                catch (ApiException e) when (e.IsNotFound) { }
            // The end of the content brings this key back.
            if (await _contents.FindAsync(Key.Of(content), ct).ConfigureAwait(false) is not null) return Again.OnChange;
        }
        // Of several drivers only that of the content speaks for the snapshot; without one, nobody has anything.
        if (snapshot.HasFinalizer(Bound))
            await _snapshots.UpdateAsync(snapshot with { Metadata = snapshot.Metadata with { Finalizers = snapshot.Metadata.Finalizers.Where(f => f != Bound).ToSeq() } }, ct).ConfigureAwait(false);
        return Again.OnChange;
    }

    async Task<Again> TellAsync(Unstructured snapshot, string reason, string message, CancellationToken ct)
    {
        cluster.Recorder.Event(snapshot, "Warning", reason, message);
        if (Text(snapshot["status", "error", "message"]) != message)
            await _snapshots.UpdateAsync(snapshot.With("status", (snapshot["status"] as JsonObject ?? JsonObject.Empty).With("readyToUse", false).With("error", Error(message))), ct, "status").ConfigureAwait(false);
        return Again.WithBackoff;
    }

    JsonObject Error(string message) => JsonObject.Of(("message", message), ("time", cluster.Time.GetUtcNow().ToApi()));
}
