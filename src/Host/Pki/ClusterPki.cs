using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Host.Pki;

/// <summary>The certificates of one cluster on one machine.</summary>
/// <remarks>One authority for servers and clients, one of its own for the front proxy, as upstream's set-up tools make them.</remarks>
public sealed record ClusterPki(
    X509Certificate2 Authority, X509Certificate2 FrontProxyAuthority, X509Certificate2 ApiServer, X509Certificate2 ApiServerKubeletClient,
    X509Certificate2 FrontProxyClient, X509Certificate2 Kubelet, X509Certificate2 Admin, ECDsa ServiceAccountKey)
{
    /// <param name="addresses">Addresses under which the API server is reached, besides those of this machine.</param>
    public static ClusterPki Ensure(PkiFolder folder, string nodeName, string clusterDomain, IReadOnlyList<IPAddress> addresses)
    {
        var ca = folder.Authority("ca", "kubernetes");
        var frontProxy = folder.Authority("front-proxy-ca", "front-proxy-ca");
        var here = LocalAddresses();
        return new(
            ca,
            frontProxy,
            folder.Certificate("apiserver", ca, new("kube-apiserver")
            {
                Server = true,
                DnsNames = ["localhost", nodeName, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + clusterDomain],
                Addresses = [.. addresses.Concat(here).Distinct()],
            }),
            folder.Certificate("apiserver-kubelet-client", ca, new("kube-apiserver-kubelet-client") { Groups = ["system:masters"], Client = true }),
            // Its name is what extension-apiserver-authentication tells other servers to believe.
            folder.Certificate("front-proxy-client", frontProxy, new("front-proxy-client") { Client = true }),
            folder.Certificate("kubelet", ca, new("system:node:" + nodeName)
            {
                Groups = ["system:nodes"], Server = true, Client = true, DnsNames = [nodeName, "localhost"], Addresses = here,
            }),
            folder.Certificate("admin", ca, new("kubernetes-admin") { Groups = ["system:masters"], Client = true }),
            folder.SigningKey("sa"));
    }

    static IReadOnlyList<IPAddress> LocalAddresses() =>
        // Bridges come and go with Pods; the names on certificates must not change with them.
        [.. NetworkInterface.GetAllNetworkInterfaces().Where(i => !Directory.Exists($"/sys/class/net/{i.Name}/bridge")).SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily is AddressFamily.InterNetwork || a.AddressFamily is AddressFamily.InterNetworkV6 && a.ScopeId == 0)
            .Append(IPAddress.Loopback).Append(IPAddress.IPv6Loopback).Distinct().OrderBy(a => a.ToString(), StringComparer.Ordinal)];
}
