using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Tests.Volumes;

public sealed class ProtectTests
{
    [Fact]
    public async Task A_claim_goes_when_the_last_Pod_with_a_node_that_uses_it_has_gone()
    {
        await using var cluster = new TestCluster(["pvc-protection"]);
        cluster.Api.Put(Storage.Claim("c"));
        cluster.Api.Put(Storage.User("running", "c", "n"));
        cluster.Api.Put(Storage.User("waiting", "c"));
        await cluster.Client.DeleteAsync<PersistentVolumeClaim>(new("default", "c"), DeleteOptions.Empty, default);
        // A second claim that nobody uses goes meanwhile: the first was looked at.
        cluster.Api.Put(Storage.Claim("unused"));
        await cluster.Client.DeleteAsync<PersistentVolumeClaim>(new("default", "unused"), DeleteOptions.Empty, default);
        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("unused") is null);
        Assert.NotNull(cluster.Api.Find<PersistentVolumeClaim>("c"));

        cluster.Api.Remove<Pod>("running");

        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("c") is null);
    }

    [Fact]
    public async Task A_volume_goes_when_no_claim_is_bound_to_it()
    {
        await using var cluster = new TestCluster(["pv-protection"]);
        cluster.Api.Put(Storage.Volume("used", phase: "Bound"));
        cluster.Api.Put(Storage.Volume("unused", phase: "Available"));
        cluster.Api.Put(Storage.Volume("bare", phase: "Available") with { Metadata = new() { Name = "bare" } });
        foreach (string name in (string[])["used", "unused"]) await cluster.Client.DeleteAsync<PersistentVolume>(new("", name), DeleteOptions.Empty, default);

        await cluster.UntilAsync(a => a.Find<PersistentVolume>("unused", "") is null && a.Find<PersistentVolume>("bare", "")!.Metadata.Finalizers.Contains("kubernetes.io/pv-protection"));
        Assert.NotNull(cluster.Api.Find<PersistentVolume>("used", ""));
        cluster.Api.Change<PersistentVolume>("used", v => v with { Status = v.Status with { Phase = "Released" } }, "");
        await cluster.UntilAsync(a => a.Find<PersistentVolume>("used", "") is null);
    }

    [Fact]
    public async Task A_class_of_attributes_goes_when_no_claim_and_no_volume_names_it()
    {
        await using var cluster = new TestCluster(["volumeattributesclass-protection-controller"]);
        VolumeAttributesClass Class(string name) => new() { Metadata = new() { Name = name, Finalizers = ["kubernetes.io/vac-protection"] }, DriverName = "example.com" };
        foreach (string name in (string[])["had", "held", "free"]) cluster.Api.Put(Class(name));
        cluster.Api.Put(Class("bare") with { Metadata = new() { Name = "bare" } });
        cluster.Api.Put(Storage.Claim("c") with { Status = new() { CurrentVolumeAttributesClassName = "had" } });
        var volume = Storage.Volume("v");
        cluster.Api.Put(volume with { Spec = volume.Spec with { VolumeAttributesClassName = "held" } });
        foreach (string name in (string[])["had", "held", "free"]) await cluster.Client.DeleteAsync<VolumeAttributesClass>(new("", name), DeleteOptions.Empty, default);

        await cluster.UntilAsync(a => a.Find<VolumeAttributesClass>("free", "") is null && a.Find<VolumeAttributesClass>("bare", "")!.Metadata.Finalizers.Contains("kubernetes.io/vac-protection"));
        Assert.NotNull(cluster.Api.Find<VolumeAttributesClass>("had", ""));
        Assert.NotNull(cluster.Api.Find<VolumeAttributesClass>("held", ""));

        cluster.Api.Remove<PersistentVolumeClaim>("c");
        cluster.Api.Change<PersistentVolume>("v", v => v with { Spec = v.Spec with { VolumeAttributesClassName = null } }, "");
        await cluster.UntilAsync(a => a.Find<VolumeAttributesClass>("had", "") is null && a.Find<VolumeAttributesClass>("held", "") is null);
    }

    [Fact]
    public async Task An_ephemeral_volume_gets_a_claim_of_the_Pods_own_and_never_somebody_elses()
    {
        await using var cluster = new TestCluster(["ephemeral-volume"]);
        cluster.Api.Put(Storage.Claim("thief-v"));
        Pod With(string name) => Storage.User(name, "") with
        {
            Spec = new() { Containers = [new Container { Name = "main", Image = "i" }], Volumes = [new() { Name = "v", Ephemeral = new() { VolumeClaimTemplate = new() { Metadata = new() { Labels = Map.Of(("a", "b")) }, Spec = Storage.Claim("x", "4Gi").Spec } } }] },
        };
        cluster.Api.Put(With("thief"));
        var pod = cluster.Api.Put(With("p"));

        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("p-v") is not null && cluster.Events.Told.Count > 0);

        var claim = cluster.Api.Find<PersistentVolumeClaim>("p-v")!;
        Assert.Equal((pod.Metadata.Uid, true, "b", "4Gi"), (claim.Metadata.OwnerReferences[0].Uid, claim.Metadata.OwnerReferences[0].Controller, claim.Metadata.Labels["a"], claim.Spec.Resources.Requests["storage"].ToString()));
        Assert.Contains(("FailedBinding", "ephemeral volume v: PVC default/thief-v was not created for pod default/thief (pod is not owner)"), cluster.Events.Told);
        Assert.Empty(cluster.Api.Find<PersistentVolumeClaim>("thief-v")!.Metadata.OwnerReferences);
        cluster.Api.Remove<PersistentVolumeClaim>("p-v");
        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("p-v") is not null);
    }

    static Pod WithOwn(string name) => Make.Pod(name, node: "n") is var pod ? pod with
    {
        Spec = pod.Spec with { Volumes = [new() { Name = "v", Ephemeral = new() { VolumeClaimTemplate = new() { Spec = Storage.Claim("x").Spec } } }] },
    } : null!;

    [Fact]
    public async Task A_claim_that_goes_with_its_Pod_does_not_wait_for_one_in_which_nothing_runs_any_more()
    {
        await using var cluster = new TestCluster(["pvc-protection"]);
        var pod = cluster.Api.Put(WithOwn("p") is var p ? p with { Metadata = p.Metadata with { DeletionTimestamp = Make.Start, DeletionGracePeriodSeconds = 30, Finalizers = ["foregroundDeletion"] } } : null!);
        cluster.Api.Put(Storage.Claim("p-v") is var c ? c with { Metadata = c.Metadata with { OwnerReferences = [Controllers.Ownership.Owners.ControllerRef(pod)] } } : null!);
        await cluster.Client.DeleteAsync<PersistentVolumeClaim>(new("default", "p-v"), DeleteOptions.Empty, default);
        cluster.Api.Put(Storage.Claim("unused"));
        await cluster.Client.DeleteAsync<PersistentVolumeClaim>(new("default", "unused"), DeleteOptions.Empty, default);
        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("unused") is null);
        Assert.NotNull(cluster.Api.Find<PersistentVolumeClaim>("p-v"));

        cluster.Api.Change<Pod>("p", x => x with { Metadata = x.Metadata with { DeletionGracePeriodSeconds = 0 } });
        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("p-v") is null);
    }

    [Fact]
    public async Task A_claim_whose_name_a_stranger_had_is_made_when_he_has_gone()
    {
        await using var cluster = new TestCluster(["ephemeral-volume"]) { Creep = TestCluster.Hardly };
        cluster.Api.Put(Storage.Claim("p-v") with { Metadata = new() { Name = "p-v", Namespace = "default" } });
        cluster.Api.Put(WithOwn("p"));
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("FailedBinding", "ephemeral volume v: PVC default/p-v was not created for pod default/p (pod is not owner)")));
        cluster.Api.Remove<PersistentVolumeClaim>("p-v");
        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("p-v")?.Metadata.OwnerReferences is [{ Kind: "Pod", Name: "p" }]);
    }

    [Fact]
    public async Task Who_waits_for_a_larger_volume_is_told_also_by_a_controller_that_starts_later_and_sees_no_volume()
    {
        await using var cluster = new TestCluster(["persistentvolume-expander"], api =>
        {
            api.Put(Storage.Volume("v", claim: new() { Namespace = "default", Name = "c", Uid = "uid-of-c" }, phase: "Bound"));
            api.Put(Storage.Claim("c", "2Gi", volume: "v") is var c ? c with
            {
                Metadata = c.Metadata with { Uid = "uid-of-c" }, Status = new() { Phase = "Bound", Capacity = Map.Of(("storage", Quantity.Parse("1Gi"))) },
            } : null!);
            api.Intercept = r => r is { Method: "GET", Path: "/api/v1/persistentvolumes" } ? new() { Code = 200, List = new(new() { ResourceVersion = "100" }, []) } : null;
        });
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e == ("ExternalExpanding", "waiting for an external controller to expand this PVC")));
    }
}
