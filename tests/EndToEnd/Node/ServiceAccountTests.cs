using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>The tokens that Pods find in their containers: who they are, and that everybody can check it.</summary>
public sealed class ServiceAccountTests(SharedCluster shared) : PodRun(shared)
{
    const string Folder = "/var/run/secrets/kubernetes.io/serviceaccount";

    [NodeFact]
    [Trait("Conformance", "[sig-auth] ServiceAccounts should mount an API token into pods [Conformance]")]
    public async Task A_Pod_finds_its_accounts_token_the_authority_and_its_namespace()
    {
        await KubectlAsync("create", "serviceaccount", "mount-test");
        await ApplyAsync(Script("mount", "sleep 100000", "", "serviceAccountName: mount-test"));
        await ReadyAsync("mount");
        async Task<string> FileAsync(string name) => await KubectlAsync("exec", "mount", "--", "cat", $"{Folder}/{name}");
        Assert.Equal(await ReadAsync("configmap/kube-root-ca.crt", ".data.ca\\.crt"), await FileAsync("ca.crt"));
        Assert.Equal(Namespace, await FileAsync("namespace"));
        using var api = await RawApi.OfAsync(Cluster);
        var (code, review) = await api.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/tokenreviews", JsonSerializer.Serialize(new { spec = new { token = await FileAsync("token") } }));
        Assert.True(code == 201, review.ToString());
        var status = review.GetProperty("status");
        Assert.True(status.GetProperty("authenticated").GetBoolean(), review.ToString());
        var user = status.GetProperty("user");
        Assert.Equal($"system:serviceaccount:{Namespace}:mount-test", user.GetProperty("username").GetString());
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:" + Namespace, "system:authenticated"], user.GetProperty("groups").EnumerateArray().Select(g => g.GetString()));
        Assert.Equal("mount", user.GetProperty("extra").GetProperty("authentication.kubernetes.io/pod-name")[0].GetString());
        Assert.Equal(await ReadAsync("pod/mount", ".metadata.uid"), user.GetProperty("extra").GetProperty("authentication.kubernetes.io/pod-uid")[0].GetString());
    }

    const string Projected = """
        volumes:
        - name: tokens
          projected:
            sources:
            - serviceAccountToken: {path: token, expirationSeconds: 7200, audience: oidc-discovery-test}
        """;

    [NodeFact]
    [Trait("Conformance", "[sig-auth] ServiceAccounts should mount projected service account token [Conformance]")]
    public async Task A_token_may_be_asked_for_as_a_volume()
    {
        string said = await ScriptAsync("projected", "cat /var/run/secrets/tokens/token", "volumeMounts: [{name: tokens, mountPath: /var/run/secrets/tokens}]", Projected);
        Assert.Matches(@"^[\w-]+\.[\w-]+\.[\w-]+\s*$", said);
        var claims = Part(said.Trim().Split('.')[1]);
        Assert.Equal("oidc-discovery-test", claims.GetProperty("aud")[0].GetString());
        Assert.Equal($"system:serviceaccount:{Namespace}:default", claims.GetProperty("sub").GetString());
        Assert.Equal(7200, claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64());
    }

    [NodeFact]
    [Trait("Conformance", "[sig-auth] ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer [Conformance]")]
    public async Task With_what_a_Pod_has_a_token_is_checked_by_its_issuers_documents_alone()
    {
        // The Pod reaches the server by its name; what TLS needs is beyond busybox, so with the Pod's authority and its own token it is asked from here.
        await ApplyAsync(Script("issuer", "nc -w 60 kubernetes.default.svc 443 </dev/null && echo reached && sleep 100000", "volumeMounts: [{name: tokens, mountPath: /var/run/secrets/tokens}]", Projected));
        await LogAsync("issuer", "reached");
        async Task<string> FileAsync(string path) => await KubectlAsync("exec", "issuer", "--", "cat", path);
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var authority = X509Certificate2.CreateFromPem(await FileAsync(Folder + "/ca.crt"));
        handler.SslOptions.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck };
        using var http = new HttpClient(handler) { BaseAddress = new(await KubectlAsync("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")), Timeout = TimeSpan.FromSeconds(60) };
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, (await http.GetAsync("/openid/v1/jwks")).StatusCode);
        // Whoever has an account may read both documents.
        http.DefaultRequestHeaders.Authorization = new("Bearer", await FileAsync(Folder + "/token"));
        string[] token = (await FileAsync("/var/run/secrets/tokens/token")).Trim().Split('.');
        var (header, claims) = (Part(token[0]), Part(token[1]));
        var discovery = JsonDocument.Parse(await http.GetStringAsync("/.well-known/openid-configuration")).RootElement;
        var keys = JsonDocument.Parse(await http.GetStringAsync(new Uri(discovery.GetProperty("jwks_uri").GetString()!).AbsolutePath)).RootElement;
        Assert.Equal(claims.GetProperty("iss").GetString(), discovery.GetProperty("issuer").GetString());
        Assert.EndsWith("/openid/v1/jwks", discovery.GetProperty("jwks_uri").GetString());
        Assert.Equal("id_token", discovery.GetProperty("response_types_supported")[0].GetString());
        Assert.Equal("public", discovery.GetProperty("subject_types_supported")[0].GetString());
        string algorithm = header.GetProperty("alg").GetString()!;
        Assert.Contains(algorithm, discovery.GetProperty("id_token_signing_alg_values_supported").EnumerateArray().Select(a => a.GetString()));
        var key = Assert.Single(keys.GetProperty("keys").EnumerateArray(), k => k.GetProperty("kid").GetString() == header.GetProperty("kid").GetString());
        Assert.Equal(("sig", algorithm), (key.GetProperty("use").GetString(), key.GetProperty("alg").GetString()));
        Assert.True(Signed(key, token), "the signature is not of the key that the issuer shows");
        Assert.Equal("oidc-discovery-test", claims.GetProperty("aud")[0].GetString());
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.True(claims.GetProperty("nbf").GetInt64() <= now && now < claims.GetProperty("exp").GetInt64());
        Assert.Equal(("issuer", Namespace), (claims.GetProperty("kubernetes.io").GetProperty("pod").GetProperty("name").GetString(), claims.GetProperty("kubernetes.io").GetProperty("namespace").GetString()));
    }

    static bool Signed(JsonElement key, string[] token)
    {
        byte[] content = Encoding.ASCII.GetBytes(token[0] + "." + token[1]), signature = Bytes(token[2]);
        byte[] Of(string name) => Bytes(key.GetProperty(name).GetString()!);
        if (key.GetProperty("kty").GetString() == "RSA")
        {
            using var rsa = RSA.Create(new RSAParameters { Modulus = Of("n"), Exponent = Of("e") });
            return rsa.VerifyData(content, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
        using var ec = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = Of("x"), Y = Of("y") } });
        return ec.VerifyData(content, signature, HashAlgorithmName.SHA256);
    }

    static JsonElement Part(string text) => JsonDocument.Parse(Bytes(text)).RootElement;

    static byte[] Bytes(string text) => Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));
}
