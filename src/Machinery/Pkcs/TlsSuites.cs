using System.Net.Security;
using System.Security.Authentication;

namespace Hanbae.Machinery.Pkcs;

/// <summary>How every TLS server of the cluster speaks: TLS 1.2 and 1.3, with forward secrecy and authenticated encryption only (CIS 1.2.29, 4.2.12).</summary>
public static class TlsSuites
{
    /// <summary>All that is taken; in TLS 1.2 what has no CBC, in the benchmark's words.</summary>
    static readonly TlsCipherSuite[] s_strong =
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];

    /// <summary>Only where the system lets a program choose: elsewhere the system's own choice stands.</summary>
    static readonly CipherSuitesPolicy? s_policy = OperatingSystem.IsLinux() ? new(s_strong) : null;

    public static void Harden(SslServerAuthenticationOptions tls)
    {
        tls.EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
        tls.CipherSuitesPolicy = s_policy;
    }
}
