using System.Collections.Concurrent;
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

namespace Hanbae.Server.Tests.Admission;

/// <summary>A webhook over HTTPS, as clients run them: what it answers stands by path.</summary>
public sealed class HookServer : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly string _certificate;
    readonly ConcurrentDictionary<string, Func<JsonObject, JsonObject>> _answers = new();

    HookServer(WebApplication app, string certificate) => (_app, _certificate) = (app, certificate);

    /// <summary>Every AdmissionReview's request that came in, by path.</summary>
    public ConcurrentQueue<(string Path, JsonObject Request)> Seen { get; } = new();

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    public static JsonObject Allow { get; } = JsonObject.Of(("allowed", true));

    public static JsonObject Deny(string message, string reason = "", int code = 0) => JsonObject.Of(("allowed", false), ("status", JsonObject.Of(("message", message), ("reason", reason), ("code", code))));

    public static JsonObject Patch(string operations) =>
        JsonObject.Of(("allowed", true), ("patchType", "JSONPatch"), ("patch", Convert.ToBase64String(Encoding.UTF8.GetBytes(operations))));

    public static JsonValue? At(JsonValue? value, params string[] path)
    {
        foreach (string name in path) value = (value as JsonObject)?[name];
        return value;
    }

    public static string Text(JsonValue? value, params string[] path) => At(value, path) is JsonString s ? s.Value : "";

    /// <summary>Answers reviews at a path.</summary>
    public HookServer On(string path, Func<JsonObject, JsonObject> answer)
    {
        _answers[path] = answer;
        return this;
    }

    /// <summary>The clientConfig that leads to a path.</summary>
    public string Client(string path) => $$"""{"url":"https://localhost:{{Port}}{{path}}","caBundle":"{{Bundle}}"}""";

    public string Bundle => Convert.ToBase64String(Encoding.ASCII.GetBytes(_certificate));

    public static async Task<HookServer> StartAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("hook.default.svc");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
        var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.UseHttps(certificate)));
        var app = builder.Build();
        var server = new HookServer(app, made.ExportCertificatePem());
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    async Task AnswerAsync(HttpContext http)
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var review = (JsonObject)JsonValue.Parse(body.ToArray());
        var request = (JsonObject)review["request"]!;
        Seen.Enqueue((http.Request.Path.Value!, request));
        // Nobody answers there until the caller gives up.
        if (http.Request.Path == "/hang")
        {
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }
        if (!_answers.TryGetValue(http.Request.Path.Value!, out var answer))
        {
            http.Response.StatusCode = 404;
            return;
        }
        var response = answer(request);
        if (response["uid"] is null) response = response.With("uid", request["uid"]!);
        await http.Response.Body.WriteAsync(JsonObject.Of(("apiVersion", review["apiVersion"]!), ("kind", "AdmissionReview"), ("response", response)).ToUtf8());
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
