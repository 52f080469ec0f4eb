using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Hanbae.EndToEnd.Rig;

/// <summary>The API as bytes, with the administrator's certificate: for what no kubectl would send.</summary>
public sealed class RawApi : IDisposable
{
    readonly HttpClient _client;

    RawApi(HttpClient client) => _client = client;

    public static async Task<RawApi> OfAsync(RealCluster cluster) => Of(JsonDocument.Parse(await cluster.KubectlAsync("config", "view", "--raw", "-o", "json")).RootElement);

    /// <param name="config">A kubeconfig.</param>
    /// <param name="at">Where the server is to be found, when that is not where the file says.</param>
    public static RawApi Of(JsonElement config, string? at = null)
    {
        var (server, user) = (config.GetProperty("clusters")[0].GetProperty("cluster"), config.GetProperty("users")[0].GetProperty("user"));
        using var pem = X509Certificate2.CreateFromPem(Pem(user, "client-certificate"), Pem(user, "client-key"));
        var trusted = X509Certificate2.CreateFromPem(Pem(server, "certificate-authority"));
        // What the server answers is what is looked at: a redirect, too.
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        // Keys that exist only in memory are not accepted by every TLS stack: through PKCS#12 they are.
        handler.SslOptions.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null)];
        handler.SslOptions.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { trusted }, RevocationMode = X509RevocationMode.NoCheck };
        return new(new(handler) { BaseAddress = new(at ?? server.GetProperty("server").GetString()!), Timeout = TimeSpan.FromSeconds(60) });
    }

    static string Pem(JsonElement of, string name) =>
        of.TryGetProperty(name + "-data", out var data) ? Encoding.UTF8.GetString(data.GetBytesFromBase64()) : File.ReadAllText(of.GetProperty(name).GetString()!);

    /// <summary>What came back, whatever it is.</summary>
    public sealed record Reply(int Code, string Body, HttpResponseHeaders Headers, string ContentType)
    {
        public string Location => Headers.Location?.OriginalString ?? "";
    }

    public async Task<Reply> AskAsync(HttpMethod method, string path, string? body = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        }
        using var response = await _client.SendAsync(request);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers.ContentType?.ToString() ?? "");
    }

    public async Task<(int Code, JsonElement Body)> SendAsync(HttpMethod method, string path, string? body = null, string type = "application/json")
    {
        var reply = await AskAsync(method, path, body, type);
        try { return (reply.Code, JsonDocument.Parse(reply.Body).RootElement); }
        catch (JsonException) { throw new Xunit.Sdk.XunitException($"{reply.Code}, but no JSON: {reply.Body}"); }
    }

    /// <summary>The lines of an answer that goes on, such as a watch's.</summary>
    public async Task<Stream> OpenAsync(string path, CancellationToken ct)
    {
        var response = await _client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, ct);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode}");
        return await response.Content.ReadAsStreamAsync(ct);
    }

    /// <summary>Sends what has to be refused, and checks that the answer is a Status as upstream gives it.</summary>
    public async Task RefusedAsync(int code, string reason, string message, HttpMethod method, string path, string? body = null, string type = "application/json")
    {
        var (seen, status) = await SendAsync(method, path, body, type);
        Assert.Equal((code, reason, "Status", "Failure", code), (seen, Text(status, "reason"), Text(status, "kind"), Text(status, "status"), status.GetProperty("code").GetInt32()));
        Assert.Contains(message, Text(status, "message"));
    }

    static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) ? value.GetString()! : "";

    public void Dispose() => _client.Dispose();
}
