using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>A service account that holds its Pods to the Secrets it names itself.</summary>
static class MountableSecrets
{
    /// <summary>Says so on the account; upstream has given it up since v1.32, and still goes by it.</summary>
    public const string Annotation = "kubernetes.io/enforce-mountable-secrets";

    /// <summary>As Go reads a truth.</summary>
    public static bool AreEnforced(ServiceAccount account) =>
        account.Metadata.Annotations[Annotation] is "1" or "t" or "T" or "true" or "TRUE" or "True";

    /// <returns>What the Pod may not have, in upstream's words; null when it has no such thing.</returns>
    public static string? Trouble(ServiceAccount account, Pod pod)
    {
        var named = Named(account);
        string not = $"is not allowed because service account {account.Metadata.Name} does not reference that";
        foreach (var volume in pod.Spec.Volumes)
            if (volume.Secret is { } secret && !named.Contains(secret.SecretName))
                return $"volume with secret.secretName=\"{secret.SecretName}\" {not} secret";
        foreach (var c in pod.Spec.InitContainers)
            if (Of("init container", c.Name, c.Env, c.EnvFrom, named) is { } what) return $"{what} {not} secret";
        foreach (var c in pod.Spec.Containers)
            if (Of("container", c.Name, c.Env, c.EnvFrom, named) is { } what) return $"{what} {not} secret";
        for (int i = 0; i < pod.Spec.ImagePullSecrets.Count; i++)
            if (pod.Spec.ImagePullSecrets[i].Name is var pull && !account.ImagePullSecrets.Exists(s => s.Name == pull))
                return $"imagePullSecrets[{i}].name=\"{pull}\" {not} imagePullSecret";
        return null;
    }

    /// <summary>Of the containers that come into a Pod when it is there already.</summary>
    public static string? TroubleOfEphemeral(ServiceAccount account, Pod pod)
    {
        var named = Named(account);
        foreach (var c in pod.Spec.EphemeralContainers)
            if (Of("ephemeral container", c.Name, c.Env, c.EnvFrom, named) is { } what)
                return $"{what} is not allowed because service account {account.Metadata.Name} does not reference that secret";
        return null;
    }

    static HashSet<string> Named(ServiceAccount account) => [.. account.Secrets.Select(s => s.Name)];

    static string? Of(string kind, string name, Seq<EnvVar> env, Seq<EnvFromSource> from, HashSet<string> named)
    {
        foreach (var variable in env)
            if (variable.ValueFrom?.SecretKeyRef is { } key && !named.Contains(key.Name))
                return $"{kind} {name} with envVar {variable.Name} referencing secret.secretName=\"{key.Name}\"";
        foreach (var source in from)
            if (source.SecretRef is { } all && !named.Contains(all.Name))
                return $"{kind} {name} with envFrom referencing secret.secretName=\"{all.Name}\"";
        return null;
    }
}
