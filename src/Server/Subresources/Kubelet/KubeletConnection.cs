using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>Reaches kubelets over TLS, as the identity that they know the API server by.</summary>
sealed class KubeletConnection(ServerOptions options)
{
    const int DefaultPort = 10250;
    static readonly string[] s_preferred = ["InternalIP", "Hostname", "InternalDNS", "ExternalDNS", "ExternalIP"];

    readonly Lock _gate = new();
    readonly KubeletTrust _fixed = new(options.KubeletClientCertificate, options.KubeletAuthorities);
    (KubeletTrust Of, HttpMessageInvoker Checked, HttpMessageInvoker Unchecked)? _http;

    KubeletTrust Trust => options.CurrentKubeletTrust?.Invoke() ?? _fixed;

    /// <summary>For answers that are read while they grow. Certificates that rotate make another one; who reads from the one before reads on.</summary>
    /// <param name="check">Whether it has to be a kubelet that the authorities vouch for: who reads a log may do without.</param>
    public HttpMessageInvoker Http(bool check = true)
    {
        var trust = Trust;
        lock (_gate)
        {
            if (_http is not { } made || !ReferenceEquals(made.Of, trust)) _http = made = (trust, New(trust), New(trust with { Authorities = [] }));
            return check ? made.Checked : made.Unchecked;
        }

        static HttpMessageInvoker New(KubeletTrust trust) =>
            new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, SslOptions = Tls(trust, null), ConnectTimeout = TimeSpan.FromSeconds(10) });
    }

    /// <summary>For Pods and Services: plain, or TLS whose certificate nobody can judge, as upstream's proxy does.</summary>
    public HttpMessageInvoker Plain { get; } = new(new SocketsHttpHandler
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(10),
        SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    });

    public static (string Host, int Port) AddressOf(Node node)
    {
        int port = node.Status.DaemonEndpoints.KubeletEndpoint.Port is > 0 and var p ? p : DefaultPort;
        foreach (string type in s_preferred)
            if (node.Status.Addresses.Find(a => a.Type == type) is { } address) return (address.Address, port);
        throw Statuses.Unknown($"no preferred addresses found; known addresses: [{string.Join(" ", node.Status.Addresses.Select(a => $"{{{a.Type} {a.Address}}}"))}]");
    }

    public static string Authority(string host, int port) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";

    /// <summary>A connection of its own, for an upgrade.</summary>
    public async ValueTask<Stream> DialAsync(string host, int port, bool kubelet, bool tls, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, ct).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (!tls) return stream;
            var secure = new SslStream(stream);
            await secure.AuthenticateAsClientAsync(kubelet ? Tls(Trust, host) : new() { TargetHost = host, RemoteCertificateValidationCallback = (_, _, _, _) => true }, ct).ConfigureAwait(false);
            return secure;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static SslClientAuthenticationOptions Tls(KubeletTrust trust, string? host)
    {
        var tls = new SslClientAuthenticationOptions { TargetHost = host };
        if (trust.ClientCertificate is { } certificate)
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true);
        if (trust.Authorities.Count > 0)
        {
            tls.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(trust.Authorities);
        }
        else tls.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        return tls;
    }
}
