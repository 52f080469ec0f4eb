using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>Azure's file shares.</summary>
sealed class AzureFile : ICloudDisk
{
    const string Group = "kubernetes.io/azure-file-resource-group";

    public string OldName => "kubernetes.io/azure-file";
    public string Driver => "file.csi.azure.com";

    public PersistentVolume? Inline(Volume volume, string ns)
    {
        if (volume.AzureFile is not { } share) return null;
        var csi = Csi("", share.SecretName, share.ShareName, volume.Name, ns.Length > 0 ? ns : "default", share.ReadOnly);
        return CloudDisks.Made(Driver, "", csi, "ReadWriteMany") with { Metadata = new() { Name = csi.VolumeHandle } };
    }

    public CSIPersistentVolumeSource? Source(PersistentVolume volume)
    {
        if (volume.Spec.AzureFile is not { } share) return null;
        string ns = share.SecretNamespace ?? volume.Spec.ClaimRef?.Namespace ?? "";
        if (ns.Length == 0) throw new FormatException("could not find a secret namespace in PersistentVolumeSource or ClaimRef");
        return Csi(volume.Metadata.Annotations[Group] ?? "", share.SecretName, share.ShareName, volume.Metadata.Name, ns, share.ReadOnly);
    }

    public PersistentVolumeSpec Without(PersistentVolumeSpec spec) => spec with { AzureFile = null };

    CSIPersistentVolumeSource Csi(string group, string secret, string share, string name, string ns, bool readOnly) => new()
    {
        Driver = Driver, VolumeHandle = $"{group}#{Account(secret)}#{share}#{name}#{ns}", ReadOnly = readOnly, VolumeAttributes = Map.Of(("sharename", share)),
        NodeStageSecretRef = new() { Name = secret, Namespace = ns },
    };

    /// <summary>Of <c>azure-storage-account-x-secret</c>; a Secret of another name is taken to be called as the account.</summary>
    static string Account(string secret)
    {
        const string before = "azure-storage-account-", after = "-secret";
        int at = secret.IndexOf(before, StringComparison.Ordinal), end = secret.LastIndexOf(after, StringComparison.Ordinal);
        return at >= 0 && end > at + before.Length ? secret[(at + before.Length)..end] : secret;
    }
}
