using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>A proxy before the server says who somebody is, and only a proxy.</summary>
public sealed class FrontProxyTests : IAsyncLifetime
{
    readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    readonly ECDsa _clientKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    X509Certificate2 _proxies = null!, _clients = null!;
    SecureServer _server = null!;

    static X509Certificate2 Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
    }

    static X509Certificate2 Signed(string subject, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.2")], false));
        using var made = request.Create(authority, DateTimeOffset.Now.AddHours(-1), DateTimeOffset.Now.AddDays(5), RandomNumberGenerator.GetBytes(12));
        using var pair = made.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null);
    }

    public async Task InitializeAsync()
    {
        (_proxies, _clients) = (Authority("proxies", _key), Authority("clients", _clientKey));
        _server = await StartAsync(o => o with { ClientAuthorities = [_clients], FrontProxy = new() { Authorities = () => [_proxies], AllowedNames = ["front-proxy-client"] } });
        await _server.BindAsync("whoami", Group("system:authenticated"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"));
        await _server.BindAsync("whoami-not", Group("system:unauthenticated"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"));
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        foreach (var thing in (IDisposable[])[_proxies, _clients, _key, _clientKey]) thing.Dispose();
    }

    async Task<(HttpStatusCode Code, string Body)> WhoAmIAsync(X509Certificate2? certificate, params (string, string)[] headers)
    {
        using var handler = new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true, ClientCertificates = certificate is null ? null : [certificate] } };
        using var http = new HttpClient(handler) { BaseAddress = _server.Http.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews") { Content = new StringContent("{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", null, "application/json") };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    static readonly (string, string)[] s_ann = [("X-Remote-User", "ann"), ("X-Remote-Group", "devs"), ("X-Remote-Uid", "u1"), ("X-Remote-Extra-Example.com%2Fscope", "view")];

    [Fact]
    public async Task What_a_proxy_says_of_a_user_counts()
    {
        using var proxy = Signed("CN=front-proxy-client", _proxies);

        var (_, body) = await WhoAmIAsync(proxy, s_ann);

        Assert.Contains("\"userInfo\":{\"username\":\"ann\",\"uid\":\"u1\",\"groups\":[\"devs\",\"system:authenticated\"],\"extra\":{\"example.com/scope\":[\"view\"]}}", body);
    }

    [Fact]
    [Trait("Attack", "forged front-proxy headers")]
    public async Task What_others_say_of_themselves_does_not()
    {
        using var stranger = Signed("CN=somebody", _proxies);
        using var ann = Signed("CN=eve,O=devs", _clients);
        using var pretender = Signed("CN=front-proxy-client", _clients);

        Assert.Equal(HttpStatusCode.Unauthorized, (await WhoAmIAsync(stranger, s_ann)).Code);
        Assert.Contains("\"username\":\"eve\"", (await WhoAmIAsync(ann, s_ann)).Body);
        Assert.Contains("\"username\":\"front-proxy-client\"", (await WhoAmIAsync(pretender, [("X-Remote-User", "ann"), ("X-Remote-Group", "system:masters")])).Body);
        Assert.Contains("\"username\":\"system:anonymous\"", (await WhoAmIAsync(null, s_ann)).Body);
    }

    [Fact]
    public async Task A_proxy_that_says_nothing_is_nobody()
    {
        using var proxy = Signed("CN=front-proxy-client", _proxies);

        Assert.Equal(HttpStatusCode.Unauthorized, (await WhoAmIAsync(proxy)).Code);
        // Nor are headers that only look like it: a proxy before the proxy may turn one sign into another.
        Assert.Equal(HttpStatusCode.Unauthorized, (await WhoAmIAsync(proxy, ("X_Remote_User", "ann"), ("X-Remote-User ", "ann"))).Code);
    }
}
