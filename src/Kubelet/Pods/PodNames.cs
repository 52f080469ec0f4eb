using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>What a Pod is called inside: hostname and domain.</summary>
static class PodNames
{
    const int MaxLabel = 63, MaxHostname = 64;

    /// <param name="Domain">Empty without a subdomain.</param>
    public readonly record struct Names(string Hostname, string Domain)
    {
        public string Fqdn => Domain.Length > 0 ? Hostname + "." + Domain : Hostname;
    }

    public static Names Of(Pod pod, string clusterDomain)
    {
        if (pod.Spec.HostnameOverride is { Length: > 0 } given) return new(given, ""); // KEP-4762
        string name = pod.Spec.Hostname.Length > 0 ? pod.Spec.Hostname : pod.Metadata.Name;
        if (name.Length > MaxLabel) name = name[..MaxLabel].TrimEnd('-', '.');
        return new(name, pod.Spec.Subdomain.Length > 0 ? $"{pod.Spec.Subdomain}.{pod.Metadata.Namespace}.svc.{clusterDomain}" : "");
    }

    /// <summary>What the kernel is told; with the host's network it is the host's.</summary>
    /// <exception cref="ContainerConfigException">A full name was asked for and is too long for the kernel.</exception>
    public static string Kernel(Pod pod, string clusterDomain)
    {
        if (pod.Spec.HostNetwork) return "";
        var names = Of(pod, clusterDomain);
        if (pod.Spec.SetHostnameAsFQDN != true) return names.Hostname;
        return names.Fqdn.Length <= MaxHostname ? names.Fqdn
            : throw new ContainerConfigException($"failed to construct FQDN from pod hostname and cluster domain, FQDN {names.Fqdn} is too long "
                + $"({MaxHostname} characters is the max, {names.Fqdn.Length} characters requested)");
    }
}
