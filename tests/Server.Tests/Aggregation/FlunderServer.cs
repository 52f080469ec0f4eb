using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Hanbae.Server.Tests.Aggregation;

/// <summary>A small extension API server over HTTPS, with one resource in memory: flunders of wardle.example.com. It believes the front proxy's certificate, and nobody else.</summary>
sealed class FlunderServer : IAsyncDisposable
{
    public const string Group = "wardle.example.com", Version = "v1alpha1", Base = $"/apis/{Group}/{Version}";
    readonly WebApplication _app;
    readonly SortedDictionary<string, JsonObject> _flunders = new(StringComparer.Ordinal);
    int _revision = 1;

    FlunderServer(WebApplication app, Certificates certificates) => (_app, Pki) = (app, certificates);

    /// <summary>An authority for the server, one for the front proxy, and what they signed.</summary>
    public sealed class Certificates
    {
        public Certificates(string dnsName)
        {
            (ServerAuthority, ProxyAuthority) = (Authority("wardle-ca"), Authority("front-proxy-ca"));
            Server = Issue(ServerAuthority, "wardle", dnsName);
            Proxy = Issue(ProxyAuthority, "front-proxy-client", null);
        }

        public X509Certificate2 ServerAuthority { get; }
        public X509Certificate2 ProxyAuthority { get; }
        public X509Certificate2 Server { get; }
        public X509Certificate2 Proxy { get; }

        static X509Certificate2 Authority(string name)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
            return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
        }

        static X509Certificate2 Issue(X509Certificate2 authority, string name, string? dnsName)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
            if (dnsName is not null)
            {
                var names = new SubjectAlternativeNameBuilder();
                names.AddDnsName(dnsName);
                request.CertificateExtensions.Add(names.Build());
            }
            using var signed = request.Create(authority, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(8), RandomNumberGenerator.GetBytes(8));
            using var whole = signed.CopyWithPrivateKey(key);
            return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
        }
    }

    public Certificates Pki { get; }
    public int Port { get; private set; }
    /// <summary>Heads of the requests to the resource, with the headers that came.</summary>
    public ConcurrentQueue<(string Target, Dictionary<string, string> Headers)> Seen { get; } = new();
    /// <summary>What the discovery document is answered with; 200 serves it.</summary>
    public int DiscoveryCode { get; set; } = 200;
    public TaskCompletionSource WatchMayEnd { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<FlunderServer> StartAsync(string dnsName = "api.wardle.svc")
    {
        var certificates = new Certificates(dnsName);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(k =>
        {
            k.Limits.MaxRequestHeaderCount = 1000;
            k.Limits.MaxRequestHeadersTotalSize = 256 << 10;
            k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(h =>
        {
            h.ServerCertificate = certificates.Server;
            h.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            h.ClientCertificateValidation = (theirs, _, _) => IsProxy(theirs, certificates.ProxyAuthority);
            }));
        });
        var server = new FlunderServer(builder.Build(), certificates);
        server._app.Run(server.ServeAsync);
        await server._app.StartAsync();
        server.Port = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        return server;
    }

    static bool IsProxy(X509Certificate2 certificate, X509Certificate2 authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate) && certificate.Subject == "CN=front-proxy-client";
    }

    async Task ServeAsync(HttpContext http)
    {
        string path = http.Request.Path.Value!;
        switch (path)
        {
            case Base: await AnswerAsync(http, DiscoveryCode, Discovery); return;
            case "/openapi/v3" + Base: await AnswerAsync(http, 200, OpenApiV3); return;
            case "/openapi/v2": await AnswerAsync(http, 200, OpenApiV2); return;
        }
        if (!path.StartsWith(Base + "/", StringComparison.Ordinal))
        {
            await AnswerAsync(http, 404, "{}");
            return;
        }
        Seen.Enqueue((http.Request.Method + " " + http.Features.Get<IHttpRequestFeature>()!.RawTarget, http.Request.Headers.ToDictionary(h => h.Key, h => string.Join('|', h.Value.ToArray()), StringComparer.OrdinalIgnoreCase)));
        await FlundersAsync(http, path[(Base.Length + 1)..].Split('/'));
    }

    Task FlundersAsync(HttpContext http, string[] parts) => (http.Request.Method, parts) switch
    {
        ("GET", [.., "flunders"]) when http.Request.Query.ContainsKey("watch") => WatchAsync(http),
        ("GET", ["flunders"]) => ListAsync(http, ""),
        ("GET", ["namespaces", var ns, "flunders"]) => ListAsync(http, ns + "/"),
        ("POST", ["namespaces", var ns, "flunders"]) => CreateAsync(http, ns),
        ("GET", ["namespaces", var ns, "flunders", var name]) => OneAsync(http, ns + "/" + name, remove: false),
        ("DELETE", ["namespaces", var ns, "flunders", var name]) => OneAsync(http, ns + "/" + name, remove: true),
        ("GET", ["namespaces", _, "flunders", _, "echo"]) => EchoAsync(http),
        _ => AnswerAsync(http, 405, """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"MethodNotAllowed","message":"no","code":405}"""),
    };

    async Task ListAsync(HttpContext http, string prefix)
    {
        string items;
        lock (_flunders) items = string.Join(",", _flunders.Where(f => f.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(f => f.Value));
        await AnswerAsync(http, 200, $$$"""{"kind":"FlunderList","apiVersion":"{{{Group}}}/{{{Version}}}","metadata":{"resourceVersion":"{{{_revision}}}"},"items":[{{{items}}}]}""");
    }

    async Task CreateAsync(HttpContext http, string ns)
    {
        using var reader = new StreamReader(http.Request.Body);
        var sent = (JsonObject)JsonValue.Parse(await reader.ReadToEndAsync());
        string name = ((JsonString)((JsonObject)sent["metadata"]!)["name"]!).Value;
        var metadata = ((JsonObject)sent["metadata"]!).With("namespace", ns).With("uid", Guid.NewGuid().ToString()).With("resourceVersion", Interlocked.Increment(ref _revision).ToString())
            .With("creationTimestamp", "2030-01-01T00:00:00Z");
        var made = sent.With("metadata", metadata);
        lock (_flunders) _flunders[ns + "/" + name] = made;
        await AnswerAsync(http, 201, made.ToString());
    }

    async Task OneAsync(HttpContext http, string key, bool remove)
    {
        JsonObject? found;
        lock (_flunders)
        {
            _flunders.TryGetValue(key, out found);
            if (remove) _flunders.Remove(key);
        }
        if (found is null) await AnswerAsync(http, 404, $$"""{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"flunders.{{Group}} \"{{key.Split('/')[1]}}\" not found","code":404}""");
        else await AnswerAsync(http, 200, found.ToString());
    }

    async Task WatchAsync(HttpContext http)
    {
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync("""{"type":"ADDED","object":{}}""" + "\n");
        await http.Response.Body.FlushAsync();
        await WatchMayEnd.Task.WaitAsync(http.RequestAborted);
        await http.Response.WriteAsync("""{"type":"DELETED","object":{}}""" + "\n");
    }

    static async Task EchoAsync(HttpContext http)
    {
        await using var stream = await http.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
        await stream.CopyToAsync(stream, http.RequestAborted);
    }

    static async Task AnswerAsync(HttpContext http, int code, string json)
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(json));
    }

    const string Discovery = $$"""
        {"kind":"APIResourceList","apiVersion":"v1","groupVersion":"{{Group}}/{{Version}}","resources":[
        {"name":"flunders","singularName":"flunder","namespaced":true,"kind":"Flunder","verbs":["create","delete","get","list","watch"],"shortNames":["flu"]}]}
        """;

    const string Kind = $$"""[{"group":"{{Group}}","version":"{{Version}}","kind":"Flunder"}]""";
    const string OneKind = $$"""{"group":"{{Group}}","version":"{{Version}}","kind":"Flunder"}""";

    static readonly string OpenApiV3 = """
        {"openapi":"3.0.0","info":{"title":"wardle","version":"1"},"paths":{"BASE/namespaces/{namespace}/flunders":{"post":{"operationId":"createFlunder",
        "parameters":[{"name":"fieldValidation","in":"query","schema":{"type":"string"}}],"responses":{"200":{"description":"OK"}},"x-kubernetes-action":"post","x-kubernetes-group-version-kind":ONEKIND}}},
        "components":{"schemas":{"com.example.wardle.v1alpha1.Flunder":{"description":"A flunder floats.","type":"object","x-kubernetes-group-version-kind":KINDS,
        "properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":{"type":"object"},
        "spec":{"type":"object","properties":{"reference":{"type":"string","description":"What it floats by."}}}}}}}}
        """.Replace("BASE", Base).Replace("ONEKIND", OneKind).Replace("KINDS", Kind);

    static readonly string OpenApiV2 = """
        {"swagger":"2.0","info":{"title":"wardle","version":"1"},"paths":{"BASE/namespaces/{namespace}/flunders":{"post":{"operationId":"createFlunder","parameters":[{"name":"body","in":"body","schema":{"$ref":"#/definitions/com.example.wardle.v1alpha1.Flunder"}}],
        "responses":{"200":{"description":"OK"}}}},"/healthz":{"get":{"responses":{"200":{"description":"OK"}}}}},
        "definitions":{"com.example.wardle.v1alpha1.Flunder":{"type":"object","x-kubernetes-group-version-kind":KINDS,"properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},
        "metadata":{"$ref":"#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},"spec":{"type":"object","properties":{"reference":{"type":"string"}}}}},
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta":{"type":"object","properties":{"name":{"type":"string"}}},"io.k8s.unused":{"type":"object"}}}
        """.Replace("BASE", Base).Replace("ONEKIND", OneKind).Replace("KINDS", Kind);

    public async ValueTask DisposeAsync()
    {
        WatchMayEnd.TrySetResult();
        await _app.StopAsync(new CancellationToken(true));
        await _app.DisposeAsync();
    }
}
