using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Somebody else's server over HTTPS with a certificate of its own: issuers and webhooks are made of it.</summary>
public sealed class HttpsServer : IAsyncDisposable
{
    readonly WebApplication _app;

    HttpsServer(WebApplication app, string authority) => (_app, Authority) = (app, authority);

    /// <summary>PEM of whom to believe.</summary>
    public string Authority { get; }
    /// <summary>The same as clientConfig and the like have it.</summary>
    public string Bundle => Convert.ToBase64String(Encoding.ASCII.GetBytes(Authority));
    public Uri Address => new($"https://localhost:{new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port}");

    /// <param name="answer">An object, or null for 404.</param>
    public static Task<HttpsServer> StartAsync(Func<HttpContext, byte[], JsonObject?> answer) => StartAsync(async http =>
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        if (answer(http, body.ToArray()) is not { } reply)
        {
            http.Response.StatusCode = 404;
            return;
        }
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(reply.ToUtf8());
    });

    /// <param name="names">Names that its certificate has besides localhost.</param>
    public static async Task<HttpsServer> StartAsync(RequestDelegate answer, params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var known = new SubjectAlternativeNameBuilder();
        foreach (string name in (string[])["localhost", .. names]) known.AddDnsName(name);
        request.CertificateExtensions.Add(known.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
        var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Any, 0, l => l.UseHttps(certificate)));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return new(app, made.ExportCertificatePem());
    }

    /// <summary>A kubeconfig that leads to a path.</summary>
    public string Kubeconfig(string path, string user = "{}") => $$"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: hook
          cluster: {server: "{{Address}}{{path.TrimStart('/')}}", certificate-authority-data: {{Bundle}}}
        users:
        - name: me
          user: {{user}}
        contexts:
        - name: hook
          context: {cluster: hook, user: me}
        current-context: hook
        """;

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
