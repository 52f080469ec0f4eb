using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes.Clouds;

namespace Hanbae.Machinery.Tests.Volumes;

/// <summary>Disks of clouds as their CSI drivers have them; the figures are those of upstream's csi-translation-lib.</summary>
public sealed class CloudDiskTests
{
    const string Zone = "topology.kubernetes.io/zone", BetaZone = "failure-domain.beta.kubernetes.io/zone", BetaRegion = "failure-domain.beta.kubernetes.io/region";

    /// <summary>What, and as: name of the volume, driver, handle, file system, read-only, access mode, attributes.</summary>
    public static TheoryData<Volume, string> Inlines => new()
    {
        { new() { AwsElasticBlockStore = new() { VolumeID = "vol-1", FsType = "xfs", Partition = 2, ReadOnly = true } }, "ebs.csi.aws.com-vol-1 ebs.csi.aws.com vol-1 xfs True ReadWriteOnce partition=2" },
        { new() { AwsElasticBlockStore = new() { VolumeID = "aws://us-east-1a/vol-2" } }, "ebs.csi.aws.com-vol-2 ebs.csi.aws.com vol-2  False ReadWriteOnce partition=0" },
        { new() { AwsElasticBlockStore = new() { VolumeID = "aws:///vol-3" } }, "ebs.csi.aws.com-vol-3 ebs.csi.aws.com vol-3  False ReadWriteOnce partition=0" },
        { new() { GcePersistentDisk = new() { PdName = "pd", FsType = "ext4", Partition = 1 } }, "pd.csi.storage.gke.io-pd pd.csi.storage.gke.io projects/UNSPECIFIED/zones/UNSPECIFIED/disks/pd ext4 False ReadWriteOnce partition=1" },
        { new() { GcePersistentDisk = new() { PdName = "pd", ReadOnly = true } }, "pd.csi.storage.gke.io-pd pd.csi.storage.gke.io projects/UNSPECIFIED/zones/UNSPECIFIED/disks/pd  True ReadOnlyMany partition=" },
        { new() { AzureDisk = new() { DiskName = "d", DiskURI = "/subscriptions/s/disks/d", CachingMode = "ReadOnly", FsType = "ext4", ReadOnly = true, Kind = "Managed" } }, "disk.csi.azure.com-d disk.csi.azure.com /subscriptions/s/disks/d ext4 True ReadWriteOnce cachingMode=ReadOnly csi-migration=true fsType=ext4 kind=Managed" },
        { new() { AzureDisk = new() { DiskName = "d", DiskURI = "u" } }, "disk.csi.azure.com-d disk.csi.azure.com u  False ReadWriteOnce csi-migration=true kind=Managed" },
        { new() { Name = "v", AzureFile = new() { SecretName = "azure-storage-account-acc-secret", ShareName = "s", ReadOnly = true } }, "#acc#s#v#default file.csi.azure.com #acc#s#v#default  True ReadWriteMany sharename=s" },
        { new() { Name = "v", AzureFile = new() { SecretName = "mine", ShareName = "s" } }, "#mine#s#v#default file.csi.azure.com #mine#s#v#default  False ReadWriteMany sharename=s" },
        { new() { VsphereVolume = new() { VolumePath = "[ds] kube/v.vmdk", FsType = "ext4", StoragePolicyName = "gold" } }, "csi.vsphere.vmware.com-[ds] kube/v.vmdk csi.vsphere.vmware.com [ds] kube/v.vmdk ext4 False ReadWriteOnce storagepolicyname=gold" },
        { new() { Cinder = new() { VolumeID = "c", FsType = "ext4", ReadOnly = true } }, "cinder.csi.openstack.org-c cinder.csi.openstack.org c ext4 True ReadWriteOnce " },
        { new() { PortworxVolume = new() { VolumeID = "p", FsType = "ext4" } }, "pxd.portworx.com-p pxd.portworx.com p ext4 False ReadWriteOnce " },
    };

    [Theory, MemberData(nameof(Inlines), DisableDiscoveryEnumeration = true)]
    public void A_Pods_own_disk_is_its_drivers_volume(Volume volume, string expected)
    {
        Assert.True(CloudDisks.IsInline(volume));
        var made = CloudDisks.Inline(volume, "default")!;
        Assert.Equal(expected, $"{made.Metadata.Name} {Text(made)}");
    }

    static string Text(PersistentVolume volume)
    {
        var csi = volume.Spec.Csi!;
        return $"{csi.Driver} {csi.VolumeHandle} {csi.FsType} {csi.ReadOnly} {string.Join(',', volume.Spec.AccessModes)} {string.Join(' ', csi.VolumeAttributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={a.Value}"))}";
    }

    static PersistentVolume Stored(PersistentVolumeSpec spec, params (string, string)[] labels) => new() { Metadata = new() { Name = "pv", Labels = Map.Of(labels) }, Spec = spec };

    static PersistentVolumeSpec Gce(params string[] modes) => new() { GcePersistentDisk = new() { PdName = "pd" }, AccessModes = modes };

    static string Places(PersistentVolume volume) => string.Join(" | ", (volume.Spec.NodeAffinity?.Required?.NodeSelectorTerms ?? default).Select(t => string.Join(" & ", t.MatchExpressions.Select(e => $"{e.Key} {e.Operator} {string.Join(',', e.Values)}"))));

    public static TheoryData<PersistentVolume, string, string> Volumes => new()
    {
        { Stored(Gce("ReadWriteMany")), "pd.csi.storage.gke.io projects/UNSPECIFIED/zones/UNSPECIFIED/disks/pd  False ReadWriteOnce partition=", "" },
        { Stored(Gce("ReadWriteOnce", "ReadOnlyMany"), (Zone, "us-central1-a")), "pd.csi.storage.gke.io projects/UNSPECIFIED/zones/us-central1-a/disks/pd  False ReadWriteOnce partition=", "topology.gke.io/zone In us-central1-a" },
        { Stored(Gce("ReadOnlyMany"), (BetaZone, "us-central1-c__us-central1-a")), "pd.csi.storage.gke.io projects/UNSPECIFIED/regions/us-central1/disks/pd  False ReadOnlyMany partition=", "topology.gke.io/zone In us-central1-a,us-central1-c" },
        { Stored(new() { AwsElasticBlockStore = new() { VolumeID = "vol-1" }, AccessModes = ["ReadWriteOnce"], NodeAffinity = In((BetaZone, "us-east-1a"), (BetaRegion, "us-east-1")) }, (BetaZone, "ignored")),
            "ebs.csi.aws.com vol-1  False ReadWriteOnce partition=0", "topology.ebs.csi.aws.com/zone In us-east-1a & topology.kubernetes.io/region In us-east-1" },
        { Stored(new() { Cinder = new() { VolumeID = "c", FsType = "xfs" }, AccessModes = ["ReadWriteOnce"] }, (Zone, "nova")), "cinder.csi.openstack.org c xfs False ReadWriteOnce ", "topology.cinder.csi.openstack.org/zone In nova" },
        { Stored(new() { AzureDisk = new() { DiskName = "d", DiskURI = "u", Kind = "Dedicated" }, AccessModes = ["ReadWriteOnce"] }, (Zone, "eastus-1")), "disk.csi.azure.com u  False ReadWriteOnce csi-migration=true kind=Dedicated", "" },
        { Stored(new() { AzureFile = new() { SecretName = "azure-storage-account-acc-secret", ShareName = "s", SecretNamespace = "vault" } }), "file.csi.azure.com #acc#s#pv#vault  False  sharename=s", "" },
        { Stored(new() { AzureFile = new() { SecretName = "s1", ShareName = "s" }, ClaimRef = new() { Namespace = "team" } }), "file.csi.azure.com #s1#s#pv#team  False  sharename=s", "" },
        { Stored(new() { VsphereVolume = new() { VolumePath = "[ds] v" }, AccessModes = ["ReadWriteOnce"] }, (Zone, "z")), "csi.vsphere.vmware.com [ds] v  False ReadWriteOnce ", "" },
        { Stored(new() { PortworxVolume = new() { VolumeID = "p", ReadOnly = true }, AccessModes = ["ReadWriteOnce"] }), "pxd.portworx.com p  True ReadWriteOnce ", "" },
    };

    static VolumeNodeAffinity In(params (string Key, string Value)[] expressions) =>
        new() { Required = new() { NodeSelectorTerms = [new() { MatchExpressions = expressions.Select(e => new NodeSelectorRequirement { Key = e.Key, Operator = "In", Values = [e.Value] }).ToSeq() }] } };

    [Theory, MemberData(nameof(Volumes), DisableDiscoveryEnumeration = true)]
    public void A_volume_of_old_is_its_drivers_and_where_it_was(PersistentVolume volume, string expected, string places)
    {
        var made = CloudDisks.Translate(volume);
        Assert.Equal((expected, places), (Text(made), Places(made)));
        Assert.False(CloudDisks.IsOne(made.Spec));
        Assert.Same(made, CloudDisks.Translate(made));
    }

    [Fact]
    public void What_names_no_disk_is_said_to_who_mounts_and_left_alone_by_who_looks()
    {
        var bad = Stored(new() { AwsElasticBlockStore = new() { VolumeID = "aws://z/disk-1" } });
        Assert.Throws<FormatException>(() => CloudDisks.Translate(bad));
        Assert.Same(bad, CloudDisks.TryTranslate(bad));
        Assert.Throws<FormatException>(() => CloudDisks.Translate(Stored(new() { AzureFile = new() { SecretName = "s", ShareName = "s" } })));
        Assert.Throws<FormatException>(() => CloudDisks.Translate(Stored(Gce("ReadWriteOnce"), (Zone, "us-central1-a__eu-west1-b"))));
        var local = Stored(new() { Local = new() { Path = "/x" } });
        Assert.Same(local, CloudDisks.Translate(local));
        Assert.Null(CloudDisks.Inline(new() { Nfs = new() }, "default"));
    }

    [Fact]
    public void A_node_is_asked_in_the_drivers_terms_only_where_its_kubelet_asks_the_driver()
    {
        var volume = Stored(Gce("ReadWriteOnce"), (Zone, "us-central1-a"));
        CSINode Noted(string? note) => new() { Metadata = new() { Annotations = note is null ? default : Map.Of((CloudDisks.Note, note)) } };
        Assert.Same(volume, CloudDisks.TryTranslate(volume, null));
        Assert.Same(volume, CloudDisks.TryTranslate(volume, Noted("kubernetes.io/aws-ebs")));
        Assert.Equal("topology.gke.io/zone In us-central1-a", Places(CloudDisks.TryTranslate(volume, Noted(CloudDisks.Notice))));
    }

    [Theory]
    [InlineData("projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d", "projects/p/zones/us-central1-a/instances/i", "projects/p/zones/us-central1-a/disks/d")]
    [InlineData("projects/UNSPECIFIED/zones/z/disks/d", "projects/p/zones/us-central1-a/instances/i", "projects/p/zones/z/disks/d")]
    [InlineData("projects/UNSPECIFIED/regions/UNSPECIFIED/disks/d", "projects/p/zones/us-central1-a/instances/i", "projects/p/regions/us-central1/disks/d")]
    [InlineData("projects/x/zones/z/disks/d", "projects/p/zones/us-central1-a/instances/i", "projects/x/zones/z/disks/d")]
    [InlineData("projects/UNSPECIFIED/zones/z/disks/d", "node-1", "projects/UNSPECIFIED/zones/z/disks/d")]
    public void Who_attaches_knows_the_project_by_the_node(string handle, string node, string expected) =>
        Assert.Equal(expected, CloudDisks.HandleFor(new() { Driver = "pd.csi.storage.gke.io", VolumeHandle = handle }, node));
}
