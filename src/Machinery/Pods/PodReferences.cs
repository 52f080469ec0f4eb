using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Pods;

/// <summary>What a Pod names in its namespace: what the kubelet of its node may read, and what is in use.</summary>
public static class PodReferences
{
    const string Mirror = "kubernetes.io/config.mirror";

    /// <summary>Made by a kubelet for a Pod of its own manifests.</summary>
    public static bool IsMirror(Pod pod) => pod.Metadata.Annotations.ContainsKey(Mirror);

    public static IEnumerable<string> Secrets(Pod pod)
    {
        foreach (var secret in pod.Spec.ImagePullSecrets) yield return secret.Name;
        foreach (var (from, env) in Environments(pod.Spec))
        {
            foreach (var source in from)
                if (source.SecretRef is { } s) yield return s.Name;
            foreach (var variable in env)
                if (variable.ValueFrom?.SecretKeyRef is { } s) yield return s.Name;
        }
        foreach (var volume in pod.Spec.Volumes)
        {
            if (volume.Secret is { } secret) yield return secret.SecretName;
            if (volume.Projected is { } projected)
                foreach (var source in projected.Sources)
                    if (source.Secret is { } s) yield return s.Name;
            string? other = volume.AzureFile?.SecretName ?? (volume.Cephfs?.SecretRef ?? volume.Cinder?.SecretRef ?? volume.FlexVolume?.SecretRef ?? volume.Rbd?.SecretRef
                ?? volume.Iscsi?.SecretRef ?? volume.ScaleIO?.SecretRef ?? volume.Storageos?.SecretRef ?? volume.Csi?.NodePublishSecretRef)?.Name;
            if (other is { Length: > 0 }) yield return other;
        }
    }

    public static IEnumerable<string> ConfigMaps(Pod pod)
    {
        foreach (var (from, env) in Environments(pod.Spec))
        {
            foreach (var source in from)
                if (source.ConfigMapRef is { } c) yield return c.Name;
            foreach (var variable in env)
                if (variable.ValueFrom?.ConfigMapKeyRef is { } c) yield return c.Name;
        }
        foreach (var volume in pod.Spec.Volumes)
        {
            if (volume.ConfigMap is { } map) yield return map.Name;
            if (volume.Projected is { } projected)
                foreach (var source in projected.Sources)
                    if (source.ConfigMap is { } c) yield return c.Name;
        }
    }

    /// <summary>Claims of its volumes, and those made for its ephemeral ones.</summary>
    public static IEnumerable<string> Claims(Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes)
            if (volume.PersistentVolumeClaim is { } claim) yield return claim.ClaimName;
            else if (volume.Ephemeral is not null) yield return pod.Metadata.Name + "-" + volume.Name;
    }

    /// <summary>Claims for devices: those it names, those made for it of templates, and that for resources asked for by number.</summary>
    public static IEnumerable<string> ResourceClaims(Pod pod)
    {
        foreach (var claim in pod.Spec.ResourceClaims)
            if (claim.ResourceClaimName is { Length: > 0 } name) yield return name;
        foreach (var made in pod.Status.ResourceClaimStatuses)
            if (made.ResourceClaimName is { Length: > 0 } name) yield return name;
        if (pod.Status.ExtendedResourceClaimStatus?.ResourceClaimName is { Length: > 0 } extended) yield return extended;
    }

    /// <summary>The Secrets that a kubelet needs to mount the volume.</summary>
    /// <param name="ns">Of the claim.</param>
    public static IEnumerable<string> Secrets(PersistentVolume volume, string ns)
    {
        var spec = volume.Spec;
        if (spec.AzureFile is { } azure && (azure.SecretNamespace ?? ns) == ns) yield return azure.SecretName;
        foreach (var secret in (SecretReference?[])[spec.Cephfs?.SecretRef, spec.Cinder?.SecretRef, spec.FlexVolume?.SecretRef, spec.Rbd?.SecretRef, spec.Iscsi?.SecretRef, spec.ScaleIO?.SecretRef,
            spec.Csi?.NodePublishSecretRef, spec.Csi?.NodeStageSecretRef, spec.Csi?.NodeExpandSecretRef])
            if (secret is not null && (secret.Namespace.Length == 0 || secret.Namespace == ns)) yield return secret.Name;
    }

    static IEnumerable<(Api.Seq<EnvFromSource> From, Api.Seq<EnvVar> Env)> Environments(PodSpec spec)
    {
        foreach (var c in spec.InitContainers) yield return (c.EnvFrom, c.Env);
        foreach (var c in spec.Containers) yield return (c.EnvFrom, c.Env);
        foreach (var c in spec.EphemeralContainers) yield return (c.EnvFrom, c.Env);
    }
}
