using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.PersistentVolumes;

namespace Hanbae.Controllers.Tests.Volumes;

public sealed class MatchTests
{
    static PersistentVolume Free(string name, string size = "1Gi", string @class = "", params string[] modes) =>
        Storage.Volume(name, size, @class, modes.Length > 0 ? modes : null, "Available");

    static string? Best(PersistentVolumeClaim claim, params PersistentVolume[] volumes) => Match.Best(claim, volumes, delayed: false)?.Metadata.Name;

    [Fact]
    public void The_smallest_that_is_large_enough_is_taken_and_of_equals_the_first_by_name() =>
        Assert.Equal("b", Best(Storage.Claim("c", "2Gi"), Free("small", "1Gi"), Free("large", "9Gi"), Free("d", "3Gi"), Free("b", "3Gi")));

    [Fact]
    public void Fewer_access_modes_go_before_size() =>
        Assert.Equal("plain", Best(Storage.Claim("c"), Free("shared", "1Gi", "", "ReadWriteOnce", "ReadWriteMany"), Free("plain", "5Gi")));

    [Fact]
    public void Access_modes_class_mode_labels_and_phase_must_fit()
    {
        var claim = Storage.Claim("c", modes: ["ReadWriteMany"]);
        Assert.Null(Best(claim, Free("once")));
        Assert.Null(Best(Storage.Claim("c"), Free("classy", @class: "fast")));
        Assert.Null(Best(Storage.Claim("c", @class: "fast"), Free("plain")));
        Assert.Null(Best(Storage.Claim("c"), Storage.Volume("new"))); // not told to be free yet
        var block = Free("block");
        Assert.Null(Best(Storage.Claim("c"), block with { Spec = block.Spec with { VolumeMode = "Block" } }));
        Assert.Null(Best(Storage.Claim("c"), block with { Metadata = block.Metadata with { DeletionTimestamp = Make.Start } }));
        var choosy = Storage.Claim("c");
        choosy = choosy with { Spec = choosy.Spec with { Selector = new() { MatchLabels = Map.Of(("kind", "ssd")) } } };
        Assert.Null(Best(choosy, block));
        Assert.Equal("block", Best(choosy, block with { Metadata = block.Metadata with { Labels = Map.Of(("kind", "ssd")) } }));
    }

    [Fact]
    public void What_was_set_aside_for_a_claim_is_its_and_nobody_elses()
    {
        var mine = Storage.Volume("mine", "5Gi", "other", claim: new() { Namespace = "default", Name = "c" });
        Assert.Equal("mine", Best(Storage.Claim("c"), Free("free"), mine));
        Assert.Equal("free", Best(Storage.Claim("d"), Free("free"), mine));
        Assert.Equal("mine", Match.Best(Storage.Claim("c"), [mine], delayed: true)?.Metadata.Name);
        Assert.Null(Match.Best(Storage.Claim("d"), [Free("free")], delayed: true));
    }

    [Fact]
    public void What_was_set_aside_but_has_other_attributes_is_not_taken()
    {
        var volume = Storage.Volume("v", claim: new() { Namespace = "default", Name = "c" });
        Assert.Equal("v", Best(Storage.Claim("c"), volume));
        Assert.Null(Best(Storage.Claim("c"), volume with { Spec = volume.Spec with { VolumeAttributesClassName = "gold" } }));
    }
}
