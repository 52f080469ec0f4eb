using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.Volumes;

public sealed class BindTests
{
    static readonly string[] Binder = ["persistentvolume-binder"];

    static string Phase(FakeApi a, string volume) => a.Find<PersistentVolume>(volume, "")?.Status.Phase ?? "gone";
    static PersistentVolumeClaim Claim(FakeApi a, string name) => a.Find<PersistentVolumeClaim>(name)!;

    [Fact]
    public async Task A_claim_and_a_volume_name_each_other_and_say_who_bound_them()
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Claim("c", "2Gi"));
        cluster.Api.Put(Storage.Volume("v", "3Gi"));

        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Bound" && Phase(a, "v") == "Bound");

        var (claim, volume) = (Claim(cluster.Api, "c"), cluster.Api.Find<PersistentVolume>("v", "")!);
        Assert.Equal(("v", "yes", "yes", "3Gi"), (claim.Spec.VolumeName, claim.Metadata.Annotations["pv.kubernetes.io/bind-completed"],
            claim.Metadata.Annotations["pv.kubernetes.io/bound-by-controller"], claim.Status.Capacity["storage"].ToString()));
        Assert.Equal((claim.Metadata.Uid, "yes"), (volume.Spec.ClaimRef!.Uid, volume.Metadata.Annotations["pv.kubernetes.io/bound-by-controller"]));
    }

    [Fact]
    public async Task Many_claims_get_a_volume_each_while_caches_lag()
    {
        await using var cluster = new TestCluster(Binder);
        for (int i = 0; i < 8; i++) cluster.Api.Put(Storage.Volume("v" + i));
        await cluster.UntilAsync(a => a.All<PersistentVolume>().All(v => v.Status.Phase == "Available"));
        cluster.Api.HoldWatches();
        for (int i = 0; i < 8; i++) cluster.Api.Put(Storage.Claim("c" + i));
        cluster.Api.ReleaseWatches();

        await cluster.UntilAsync(a => a.All<PersistentVolumeClaim>().All(c => c.Status.Phase == "Bound"));
        Assert.Equal(8, cluster.Api.All<PersistentVolumeClaim>().Select(c => c.Spec.VolumeName).Distinct().Count());
        Assert.All(cluster.Api.All<PersistentVolume>(), v => Assert.Equal(v.Metadata.Name, Claim(cluster.Api, v.Spec.ClaimRef!.Name).Spec.VolumeName));
    }

    [Fact]
    public async Task A_claim_may_name_its_volume_but_not_one_that_does_not_fit_or_is_anothers()
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Volume("small"));
        cluster.Api.Put(Storage.Volume("taken", claim: new() { Namespace = "default", Name = "else" }));
        cluster.Api.Put(Storage.Claim("large", "2Gi", volume: "small"));
        cluster.Api.Put(Storage.Claim("late", volume: "taken"));

        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e == ("VolumeMismatch", "Cannot bind to requested volume \"small\": requested PV is too small"))
            && cluster.Events.Told.Any(e => e == ("FailedBinding", "volume \"taken\" already bound to a different claim.")));
        Assert.Equal("Pending", Claim(cluster.Api, "large").Status.Phase);
        cluster.Api.Put(Storage.Claim("fits", volume: "small"));
        await cluster.UntilAsync(a => Claim(a, "fits").Status.Phase == "Bound");
        Assert.False(Claim(cluster.Api, "fits").Metadata.Annotations.ContainsKey("pv.kubernetes.io/bound-by-controller"));
    }

    [Theory]
    [InlineData("Retain", "Released"), InlineData("Delete", "Failed")]
    public async Task A_volume_whose_claim_is_gone_is_released_and_one_that_nobody_can_delete_fails(string policy, string phase)
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Volume("v", policy: policy));
        cluster.Api.Put(Storage.Claim("c"));
        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Bound");

        cluster.Api.Remove<PersistentVolumeClaim>("c");

        await cluster.UntilAsync(a => Phase(a, "v") == phase);
        cluster.Api.Put(Storage.Claim("next"));
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e == ("FailedBinding", "no persistent volumes available for this claim and no storage class is set")));
    }

    [Fact]
    public async Task A_claim_that_loses_its_volume_is_lost()
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Volume("v"));
        cluster.Api.Put(Storage.Claim("c"));
        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Bound");

        cluster.Api.Remove<PersistentVolume>("v", "");

        await cluster.UntilAsync(a => Claim(a, "c") is { Status: { Phase: "Lost", Capacity.IsEmpty: true } });
        Assert.Contains(("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"), cluster.Events.Told);
    }

    [Fact]
    public async Task A_claim_without_a_class_gets_the_default_one_when_there_is_one()
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Claim("c", @class: null));
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "FailedBinding"));

        cluster.Api.Put(Storage.Class("disk", isDefault: true));

        await cluster.UntilAsync(a => Claim(a, "c").Metadata.Annotations["volume.kubernetes.io/storage-provisioner"] == "example.com/disk");
        Assert.Equal("disk", Claim(cluster.Api, "c").Spec.StorageClassName);
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "ExternalProvisioning"));
    }

    [Fact]
    public async Task A_claim_that_waits_for_its_Pod_is_asked_for_only_when_a_node_is_chosen()
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Class("lazy", waits: true));
        cluster.Api.Put(Storage.Volume("v", @class: "lazy"));
        cluster.Api.Put(Storage.Claim("c", @class: "lazy"));
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e == ("WaitForFirstConsumer", "waiting for first consumer to be created before binding")));
        cluster.Api.Put(Storage.User("p", "c"));
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e == ("WaitForPodScheduled", "waiting for pod p to be scheduled")));
        Assert.Equal(("", false), (Claim(cluster.Api, "c").Spec.VolumeName, Claim(cluster.Api, "c").Metadata.Annotations.ContainsKey("volume.kubernetes.io/storage-provisioner")));

        cluster.Api.Change<PersistentVolumeClaim>("c", c => c with { Metadata = c.Metadata with { Annotations = c.Metadata.Annotations.Set("volume.kubernetes.io/selected-node", "n") } });

        await cluster.UntilAsync(a => Claim(a, "c").Metadata.Annotations["volume.kubernetes.io/storage-provisioner"] == "example.com/disk");
    }

    [Fact]
    public async Task A_recycled_volume_is_emptied_by_a_Pod_and_free_again()
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Volume("v", policy: "Recycle"));
        cluster.Api.Put(Storage.Claim("c"));
        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Bound");
        cluster.Api.Remove<PersistentVolumeClaim>("c");

        await cluster.UntilAsync(a => a.Find<Pod>("recycler-for-v") is not null);
        Assert.Equal("/data/v", cluster.Api.Find<Pod>("recycler-for-v")!.Spec.Volumes[0].HostPath!.Path);
        cluster.Api.Change<Pod>("recycler-for-v", p => p with { Status = p.Status with { Phase = "Succeeded" } });

        await cluster.UntilAsync(a => Phase(a, "v") == "Available" && a.Find<Pod>("recycler-for-v") is null);
        Assert.Null(cluster.Api.Find<PersistentVolume>("v", "")!.Spec.ClaimRef);
    }

    [Fact]
    public async Task A_volume_made_for_a_claim_that_found_another_is_given_up()
    {
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Volume("v"));
        cluster.Api.Put(Storage.Claim("c"));
        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Bound");
        var reference = cluster.Api.Find<PersistentVolume>("v", "")!.Spec.ClaimRef;
        var made = Storage.Volume("made", policy: "Delete", claim: reference);

        cluster.Api.Put(made with { Metadata = made.Metadata with { Annotations = Map.Of(("pv.kubernetes.io/provisioned-by", "example.com/disk")) } });
        cluster.Api.Put(Storage.Volume("set-aside", claim: reference));

        await cluster.UntilAsync(a => Phase(a, "made") == "Released" && Phase(a, "set-aside") == "Available");
        Assert.Equal("", cluster.Api.Find<PersistentVolume>("set-aside", "")!.Spec.ClaimRef!.Uid);
    }

    [Fact]
    public async Task What_could_not_be_recycled_is_tried_again_and_not_while_a_Pod_uses_it()
    {
        await using var cluster = new TestCluster(Binder) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Storage.Volume("v", policy: "Recycle"));
        cluster.Api.Put(Storage.Claim("c"));
        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Bound");
        cluster.Api.Put(Storage.User("user", "c", "n1"));
        cluster.Api.Remove<PersistentVolumeClaim>("c");
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("VolumeFailedRecycle", "Volume is used by pods: default/user")));
        Assert.Null(cluster.Api.Find<Pod>("recycler-for-v"));

        cluster.Api.Change<Pod>("user", p => p with { Status = p.Status with { Phase = "Succeeded" } });
        await cluster.UntilAsync(a => a.Find<Pod>("recycler-for-v") is not null);
        string first = cluster.Api.Find<Pod>("recycler-for-v")!.Metadata.Uid;
        cluster.Api.Change<Pod>("recycler-for-v", p => p with { Status = p.Status with { Phase = "Failed", Message = "no" } });
        await cluster.UntilAsync(a => Phase(a, "v") == "Failed" && a.Find<Pod>("recycler-for-v") is { } again && again.Metadata.Uid != first);
        cluster.Api.Change<Pod>("recycler-for-v", p => p with { Status = p.Status with { Phase = "Succeeded" } });
        await cluster.UntilAsync(a => Phase(a, "v") == "Available");
    }

    [Fact]
    public async Task A_volume_is_not_emptied_under_a_Pod_that_the_cache_does_not_show_yet()
    {
        await using var cluster = new TestCluster(Binder, api => api.Intercept = r =>
        {
            // It comes between what the cache shows and the first look at the recycler.
            if (r is { Method: "GET", Path: "/api/v1/namespaces/default/pods/recycler-for-v" } && api.Find<Pod>("user") is null)
            {
                api.HoldWatches();
                api.Put(Storage.User("user", "c", "n1"));
            }
            return null;
        });
        cluster.Api.Put(Storage.Volume("v", policy: "Recycle"));
        cluster.Api.Put(Storage.Claim("c"));
        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Bound");
        cluster.Api.Remove<PersistentVolumeClaim>("c");
        await cluster.UntilAsync(a => cluster.Events.Told.Contains(("VolumeFailedRecycle", "Volume is used by pods: default/user")));
        Assert.Null(cluster.Api.Find<Pod>("recycler-for-v"));
        cluster.Api.ReleaseWatches();
    }

    [Fact]
    public async Task A_binding_of_which_half_was_taken_back_leaves_the_claim_as_it_is()
    {
        var claim = Storage.Claim("half", volume: "taken") is var c ? c with { Metadata = c.Metadata with { Annotations = Map.Of(("pv.kubernetes.io/bound-by-controller", "yes")) }, Status = new() { Phase = "Bound" } } : null!;
        // Both are there before: which of two watches is first nobody says, and a claim whose volume is not there waits for it.
        await using var cluster = new TestCluster(Binder, api =>
        {
            api.Put(Storage.Volume("taken", claim: new() { Namespace = "default", Name = "else", Uid = "u" }, phase: "Bound"));
            api.Put(claim);
        });
        await cluster.UntilAsync(_ => cluster.Events.Told.Count(e => e == ("FailedBinding", "volume \"taken\" already bound to a different claim.")) > 1);
        Assert.Equal("Bound", Claim(cluster.Api, "half").Status.Phase);
    }

    [Fact]
    public async Task A_bound_claim_whose_volume_is_only_set_aside_for_its_name_is_lost()
    {
        var claim = Storage.Claim("c", volume: "v") is var c ? c with { Metadata = c.Metadata with { Annotations = Map.Of(("pv.kubernetes.io/bind-completed", "yes")) }, Status = new() { Phase = "Bound" } } : null!;
        await using var cluster = new TestCluster(Binder);
        cluster.Api.Put(Storage.Volume("v", claim: new() { Namespace = "default", Name = "c" }));
        cluster.Api.Put(claim);
        await cluster.UntilAsync(a => Claim(a, "c").Status.Phase == "Lost");
        Assert.Contains(cluster.Events.Told, e => e.Reason == "ClaimMisbound");
    }

    [Fact]
    public async Task A_claim_that_names_a_volume_waits_until_it_is_there_and_free()
    {
        await using var cluster = new TestCluster(Binder) { Creep = TestCluster.Hardly };
        cluster.Api.Put(Storage.Claim("early", volume: "late"));
        cluster.Api.Put(Storage.Claim("mark", volume: "there"));
        cluster.Api.Put(Storage.Volume("there"));
        await cluster.UntilAsync(a => Claim(a, "mark").Status.Phase == "Bound");
        cluster.Api.Put(Storage.Volume("late", claim: new() { Namespace = "default", Name = "else" }));
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e == ("FailedBinding", "volume \"late\" already bound to a different claim.")));
        cluster.Api.Change<PersistentVolume>("late", v => v with { Spec = v.Spec with { ClaimRef = null } }, "");
        await cluster.UntilAsync(a => Claim(a, "early").Status.Phase == "Bound");
    }

    [Fact]
    public async Task A_volume_whose_claim_went_before_it_named_it_is_released()
    {
        await using var cluster = new TestCluster(Binder) { Creep = TestCluster.Hardly };
        // It waits for a Pod, and the scheduler has just given it a volume.
        cluster.Api.Put(Storage.Class("lazy", waits: true));
        var claim = cluster.Api.Put(Storage.Claim("c", @class: "lazy") is var c ? c with { Metadata = c.Metadata with { Uid = "uid-of-c" }, Spec = c.Spec with { VolumeMode = "Block" } } : null!);
        cluster.Api.Put(Storage.Volume("v", @class: "lazy", claim: new() { Namespace = "default", Name = "c", Uid = claim.Metadata.Uid }, phase: "Bound"));
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "VolumeMismatch"));
        cluster.Api.Remove<PersistentVolumeClaim>("c");
        await cluster.UntilAsync(a => Phase(a, "v") == "Released");
    }
}
