using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Host.Settings;
using Hanbae.Machinery.Nodes;
using Hanbae.Server;
using Hanbae.Server.Auth.Tokens;

namespace Hanbae.Host.Pki;

/// <summary>The certificates of one cluster on one machine, as they are at a time.</summary>
/// <remarks>One authority for servers and clients, one of its own for the front proxy, as upstream's set-up tools make them.</remarks>
public sealed record ClusterPki(
    Authority Authority, Authority FrontProxyAuthority, X509Certificate2 ApiServer, X509Certificate2 ApiServerKubeletClient,
    X509Certificate2 FrontProxyClient, X509Certificate2 Kubelet, X509Certificate2 Admin, ImmutableArray<TokenKey> TokenKeys)
{
    public const string Folder = "pki";
    const string CaName = "kubernetes", FrontProxyName = "front-proxy-ca";
    /// <summary>Files of the keys of service account tokens.</summary>
    public const string TokenKeyName = "sa";

    /// <summary>Those of the cluster in that data folder, made where they are missing, about to end, or for other names than these.</summary>
    public static ClusterPki Ensure(PkiFolder folder, ClusterSettings settings)
    {
        var ca = folder.Authority("ca", CaName);
        var frontProxy = folder.Authority("front-proxy-ca", FrontProxyName);
        var here = LocalAddresses();
        string node = settings.NodeName;
        IPAddress[] reached = settings.ControlPlaneOnly ? [settings.ApiClusterIp] : [settings.ApiClusterIp, settings.BridgeAddress];
        return new(
            ca,
            frontProxy,
            folder.Certificate("apiserver", ca.Signing, new("kube-apiserver")
            {
                Server = true,
                DnsNames = ["localhost", node, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + settings.ClusterDomain],
                Addresses = [.. reached.Concat(here).Distinct()],
            }),
            folder.Certificate("apiserver-kubelet-client", ca.Signing, new("kube-apiserver-kubelet-client") { Groups = ["system:masters"], Client = true }),
            // Its name is what extension-apiserver-authentication tells other servers to believe.
            folder.Certificate("front-proxy-client", frontProxy.Signing, new("front-proxy-client") { Client = true }),
            folder.Certificate("kubelet", ca.Signing, new("system:node:" + node)
            {
                Groups = ["system:nodes"], Server = true, Client = true, DnsNames = [node, "localhost"], Addresses = here,
            }),
            folder.Certificate("admin", ca.Signing, new("kubernetes-admin") { Groups = ["system:masters"], Client = true }),
            folder.TokenKeys(TokenKeyName));
    }

    /// <summary>Successors for both authorities; all other certificates follow when <see cref="Ensure"/> is asked next.</summary>
    public static void Follow(PkiFolder folder)
    {
        folder.Follow("ca", CaName);
        folder.Follow("front-proxy-ca", FrontProxyName);
    }

    /// <returns>Whether any authority is believed no more.</returns>
    public static bool Retire(PkiFolder folder) => folder.Retire("ca") | folder.Retire("front-proxy-ca");

    /// <summary>What the API server shows: with its authority as the one before vouches for it, so that who knows only that one believes it too.</summary>
    public SslStreamCertificateContext Shown => field ??= SslStreamCertificateContext.Create(ApiServer, Authority.Crossed.Count > 0 ? Authority.Crossed : [Authority.Signing], offline: true);

    public KubeletTrust KubeletTrust => field ??= new(ApiServerKubeletClient, Authority.Trusted);

    /// <summary>Tells whether anything is other than it was.</summary>
    public string Fingerprint => field ??= string.Join(' ', [.. Authority.Trusted.Concat(FrontProxyAuthority.Trusted).Select(c => c.Thumbprint),
        ApiServer.Thumbprint, ApiServerKubeletClient.Thumbprint, FrontProxyClient.Thumbprint, Kubelet.Thumbprint, Admin.Thumbprint, .. TokenKeys.Select(k => k.Id)]);

    static IReadOnlyList<IPAddress> LocalAddresses() =>
        // Bridges come and go with Pods; the names on certificates must not change with them.
        [.. LocalInterfaces.All().Where(i => LocalInterfaces.IsNoBridge(i.Interface.Name)).SelectMany(i => i.Properties.UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily is AddressFamily.InterNetwork || a.AddressFamily is AddressFamily.InterNetworkV6 && a.ScopeId == 0)
            .Append(IPAddress.Loopback).Append(IPAddress.IPv6Loopback).Distinct().OrderBy(a => a.ToString(), StringComparer.Ordinal)];
}
