using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hanbae.Client.Tests.Transport;

/// <summary>A real HTTPS server with an authority of its own, which says what a test tells it to.</summary>
sealed class TlsServer : IAsyncDisposable
{
    readonly WebApplication _app;

    TlsServer(WebApplication app, Authority authority)
    {
        (_app, Authority) = (app, authority);
        Address = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public Authority Authority { get; }
    public Uri Address { get; }
    public ClusterConfig Config => new() { Server = Address, CertificateAuthority = new(null, Authority.Pem) };

    public static async Task<TlsServer> StartAsync(RequestDelegate answer, string name = "localhost")
    {
        var authority = new Authority();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var certificate = authority.Issue(name, IPAddress.Loopback);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l =>
        {
            l.Protocols = HttpProtocols.Http1AndHttp2;
            l.UseHttps(certificate, h =>
            {
                h.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                h.AllowAnyClientCertificate();
            });
        }));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return new(app, authority);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(true));
        await _app.DisposeAsync();
    }
}

/// <summary>Issues certificates for one test.</summary>
sealed class Authority
{
    readonly X509Certificate2 _root;

    public Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test-ca", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(1));
    }

    public byte[] Pem => System.Text.Encoding.ASCII.GetBytes(_root.ExportCertificatePem());

    public X509Certificate2 Issue(string name, IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (address is not null && name == "localhost") names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_root, _root.NotBefore, _root.NotAfter, RandomNumberGenerator.GetBytes(8));
        using var whole = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pfx), null);
    }

    public (byte[] Certificate, byte[] Key) IssuePem(string name)
    {
        using var certificate = X509CertificateLoader.LoadPkcs12(Issue(name).Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
        return (System.Text.Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()),
            System.Text.Encoding.ASCII.GetBytes(certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()));
    }
}
