using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hanbae.Scheduler.Tests.Extenders;

/// <summary>An extender in the test's process, which says what the test tells it to.</summary>
sealed class LittleExtender : IAsyncDisposable
{
    readonly WebApplication _app;

    LittleExtender(WebApplication app, string authority) =>
        (_app, Authority, Url) = (app, authority, app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First().Replace("127.0.0.1", "localhost", StringComparison.Ordinal));

    /// <summary>PEM of whom to believe.</summary>
    public string Authority { get; }
    public string Url { get; }
    /// <summary>What it was asked, by verb.</summary>
    public ConcurrentQueue<(string Verb, JsonObject Body)> Asked { get; } = new();
    /// <summary>Its answer; null is a failure.</summary>
    public Func<string, JsonObject, JsonValue?> Says { get; set; } = static (_, _) => null;
    /// <summary>It takes questions and does not answer.</summary>
    public bool Silent { get; set; }

    public static async Task<LittleExtender> StartAsync(bool https = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
        var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        if (https) builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => { if (https) l.UseHttps(certificate); }));
        var app = builder.Build();
        LittleExtender? self = null;
        app.Run(http => self!.AnswerAsync(http));
        await app.StartAsync();
        return self = new(app, made.ExportCertificatePem());
    }

    async Task AnswerAsync(HttpContext http)
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        string verb = http.Request.Path.Value!.TrimStart('/');
        var asked = (JsonObject)JsonValue.Parse(body.ToArray());
        Asked.Enqueue((verb, asked));
        if (Silent)
        {
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return;
        }
        if (Says(verb, asked) is not { } answer) { http.Response.StatusCode = 500; return; }
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(answer.ToUtf8());
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(true));
        await _app.DisposeAsync();
    }
}
