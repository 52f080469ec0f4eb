using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;

namespace Hanbae.Bench.Load;

/// <summary>A server as its kubeconfig names it, over HTTP/2.</summary>
sealed class Api : IDisposable
{
    public const string Json = "application/json", Protobuf = "application/vnd.kubernetes.protobuf", Table = "application/json;as=Table;v=v1;g=meta.k8s.io",
        MergePatch = "application/merge-patch+json", StrategicPatch = "application/strategic-merge-patch+json", ApplyPatch = "application/apply-patch+yaml";

    readonly string _server, _token;
    readonly X509Certificate2? _certificate;
    readonly HttpClient _http;

    public Api(string kubeconfig)
    {
        string text = File.ReadAllText(kubeconfig);
        // The first of each: these are files of one cluster and one user.
        string Value(string name) => Regex.Match(text, name + """:\s*"?([^\s",}]+)""").Groups[1].Value;
        (_server, _token) = (Value("server").TrimEnd('/'), Value("token"));
        if (Value("client-certificate-data") is { Length: > 0 } certificate)
        {
            string Pem(string base64) => Encoding.ASCII.GetString(Convert.FromBase64String(base64));
            using var pem = X509Certificate2.CreateFromPem(Pem(certificate), Pem(Value("client-key-data")));
            _certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        }
        _http = Client();
    }

    /// <summary>With connections of its own.</summary>
    public HttpClient Client()
    {
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, AutomaticDecompression = DecompressionMethods.None, MaxConnectionsPerServer = 64 };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        if (_certificate is not null)
        {
            handler.SslOptions.ClientCertificates = [_certificate];
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => _certificate;
        }
        var client = new HttpClient(handler) { BaseAddress = new Uri(_server), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower, Timeout = TimeSpan.FromMinutes(10) };
        if (_token.Length > 0) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        return client;
    }

    /// <param name="Text">Only of what failed, and of what was asked to be kept.</param>
    public readonly record struct Answer(int Code, long Bytes, string Text);

    public Task<Answer> GetAsync(string path, string accept = Json, bool keep = false) => SendAsync(HttpMethod.Get, path, accept: accept, keep: keep);

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string type = Json, string accept = Json, bool keep = false)
    {
        using var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        int code = (int)response.StatusCode;
        if (code >= 300 || keep)
        {
            string text = await new StreamReader(stream).ReadToEndAsync();
            return new(code, text.Length, text);
        }
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(1 << 17);
        long total = 0;
        for (int read; (read = await stream.ReadAsync(buffer)) > 0;) total += read;
        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        return new(code, total, "");
    }

    public void Dispose()
    {
        _http.Dispose();
        _certificate?.Dispose();
    }
}
