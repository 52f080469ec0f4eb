using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>Amazon's Elastic Block Store.</summary>
sealed class AwsEbs : ICloudDisk
{
    public string OldName => "kubernetes.io/aws-ebs";
    public string Driver => "ebs.csi.aws.com";
    public string ZoneKey => "topology.ebs.csi.aws.com/zone";

    public PersistentVolume? Inline(Volume volume, string ns) => volume.AwsElasticBlockStore is { } ebs ? CloudDisks.Made(Driver, Id(ebs.VolumeID), Csi(ebs)) : null;

    public CSIPersistentVolumeSource? Source(PersistentVolume volume) => volume.Spec.AwsElasticBlockStore is { } ebs ? Csi(ebs) : null;

    public PersistentVolumeSpec Without(PersistentVolumeSpec spec) => spec with { AwsElasticBlockStore = null };

    CSIPersistentVolumeSource Csi(AWSElasticBlockStoreVolumeSource ebs) => new()
    {
        Driver = Driver, VolumeHandle = Id(ebs.VolumeID), ReadOnly = ebs.ReadOnly, FsType = ebs.FsType, VolumeAttributes = Map.Of(("partition", ebs.Partition.ToString(CultureInfo.InvariantCulture))),
    };

    /// <summary>Of <c>vol-1</c>, <c>aws:///vol-1</c> and <c>aws://zone/vol-1</c>.</summary>
    static string Id(string volume)
    {
        if (!volume.StartsWith("aws://", StringComparison.Ordinal)) return volume;
        string rest = volume[6..];
        string id = (rest.IndexOf('/') is >= 0 and var slash ? rest[slash..] : "").Trim('/');
        return id.StartsWith("vol-", StringComparison.Ordinal) && !id.Contains('/') ? id
            : throw new FormatException($"failed to translate Kubernetes ID to EBS Volume ID Invalid format for AWS volume ({volume})");
    }
}
