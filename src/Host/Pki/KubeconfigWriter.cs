using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Host.Pki;

/// <summary>Writes the administrator's kubeconfig: whole or not at all, readable by its owner only.</summary>
static class KubeconfigWriter
{
    public static async Task WriteAsync(string file, int port, ClusterPki pki, CancellationToken ct)
    {
        using var key = pki.Admin.GetECDsaPrivateKey()!;
        string text = $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: hanbae
              cluster:
                server: https://127.0.0.1:{port}
                certificate-authority-data: {Base64(pki.Authority.TrustedPem.TrimEnd())}
            users:
            - name: hanbae-admin
              user:
                client-certificate-data: {Base64(pki.Admin.ExportCertificatePem())}
                client-key-data: {Base64(key.ExportPkcs8PrivateKeyPem())}
            contexts:
            - name: hanbae
              context: {"{cluster: hanbae, user: hanbae-admin}"}
            current-context: hanbae

            """;
        string partial = file + ".partial";
        File.Delete(partial);
        await using (var stream = new FileStream(partial, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        await using (var writer = new StreamWriter(stream)) await writer.WriteAsync(text.AsMemory(), ct);
        File.Move(partial, file, overwrite: true);
    }

    static string Base64(string pem) => Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(pem + "\n"));
}
