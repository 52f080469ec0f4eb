using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Bootstrap;

/// <summary>ConfigMaps that say whom this cluster believes and how it is believed: for extension API servers, and for machines that want to join.</summary>
static class TrustObjects
{
    public const string Authentication = "extension-apiserver-authentication", ClusterInfo = "cluster-info";
    const string Kubeconfig = "kubeconfig";

    public static IEnumerable<ConfigMap> Of(BootstrapOptions options)
    {
        if (ForExtensions(options) is { } authentication) yield return authentication;
        if (ForJoining(options) is { } info) yield return info;
    }

    /// <summary>What machines that want to join are told is an administrator's too (kubeadm and its users write it): it is put right only when it has become other.</summary>
    public static bool IsToldTheSame(BootstrapOptions before, BootstrapOptions now) =>
        before.ServingAuthority == now.ServingAuthority && Equals(before.Advertise, now.Advertise);

    /// <summary>What is there with what must be in it; what others added stays, such as signatures.</summary>
    public static ConfigMap Merge(ConfigMap there, ConfigMap wanted)
    {
        var data = there.Data.With(wanted.Data);
        return data == there.Data ? there : there with { Data = data };
    }

    static ConfigMap? ForExtensions(BootstrapOptions options)
    {
        if (options.ClientAuthority.Length == 0) return null;
        var data = Map.Of(("client-ca-file", options.ClientAuthority));
        if (options.FrontProxyAuthority.Length > 0)
            data = data.With(Map.Of(
                ("requestheader-client-ca-file", options.FrontProxyAuthority), ("requestheader-allowed-names", "[\"front-proxy-client\"]"),
                ("requestheader-username-headers", "[\"X-Remote-User\"]"), ("requestheader-uid-headers", "[\"X-Remote-Uid\"]"),
                ("requestheader-group-headers", "[\"X-Remote-Group\"]"), ("requestheader-extra-headers-prefix", "[\"X-Remote-Extra-\"]")));
        return new() { Metadata = new() { Name = Authentication, Namespace = "kube-system" }, Data = data };
    }

    /// <summary>In the form that <c>kubeadm</c> gives it; the bootstrap signer signs it with each token for joining.</summary>
    static ConfigMap? ForJoining(BootstrapOptions options)
    {
        if (options.ServingAuthority.Length == 0 || options.Advertise is not { } at) return null;
        string config = $"""
            apiVersion: v1
            clusters:
            - cluster:
                certificate-authority-data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(options.ServingAuthority))}
                server: https://{at}
              name: ""
            contexts: null
            current-context: ""
            kind: Config
            users: null

            """;
        return new() { Metadata = new() { Name = ClusterInfo, Namespace = "kube-public" }, Data = Map.Of((Kubeconfig, config)) };
    }
}
