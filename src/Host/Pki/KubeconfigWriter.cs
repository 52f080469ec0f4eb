using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Client;

namespace Hanbae.Host.Pki;

/// <summary>Writes the administrator's kubeconfig.</summary>
static class KubeconfigWriter
{
    public static async Task WriteAsync(string file, int port, ClusterPki pki, CancellationToken ct)
    {
        using var key = pki.Admin.GetECDsaPrivateKey()!;
        var config = new ClusterConfig
        {
            Server = new($"https://127.0.0.1:{port}"), CertificateAuthority = Pem(pki.Authority.TrustedPem),
            ClientCertificate = Pem(pki.Admin.ExportCertificatePem() + "\n"), ClientKey = Pem(key.ExportPkcs8PrivateKeyPem() + "\n"),
        };
        await new KubeconfigFile("hanbae", "hanbae-admin", config).WriteAsync(file, ct);
    }

    static FileOrData Pem(string text) => new(null, Encoding.ASCII.GetBytes(text));
}
