using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api.Json;
using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler.Extenders;

/// <summary>Asks one extender by HTTP.</summary>
internal sealed class ExtenderChannel : IDisposable
{
    /// <summary>What an answer may be long at most; all nodes of a large cluster, whole, are less.</summary>
    const int LongestAnswer = 256 << 20;

    readonly HttpClient _http;
    readonly string _base;

    public ExtenderChannel(ExtenderConfig config)
    {
        _base = config.UrlPrefix.TrimEnd('/');
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        if (config.Tls is not null || config.EnableHttps) handler.SslOptions = Tls(config.Tls ?? new());
        _http = new(handler) { Timeout = config.HttpTimeout, MaxResponseContentBufferSize = LongestAnswer };
    }

    /// <remarks>As upstream: with HTTPS and nobody named who vouches for the extender, none is asked for.</remarks>
    static SslClientAuthenticationOptions Tls(ExtenderTls tls)
    {
        var options = new SslClientAuthenticationOptions();
        if (tls.ServerName.Length > 0) options.TargetHost = tls.ServerName;
        string ca = Pem(tls.CaData, tls.CaFile), certificate = Pem(tls.CertData, tls.CertFile), key = Pem(tls.KeyData, tls.KeyFile);
        if (certificate.Length > 0)
            using (var pem = X509Certificate2.CreateFromPem(certificate, key))
                options.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null)];
        if (tls.Insecure || ca.Length == 0)
        {
#pragma warning disable CA5359 // asked for by the configuration, or as upstream when no authority is given
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
            return options;
        }
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(ca);
        options.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        options.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        return options;

        static string Pem(string data, string file) => data.Length > 0 ? data : file.Length > 0 ? File.ReadAllText(file) : "";
    }

    /// <exception cref="ExtenderException">It did not answer, or not as it has to.</exception>
    public async Task<JsonValue> AskAsync(string verb, byte[] body, CancellationToken ct)
    {
        string url = _base + "/" + verb;
        try
        {
            using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var response = await _http.PostAsync(new Uri(url), content, ct);
            if (response.StatusCode != System.Net.HttpStatusCode.OK) throw new ExtenderException($"failed {verb} with extender at URL {url}, code {(int)response.StatusCode}");
            return JsonParser.Parse(await response.Content.ReadAsByteArrayAsync(ct));
        }
        catch (Exception e) when (e is HttpRequestException or FormatException or AuthenticationException or IOException) { throw new ExtenderException($"Post \"{url}\": {e.Message}"); }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { throw new ExtenderException($"Post \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"); }
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>An extender could not be asked, or gave no sensible answer.</summary>
internal sealed class ExtenderException(string message) : Exception(message);
