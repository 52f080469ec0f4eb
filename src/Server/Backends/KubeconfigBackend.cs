using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Server.Backends;

/// <summary>A server outside that is asked for decisions, as a kubeconfig file describes it: where it is, whom to believe there, what to show.</summary>
sealed class KubeconfigBackend : IDisposable
{
    const int MostAnswer = 1 << 20;

    readonly HttpClient _http;
    readonly Uri _url;

    /// <exception cref="FormatException">The file is no such thing.</exception>
    /// <exception cref="IOException"/>
    public KubeconfigBackend(string file, TimeSpan timeout)
    {
        JsonObject root;
        try { root = YamlReader.Read(File.ReadAllText(file)) as JsonObject ?? throw new FormatException($"{file}: not an object"); }
        catch (YamlException e) { throw new FormatException($"{file}: {e.Message}", e); }
        var context = Named(root, "contexts", "context", Text(root["current-context"]));
        var (cluster, user) = (Named(root, "clusters", "cluster", Text(context["cluster"])), Named(root, "users", "user", Text(context["user"])));
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        byte[]? Data(JsonObject from, string name) =>
            from[name + "-data"] is JsonString data ? System.Convert.FromBase64String(data.Value) : from[name] is JsonString { Value.Length: > 0 } path ? File.ReadAllBytes(Path.Combine(folder, path.Value)) : null;
        if (!Uri.TryCreate(Text(cluster["server"]), UriKind.Absolute, out var url)) throw new FormatException($"{file}: the cluster has no server");
        _url = url;
        var tls = BackendTls.Trusting(Data(cluster, "certificate-authority") is { } authority ? new(authority) : default);
        if (cluster["insecure-skip-tls-verify"] is JsonBool { Value: true }) tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        if (Text(cluster["tls-server-name"]) is { Length: > 0 } name) tls.TargetHost = name;
        if (Data(user, "client-certificate") is { } certificate && Data(user, "client-key") is { } key)
        {
            using var pem = X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key));
            // As a file with its key, which is what TLS wants everywhere.
            tls.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null)];
        }
        _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, SslOptions = tls }) { Timeout = timeout, MaxResponseContentBufferSize = MostAnswer };
        string token = Text(user["token"]) is { Length: > 0 } given ? given : Text(user["tokenFile"]) is { Length: > 0 } path ? File.ReadAllText(Path.Combine(folder, path)).Trim() : "";
        if (token.Length > 0) _http.DefaultRequestHeaders.Authorization = new("Bearer", token);
    }

    static string Text(JsonValue? value) => (value as JsonString)?.Value ?? "";

    static JsonObject Named(JsonObject root, string list, string member, string name) =>
        (root[list] as JsonArray ?? JsonArray.Empty).Items.OfType<JsonObject>().FirstOrDefault(i => Text(i["name"]) == name)?[member] as JsonObject ?? JsonObject.Empty;

    /// <exception cref="HttpRequestException">Nobody answers, or not with success.</exception>
    /// <exception cref="OperationCanceledException">Nobody answers in time.</exception>
    public async Task<byte[]> PostAsync(byte[] json, CancellationToken ct)
    {
        using var content = new ByteArrayContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var response = await _http.PostAsync(_url, content, ct).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
    }

    public void Dispose() => _http.Dispose();
}
