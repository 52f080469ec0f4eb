using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using static Hanbae.Server.Admission.PodSecurity.Violations;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>Holds Pods to what hardening recommends, in upstream's words.</summary>
static class RestrictedChecks
{
    public static Violation? PrivilegeEscalation(ObjectMeta meta, PodSpec spec)
    {
        string[] names = [.. SecurityBox.Of(spec).Where(b => b.Security?.AllowPrivilegeEscalation != false).Select(b => b.Name)];
        return names.Length == 0 ? null : new("allowPrivilegeEscalation != false", $"{Containers(names)} must set securityContext.allowPrivilegeEscalation=false");
    }

    public static Violation? Capabilities(ObjectMeta meta, PodSpec spec)
    {
        string[] missing = [.. SecurityBox.Of(spec).Where(b => b.Security?.Capabilities?.Drop.Contains("ALL") != true).Select(b => b.Name)];
        var adding = SecurityBox.Of(spec).Select(b => (b.Name, Bad: (b.Security?.Capabilities?.Add ?? default).Where(c => c != "NET_BIND_SERVICE").ToArray())).Where(b => b.Bad.Length > 0).ToArray();
        var details = new List<string>();
        if (missing.Length > 0) details.Add($"{Containers(missing)} must set securityContext.capabilities.drop=[\"ALL\"]");
        if (adding.Length > 0) details.Add($"{Containers([.. adding.Select(b => b.Name)])} must not include {Quoted(adding.SelectMany(b => b.Bad).Sorted())} in securityContext.capabilities.add");
        return details.Count == 0 ? null : new("unrestricted capabilities", string.Join("; ", details));
    }

    public static Violation? Volumes(ObjectMeta meta, PodSpec spec)
    {
        var bad = spec.Volumes.Where(v => (v.ConfigMap ?? v.Csi ?? v.DownwardAPI ?? v.EmptyDir ?? v.Ephemeral ?? v.Image ?? v.PersistentVolumeClaim ?? v.Projected ?? (object?)v.Secret) is null).ToArray();
        if (bad.Length == 0) return null;
        string[] types = [.. bad.Select(TypeOf).Sorted()];
        return new("restricted volume types",
            $"{Plural("volume", bad.Length)} {Quoted(bad.Select(v => v.Name))} {(bad.Length == 1 ? "uses" : "use")} {Plural("restricted volume type", types.Length)} {Quoted(types)}");
    }

    static string TypeOf(Volume v) =>
        v.HostPath is not null ? "hostPath" : v.GcePersistentDisk is not null ? "gcePersistentDisk" : v.AwsElasticBlockStore is not null ? "awsElasticBlockStore" : v.GitRepo is not null ? "gitRepo"
        : v.Nfs is not null ? "nfs" : v.Iscsi is not null ? "iscsi" : v.Glusterfs is not null ? "glusterfs" : v.Rbd is not null ? "rbd" : v.FlexVolume is not null ? "flexVolume" : v.Cinder is not null ? "cinder"
        : v.Cephfs is not null ? "cephfs" : v.Flocker is not null ? "flocker" : v.Fc is not null ? "fc" : v.AzureFile is not null ? "azureFile" : v.VsphereVolume is not null ? "vsphereVolume"
        : v.Quobyte is not null ? "quobyte" : v.AzureDisk is not null ? "azureDisk" : v.PhotonPersistentDisk is not null ? "photonPersistentDisk" : v.PortworxVolume is not null ? "portworxVolume"
        : v.ScaleIO is not null ? "scaleIO" : v.Storageos is not null ? "storageos" : "unknown";

    public static Violation? NonRoot(ObjectMeta meta, PodSpec spec)
    {
        bool? pod = spec.SecurityContext?.RunAsNonRoot;
        string[] refusing = [.. SecurityBox.Of(spec).Where(b => b.Security?.RunAsNonRoot == false).Select(b => b.Name)];
        if (pod == false || refusing.Length > 0) return new("runAsNonRoot != true", $"{Setters(pod == false, refusing)} must not set securityContext.runAsNonRoot=false");
        string[] silent = pod == true ? [] : [.. SecurityBox.Of(spec).Where(b => b.Security?.RunAsNonRoot is null).Select(b => b.Name)];
        return silent.Length == 0 ? null : new("runAsNonRoot != true", $"pod or {Containers(silent)} must set securityContext.runAsNonRoot=true");
    }

    public static Violation? User(ObjectMeta meta, PodSpec spec)
    {
        bool pod = spec.SecurityContext?.RunAsUser == 0;
        string[] names = [.. SecurityBox.Of(spec).Where(b => b.Security?.RunAsUser == 0).Select(b => b.Name)];
        return !pod && names.Length == 0 ? null : new("runAsUser=0", $"{Setters(pod, names)} must not set runAsUser=0");
    }

    public static Violation? Seccomp(ObjectMeta meta, PodSpec spec)
    {
        if (BaselineChecks.Seccomp(meta, spec) is { } bad) return bad;
        if (spec.SecurityContext?.SeccompProfile is not null) return null;
        string[] silent = [.. SecurityBox.Of(spec).Where(b => b.Security?.SeccompProfile is null).Select(b => b.Name)];
        return silent.Length == 0 ? null : new("seccompProfile", $"pod or {Containers(silent)} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"");
    }
}
