using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.PersistentVolumeClaims;
using Hanbae.Controllers.Volumes;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>Gives claims the volumes that fit them, keeps the phases of both true, and takes volumes back when their claim is gone.</summary>
/// <remarks>
/// A binding is two objects that name each other, written one after the other; a half that was lost, or undone by somebody, is mended from
/// whatever is there, as upstream does. Keys without a namespace are volumes, the others claims.
/// </remarks>
sealed class Bind(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    /// <summary>Volumes by the claim they are set aside for, or by class while they are anybody's; claims by class while they have none, by the volume that they wait for.</summary>
    const string ByUse = "binder/use", Class = "class ", Named = "volume ";

    readonly ICache<StorageClass> _classes = cluster.Cache<StorageClass>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly Recycler _recycler = new(cluster, options);

    /// <summary>When claims first asked for a volume to be made, and volumes first for theirs to be removed. Bound: those that there are.</summary>
    readonly Asked _asked = new(cluster.Time);

    public void Watch(Triggers on)
    {
        options.Figures?.Show("persistentvolume-binder", () => BindFigures.Of([.. _volumes.All], [.. _claims.All]));
        _pods.IndexClaims();
        _volumes.AddIndex(ByUse, static v => Bond.ClaimOf(v) is { } claim ? [claim.ToString()] : v.Status.Phase == "Available" ? [Class + VolumeNotes.ClassOf(v)] : []);
        _claims.AddIndex(ByUse, static c => c.Spec.VolumeName.Length == 0 ? [Class + VolumeNotes.ClassOf(c)] : c.Metadata.Annotations.ContainsKey(VolumeNotes.BindCompleted) ? [] : [Named + c.Spec.VolumeName]);
        on.Each(_volumes).Each(_claims)
            .Map(_volumes, v => Bond.ClaimOf(v) is { } claim ? [claim] : v.Status.Phase == "Available" ? Waiting(VolumeNotes.ClassOf(v)) : [])
            .Map(_volumes, v => _claims.ByIndex(ByUse, Named + v.Metadata.Name).Select(Key.Of))
            // Also those that were given to it and that it does not name: it may go before it does.
            .Map(_claims, c => _volumes.ByIndex(ByUse, Key.Of(c).ToString()).Select(Key.Of).Append(new Key("", c.Spec.VolumeName)).Where(k => k.Name.Length > 0).Distinct())
            .Map(_classes, c => Waiting(c.Metadata.Name).Concat(_claims.All.Where(claim => !VolumeNotes.NamesClass(claim)).Select(Key.Of)))
            // Pods that have no node yet: claims that wait for them say so. Recyclers: their end decides.
            .Map(_pods, p => Recycler.VolumeOf(p) is { } volume ? [new Key("", volume)] : p.Spec.NodeName.Length == 0 ? Claims.NamesOf(p).Select(n => new Key(p.Metadata.Namespace, n)) : []);
    }

    IEnumerable<Key> Waiting(string @class) =>
        _claims.ByIndex(ByUse, Class + @class).Select(Key.Of);

    public Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (key.Namespace.Length > 0)
            return _claims.Find(key) is not { } claim ? Gone(key) : claim.Metadata.Annotations.ContainsKey(VolumeNotes.BindCompleted) ? BoundAsync(claim, ct) : UnboundAsync(claim, ct);
        return _volumes.Find(key) is { } volume ? VolumeAsync(volume, ct) : Gone(key);
    }

    Task<Again> Gone(Key key)
    {
        // A volume that was to go has gone; a claim that did not live to be bound says nothing.
        if (key.Namespace.Length == 0) _asked.Done(key, "delete");
        else _asked.Forget(key);
        return Done;
    }

    static Task<Again> Done => Task.FromResult(Again.OnChange);

    async Task<Again> UnboundAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        if (claim.Spec.VolumeName.Length > 0) return await NamedAsync(claim, ct);
        var @class = _classes.Find(new("", VolumeNotes.ClassOf(claim)));
        bool delayed = Classes.WaitsForPods(@class);
        if (Match.Best(claim, _volumes.ByIndex(ByUse, Key.Of(claim).ToString()).Concat(_volumes.ByIndex(ByUse, Class + VolumeNotes.ClassOf(claim))), delayed) is { } volume) return await JoinAsync(claim, volume, ct);
        if (!VolumeNotes.NamesClass(claim) && Classes.DefaultOf(_classes.All) is { } given)
        {
            await GiveClassAsync(claim, given, ct);
            return Again.OnChange;
        }
        if (claim.Metadata.DeletionTimestamp is not null) return await PhaseAsync(claim, "Pending", null, ct);
        if (delayed && !claim.Metadata.Annotations.ContainsKey(VolumeNotes.SelectedNode)) TellWaiting(claim);
        else if (VolumeNotes.ClassOf(claim).Length > 0) claim = await AskAsync(claim, @class, ct);
        else Tell(claim, "Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set");
        return await PhaseAsync(claim, "Pending", null, ct);
    }

    /// <summary>A claim from before there was a default class gets it now (KEP-3333).</summary>
    async Task GiveClassAsync(PersistentVolumeClaim claim, StorageClass given, CancellationToken ct)
    {
        bool well = false;
        try
        {
            await cluster.Client.UpdateAsync(claim with { Spec = claim.Spec with { StorageClassName = given.Metadata.Name } }, ct);
            well = true;
        }
        finally { VolumeMeters.Retroactive(well); }
    }

    void TellWaiting(PersistentVolumeClaim claim)
    {
        string[] pods = [.. _pods.UsersOf(Key.Of(claim)).Where(p => p.Spec.NodeName.Length == 0 && p.Status.Phase is not ("Succeeded" or "Failed")).Select(p => p.Metadata.Name).Order(StringComparer.Ordinal)];
        if (pods.Length == 0) Tell(claim, "Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
        else Tell(claim, "Normal", "WaitForPodScheduled", pods.Length == 1 ? $"waiting for pod {pods[0]} to be scheduled" : $"waiting for pods {string.Join(",", pods)} to be scheduled");
    }

    /// <summary>Tells the class's provisioner, whoever that is, that the claim wants a volume.</summary>
    async Task<PersistentVolumeClaim> AskAsync(PersistentVolumeClaim claim, StorageClass? @class, CancellationToken ct)
    {
        if (@class is null)
        {
            Tell(claim, "Warning", "ProvisioningFailed", $"storageclass.storage.k8s.io \"{VolumeNotes.ClassOf(claim)}\" not found");
            return claim;
        }
        string provisioner = @class.Provisioner;
        if (provisioner.StartsWith("kubernetes.io/", StringComparison.Ordinal))
        {
            Tell(claim, "Warning", "ProvisioningFailed", $"no volume plugin matched name: {provisioner}");
            return claim;
        }
        var notes = claim.Metadata.Annotations.Set(VolumeNotes.BetaProvisioner, provisioner).Set(VolumeNotes.Provisioner, provisioner);
        if (notes != claim.Metadata.Annotations) claim = await cluster.Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Annotations = notes } }, ct);
        _asked.For(Key.Of(claim), provisioner);
        Tell(claim, "Normal", "ExternalProvisioning",
            $"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. "
            + "If volume creation is delayed, please verify that the provisioner is running and correctly registered.");
        return claim;
    }

    /// <summary>A claim whose author says which volume it is to have.</summary>
    async Task<Again> NamedAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        if (_volumes.Find(new("", claim.Spec.VolumeName)) is not { } volume) return await PhaseAsync(claim, "Pending", null, ct);
        if (volume.Spec.ClaimRef is null && Match.Unfit(claim, volume) is { } why)
        {
            Tell(claim, "Warning", "VolumeMismatch", $"Cannot bind to requested volume \"{volume.Metadata.Name}\": {why}");
            return await PhaseAsync(claim, "Pending", null, ct);
        }
        if (volume.Spec.ClaimRef is null || volume.IsFor(claim)) return await JoinAsync(claim, volume, ct);
        Tell(claim, "Warning", "FailedBinding", $"volume \"{volume.Metadata.Name}\" already bound to a different claim.");
        // Not its author's wish but a binding of ours, of which somebody took back a half: what is left says nothing of its phase.
        if (claim.Metadata.Annotations.ContainsKey(VolumeNotes.BoundByController)) return Again.WithBackoff;
        return await PhaseAsync(claim, "Pending", null, ct);
    }

    async Task<Again> BoundAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        string name = claim.Spec.VolumeName;
        if (name.Length == 0) return await LostAsync(claim, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!", ct);
        // What is lost stays lost: the cache must not be what lost it.
        if ((_volumes.Find(new("", name)) ?? await cluster.Client.FindAsync<PersistentVolume>(new("", name), ct)) is not { } volume)
            return await LostAsync(claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!", ct);
        // Also one that is only set aside for a claim of the name: it is not this one's any more.
        if (volume.Spec.ClaimRef is { } has && has.Uid != claim.Metadata.Uid)
            return await LostAsync(claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly", ct);
        return await JoinAsync(claim, volume, ct);
    }

    Task<Again> LostAsync(PersistentVolumeClaim claim, string reason, string message, CancellationToken ct)
    {
        if (claim.Status.Phase != "Lost") Tell(claim, "Warning", reason, message);
        return PhaseAsync(claim, "Lost", null, ct);
    }

    async Task<Again> JoinAsync(PersistentVolumeClaim claim, PersistentVolume volume, CancellationToken ct)
    {
        var given = Bond.Give(volume, claim);
        if (!ReferenceEquals(given, volume)) given = await cluster.Client.UpdateAsync(given, ct);
        given = await PhaseAsync(given, "Bound", "", ct);
        var taken = Bond.Take(claim, given);
        if (!ReferenceEquals(taken, claim)) taken = await cluster.Client.UpdateAsync(taken, ct);
        _asked.Done(Key.Of(claim), "provision");
        return await PhaseAsync(taken, "Bound", given, ct);
    }

    async Task<Again> VolumeAsync(PersistentVolume volume, CancellationToken ct)
    {
        if (volume.Spec.ClaimRef is not { } has || has.Uid.Length == 0)
        {
            await PhaseAsync(volume, "Available", "", ct);
            return Again.OnChange;
        }
        var key = new Key(has.Namespace, has.Name);
        var claim = _claims.Find(key);
        // A cache may not know the claim yet, or know its predecessor: volumes are only taken back upon what the server says.
        if (claim?.Metadata.Uid != has.Uid) claim = await cluster.Client.FindAsync<PersistentVolumeClaim>(key, ct);
        if (claim is null || claim.Metadata.Uid != has.Uid) return await ReleaseAsync(volume, ct);
        if (claim.Spec.VolumeName.Length == 0)
        {
            if (!Bond.ModesDiffer(claim, volume)) return Again.OnChange; // its claim was told by the trigger
            Tell(volume, "Warning", "VolumeMismatch", $"Cannot bind PersistentVolume to requested PersistentVolumeClaim \"{claim.Metadata.Name}\" due to incompatible volumeMode.");
            Tell(claim, "Warning", "VolumeMismatch", $"Cannot bind PersistentVolume \"{volume.Metadata.Name}\" to requested PersistentVolumeClaim \"{claim.Metadata.Name}\" due to incompatible volumeMode.");
            return Again.OnChange;
        }
        if (claim.Spec.VolumeName == volume.Metadata.Name)
        {
            await PhaseAsync(volume, "Bound", "", ct);
            return Again.OnChange;
        }
        // Made for a claim that has found another meanwhile.
        if (volume.Metadata.Annotations.ContainsKey(VolumeNotes.ProvisionedBy) && volume.Spec.PersistentVolumeReclaimPolicy == "Delete") return await ReleaseAsync(volume, ct);
        await PhaseAsync(await cluster.Client.UpdateAsync(Bond.Free(volume), ct), "Available", "", ct);
        return Again.OnChange;
    }

    async Task<Again> ReleaseAsync(PersistentVolume volume, CancellationToken ct)
    {
        if (volume.Status.Phase is not ("Released" or "Failed")) volume = await PhaseAsync(volume, "Released", "", ct);
        switch (volume.Spec.PersistentVolumeReclaimPolicy)
        {
            case "" or "Retain": return Again.OnChange;
            case "Recycle": return await _recycler.RunAsync(volume, FailAsync, ct);
            case "Delete":
                // Who made it removes it; nobody made what an administrator put there.
                if ((volume.Metadata.Annotations[VolumeNotes.ProvisionedBy] ?? volume.Spec.Csi?.Driver) is { } maker)
                {
                    _asked.For(Key.Of(volume), maker);
                    return Again.OnChange;
                }
                // Upstream removes what is below /tmp on its own machine, for tests; here nothing is removed for nobody.
                if (volume.Spec.HostPath is { } path && !path.Path.StartsWith("/tmp/", StringComparison.Ordinal))
                    await FailAsync(volume, "VolumeFailedDelete", "host_path deleter only supports /tmp/.+ but received provided " + path.Path, ct);
                else await FailAsync(volume, "VolumeFailedDelete", $"error getting deleter volume plugin for volume \"{volume.Metadata.Name}\": no deletable volume plugin matched", ct);
                return Again.OnChange;
            default:
                await FailAsync(volume, "VolumeUnknownReclaimPolicy", "Volume has unrecognized PersistentVolumeReclaimPolicy", ct);
                return Again.OnChange;
        }
    }

    async Task FailAsync(PersistentVolume volume, string reason, string message, CancellationToken ct)
    {
        if (volume.Status.Phase == "Failed") return;
        Tell(volume, "Warning", reason, message);
        await PhaseAsync(volume, "Failed", message, ct);
    }

    async Task<PersistentVolume> PhaseAsync(PersistentVolume volume, string phase, string message, CancellationToken ct) =>
        volume.Status.Phase == phase ? volume : await cluster.Client.UpdateStatusAsync(volume with { Status = volume.Status with { Phase = phase, Message = message } }, ct);

    async Task<Again> PhaseAsync(PersistentVolumeClaim claim, string phase, PersistentVolume? volume, CancellationToken ct)
    {
        await cluster.Client.UpdateStatusIfChangedAsync(claim, Bond.InPhase(claim, phase, volume), ct);
        return Again.OnChange;
    }

    void Tell(IObject about, string type, string reason, string message) => cluster.Recorder.Event(about, type, reason, message);
}
