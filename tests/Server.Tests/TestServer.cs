using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Front;
using Hanbae.Store.Memory;

namespace Hanbae.Server.Tests;

/// <summary>An API server over a memory store, reached over HTTPS and in process; everything is allowed unless said otherwise.</summary>
public sealed class TestServer : IAsyncDisposable
{
    static readonly X509Certificate2 s_certificate = SelfSigned();
    readonly HttpFront _front;

    TestServer(ApiServer server, MemoryStore store, HttpFront front, HttpClient http) => (Server, Store, _front, Http) = (server, store, front, http);

    public ApiServer Server { get; }
    public MemoryStore Store { get; }
    public HttpClient Http { get; }
    public Uri Address => _front.Addresses[0];

    public static async Task<TestServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null, MemoryOptions? store = null, Func<HttpFrontOptions, HttpFrontOptions>? front = null)
    {
        var options = new ServerOptions { Authorizers = [new AlwaysAllow()] };
        var memory = new MemoryStore(store ?? new());
        var server = new ApiServer(memory, change?.Invoke(options) ?? options);
        var listens = new HttpFrontOptions { Endpoints = [new(IPAddress.Loopback, 0)], Certificate = s_certificate };
        var listening = await HttpFront.StartAsync(server, front?.Invoke(listens) ?? listens, CancellationToken.None);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        var http = new HttpClient(handler) { BaseAddress = listening.Addresses[0], DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        return new(server, memory, listening, http);
    }

    static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>An answer over HTTP.</summary>
    public sealed record Answer(int Code, string Body, HttpResponseHeaders Headers, string ContentType)
    {
        public JsonObject Json => (JsonObject)JsonValue.Parse(Body);
        public string Message => Text("message");
        public string Text(params string[] path)
        {
            JsonValue? value = Json;
            foreach (string name in path) value = value is JsonArray list ? list[int.Parse(name)] : (value as JsonObject)?[name];
            return value is JsonString text ? text.Value : value?.ToString() ?? "";
        }
    }

    public async Task<Answer> SendAsync(string method, string path, string? body = null, string type = "application/json", string accept = "application/json", params (string, string)[] headers)
    {
        using var request = new HttpRequestMessage(new(method), path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        }
        using var response = await Http.SendAsync(request);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers.ContentType?.ToString() ?? "");
    }

    public Task<Answer> GetAsync(string path, string accept = "application/json") => SendAsync("GET", path, accept: accept);
    public Task<Answer> PostAsync(string path, string body) => SendAsync("POST", path, body);

    /// <summary>In process, by reference.</summary>
    public async Task<ApiResult> CallAsync(string method, string path, IKind? body = null, params (string, string)[] query) =>
        await Server.Transport.SendAsync(new() { Method = method, Path = path, Object = body, Query = [.. query.Select(q => KeyValuePair.Create(q.Item1, q.Item2))], Identity = new("tester", []) }, CancellationToken.None);

    public async Task<T> CreateAsync<T>(T obj) where T : class, IObject<T>
    {
        var result = await CallAsync("POST", Resources.Of<T>().Path(obj.Metadata.Namespace), obj);
        return result.Object as T ?? throw new InvalidOperationException(((Status)result.Object!).Message);
    }

    public IAsyncEnumerable<ApiEvent> WatchAsync(string path, CancellationToken ct, params (string, string)[] query) =>
        Server.Transport.WatchAsync(new() { Method = "GET", Path = path, Query = [new("watch", "1"), .. query.Select(q => KeyValuePair.Create(q.Item1, q.Item2))], Identity = new("tester", []) }, ct);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _front.DisposeAsync();
        await Server.DisposeAsync();
        await Store.DisposeAsync();
    }
}
