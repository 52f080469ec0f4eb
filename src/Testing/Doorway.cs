using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Client;
using Hanbae.Server;
using Hanbae.Server.Front;

namespace Hanbae.Testing;

/// <summary>A test cluster's HTTPS port on this machine, and the kubeconfig that lets an administrator in; both go with the cluster.</summary>
public sealed class Doorway : IAsyncDisposable
{
    readonly HttpFront _front;
    readonly X509Certificate2 _certificate;

    Doorway(HttpFront front, X509Certificate2 certificate, ClusterConfig config, string kubeconfig) =>
        (_front, _certificate, Config, Kubeconfig) = (front, certificate, config, kubeconfig);

    /// <summary>The port, with <c>https</c> before it.</summary>
    public Uri Address => _front.Addresses[0];
    /// <summary>The way in for this library's own clients.</summary>
    public ClusterConfig Config { get; }
    /// <summary>A file that says the same: what <c>KUBECONFIG</c> may be set to; readable by its owner only.</summary>
    public string Kubeconfig { get; }

    internal static async Task<Doorway> OpenAsync(ApiServer server, string token, CancellationToken ct)
    {
        var certificate = SelfSigned();
        var front = await HttpFront.StartAsync(server, new() { Endpoints = [new(IPAddress.Loopback, 0)], Certificate = certificate, Grace = TimeSpan.FromSeconds(1) }, ct);
        var kubeconfig = new KubeconfigFile("test", "admin", new()
        {
            Server = new($"https://127.0.0.1:{front.Addresses[0].Port}"), Token = token,
            CertificateAuthority = new(null, System.Text.Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n")),
        });
        string file = Path.Combine(Path.GetTempPath(), $"hanbae-test-{Guid.NewGuid():N}.kubeconfig");
        await kubeconfig.WriteAsync(file, ct);
        return new(front, certificate, kubeconfig.Config, file);
    }

    /// <summary>For a day: tests are shorter.</summary>
    static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=hanbae-test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Closes the port and removes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        File.Delete(Kubeconfig);
        await _front.DisposeAsync();
        _certificate.Dispose();
    }
}
