using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Discovery;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Certificates;

/// <summary>PodCertificateRequests, where somebody has them served (KEP-4317).</summary>
public sealed class PodCertificateTests : IAsyncLifetime, IDisposable
{
    const string Signer = "example.com/mine", Resource = "/apis/certificates.k8s.io/v1beta1/namespaces/default/podcertificaterequests";
    static readonly Identity s_node = new("system:node:one", ["system:nodes", "system:authenticated"]), s_signer = new("signer", ["system:authenticated"]);

    readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    SecureServer _server = null!;
    Node _one = null!;
    Pod _pod = null!;
    ServiceAccount _account = null!;

    static MoreServed Served => new([.. Resources.Of(new Hanbae.Api.GroupVersion("certificates.k8s.io", "v1beta1")).Where(r => r.Gvr.Resource == "podcertificaterequests")]);

    public async Task InitializeAsync()
    {
        _server = await StartAsync(null, o => o with { MoreServed = Served });
        await _server.BindAsync("answer", User("signer"), Rule("get,list,watch", "certificates.k8s.io", "podcertificaterequests"), Rule("update,patch", "certificates.k8s.io", "podcertificaterequests/status"));
        _one = await _server.MakeAsync(new Node { Metadata = new() { Name = "one" } });
        _account = await _server.GetAsync<ServiceAccount>("default", "default");
        _pod = await _server.MakeAsync(Pod("web") with { Spec = Pod("web").Spec with { NodeName = "one" } });
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _key.Dispose();

    byte[] Stub(AsymmetricAlgorithm? key = null) => (key ?? _key) switch
    {
        RSA rsa => new CertificateRequest("", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest(),
        var curve => new CertificateRequest("", (ECDsa)curve, HashAlgorithmName.SHA256).CreateSigningRequest(),
    };

    PodCertificateRequest Request(string name = "req") => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Spec = new()
        {
            SignerName = Signer, PodName = "web", PodUID = _pod.Metadata.Uid, ServiceAccountName = "default", ServiceAccountUID = _account.Metadata.Uid,
            NodeName = "one", NodeUID = _one.Metadata.Uid, MaxExpirationSeconds = 7200, StubPKCS10Request = new(Stub()),
        },
    };

    Task<ApiResult> AskAsync(PodCertificateRequest request, Identity? user = null) => _server.CreateAsync(user ?? s_node, request);

    async Task<string> RefusedAsync(int code, PodCertificateRequest request, Identity? user = null)
    {
        var answer = await AskAsync(request, user);
        Assert.Equal(code, answer.Code);
        return Message(answer);
    }

    Task<ApiResult> AnswerAsync(PodCertificateRequest request, Identity? user = null) => _server.CallAsync(user ?? s_signer, "PUT", $"{Resource}/{request.Metadata.Name}/status", request);

    static Condition Said(string type, string reason = "Because") => new() { Type = type, Status = "True", Reason = reason, Message = "so" };

    /// <summary>As a signer would: a certificate for the key of the request.</summary>
    PodCertificateRequest Issue(PodCertificateRequest asked, TimeSpan? life = null, TimeSpan? ago = null, ECDsa? other = null)
    {
        var from = Whole(_server.Clock.Now - (ago ?? TimeSpan.FromMinutes(1)));
        var until = from + (life ?? TimeSpan.FromHours(2));
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName("CN=web"), new PublicKey(other ?? _key), HashAlgorithmName.SHA256);
        using var leaf = request.Create(new X500DistinguishedName("CN=mine"), X509SignatureGenerator.CreateForECDsa(authority), from, until, [1]);
        return asked with
        {
            Status = new() { Conditions = [Said("Issued")], CertificateChain = leaf.ExportCertificatePem() + "\n", NotBefore = from, NotAfter = until, BeginRefreshAt = from + (until - from) * 0.8 },
        };
    }

    static DateTimeOffset Whole(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    [Fact]
    public async Task A_node_asks_for_its_own_Pod_and_nothing_else()
    {
        var made = (PodCertificateRequest)Good(await AskAsync(Request())).Object!;
        Assert.Equal((7200, ""), (made.Spec.MaxExpirationSeconds, made.Status.CertificateChain));
        Assert.Equal(86400, ((PodCertificateRequest)Good(await AskAsync(Request("day") with { Spec = Request().Spec with { MaxExpirationSeconds = null } })).Object!).Spec.MaxExpirationSeconds);

        var two = new Identity("system:node:two", ["system:nodes", "system:authenticated"]);
        await _server.MakeAsync(new Node { Metadata = new() { Name = "two" } });
        var spec = Request().Spec;
        Assert.EndsWith("PodCertificateRequest.Spec.NodeName=\"one\", which is not the requesting node \"two\"", await RefusedAsync(403, Request(), two), StringComparison.Ordinal);
        Assert.EndsWith("pod \"default/web\" is not running on node \"two\" named in the PodCertificateRequest",
            await RefusedAsync(403, Request() with { Spec = spec with { NodeName = "two", NodeUID = (await _server.GetAsync<Node>("", "two")).Metadata.Uid } }, two), StringComparison.Ordinal);
        Assert.Contains("names node UID \"x\", inconsistent with the running node", await RefusedAsync(500, Request() with { Spec = spec with { NodeUID = "x" } }), StringComparison.Ordinal);
        Assert.Contains("pod \"nobody\" not found", await RefusedAsync(500, Request() with { Spec = spec with { PodName = "nobody" } }), StringComparison.Ordinal);
        Assert.Contains("contains pod UID (\"x\") which differs from running pod", await RefusedAsync(500, Request() with { Spec = spec with { PodUID = "x" } }), StringComparison.Ordinal);
        Assert.EndsWith("contains serviceAccountName (\"other\") that differs from running pod (\"default\")", await RefusedAsync(403, Request() with { Spec = spec with { ServiceAccountName = "other" } }), StringComparison.Ordinal);
        Assert.Contains("names service account UID \"x\", which differs from the running service account", await RefusedAsync(500, Request() with { Spec = spec with { ServiceAccountUID = "x" } }), StringComparison.Ordinal);

        // It reads what is about its own Pods, and answers nothing.
        Assert.Equal(200, (await _server.CallAsync(s_node, "GET", Resource + "/req")).Code);
        Assert.Equal(403, (await _server.CallAsync(two, "GET", Resource + "/req")).Code);
        Assert.Equal(403, (await _server.CallAsync(s_node, "GET", Resource)).Code);
        Assert.Equal(2, Good(await _server.CallAsync(s_node, "GET", Resource, null, ("fieldSelector", "spec.nodeName=one"))).List!.Items.Count);
        Assert.Equal(403, (await _server.CallAsync(two, "GET", Resource, null, ("fieldSelector", "spec.nodeName=one"))).Code);
        Assert.Equal(403, (await AnswerAsync(Issue(made), s_node)).Code);
        Assert.Equal(403, (await _server.CallAsync(s_node, "DELETE", Resource + "/req")).Code);
        // Nobody else is held to that.
        Good(await AskAsync(Request("admins") with { Spec = spec with { PodName = "nobody", NodeName = "nowhere" } }, Admin));
    }

    [Fact]
    public async Task What_is_asked_is_checked()
    {
        var spec = Request().Spec;
        async Task WrongAsync(PodCertificateRequestSpec of, string what) => Assert.Contains(what, await RefusedAsync(422, Request() with { Spec = of }, Admin), StringComparison.Ordinal);
        await WrongAsync(spec with { SignerName = "mine" }, "spec.signerName: Invalid value: \"mine\": must be a fully qualified domain and path of the form 'example.com/signer-name'");
        await WrongAsync(spec with { MaxExpirationSeconds = 3599 }, "spec.maxExpirationSeconds: Invalid value: 3599: must be in the range [3600, 7862400]");
        await WrongAsync(spec with { SignerName = "kubernetes.io/x", MaxExpirationSeconds = 86401 }, "must be in the range [3600, 86400]");
        await WrongAsync(spec with { PodUID = "" }, "spec.podUID: Invalid value: \"\": must not be empty");
        await WrongAsync(spec with { NodeName = "No" }, "spec.nodeName: Invalid value: \"No\": a lowercase RFC 1123 subdomain must consist of");
        await WrongAsync(spec with { UnverifiedUserAnnotations = Map.Of(("plain", "x")) }, "must be a domain-prefixed key (such as \"acme.io/foo\")");
        await WrongAsync(spec with { StubPKCS10Request = default }, "exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set");
        byte[] forged = Stub();
        forged[^1] ^= 1;
        await WrongAsync(spec with { StubPKCS10Request = new(forged) }, "spec.stubPKCS10Request: Invalid value: ");
        using var small = RSA.Create(2048);
        await WrongAsync(spec with { StubPKCS10Request = new(Stub(small)) }, "spec.stubPKCS10Request: Invalid value: \"2048-bit modulus\": RSA keys must have modulus size 3072 or 4096");

        // As kubelets before 1.36 ask.
        var old = spec with { StubPKCS10Request = default, PkixPublicKey = new(_key.ExportSubjectPublicKeyInfo()) };
        await WrongAsync(old with { ProofOfPossession = new(_key.SignData(Encoding.UTF8.GetBytes("another"), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)) },
            "spec.proofOfPossession: Invalid value: could not verify proof-of-possession signature");
        Good(await AskAsync(Request("old") with { Spec = old with { ProofOfPossession = new(_key.SignData(Encoding.UTF8.GetBytes(old.PodUID), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)) } }));
        var made = (PodCertificateRequest)Good(await _server.CallAsync(Admin, "GET", Resource + "/old")).Object!;
        var changed = await _server.CallAsync(Admin, "PUT", Resource + "/old", made with { Spec = made.Spec with { MaxExpirationSeconds = 3600 } });
        Assert.Equal((422, true), (changed.Code, Message(changed).Contains("spec: Invalid value: field is immutable", StringComparison.Ordinal)));
        // The object's own path changes no status.
        Assert.Empty(((PodCertificateRequest)Good(await _server.CallAsync(Admin, "PUT", Resource + "/old", made with { Metadata = made.Metadata with { Labels = Map.Of(("a", "b")) }, Status = Issue(made).Status })).Object!).Status.Conditions);
    }

    [Fact]
    public async Task Who_may_sign_issues_once_a_certificate_for_that_key()
    {
        var asked = (PodCertificateRequest)Good(await AskAsync(Request())).Object!;
        var refused = await AnswerAsync(Issue(asked));
        Assert.Equal((422, "PodCertificateRequest.certificates.k8s.io \"req\" is invalid: spec.signerName: Forbidden: User \"signer\" is not permitted to \"sign\" for signer \"example.com/mine\""), (refused.Code, Message(refused)));
        await _server.BindAsync("sign", User("signer"), Rule("sign", "certificates.k8s.io", "signers", "example.com/*"));

        async Task WrongAsync(PodCertificateRequest answer, string what)
        {
            var said = await AnswerAsync(answer);
            Assert.Equal(422, said.Code);
            Assert.Contains(what, Message(said), StringComparison.Ordinal);
        }
        var good = Issue(asked);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await WrongAsync(Issue(asked, other: other), "leaf certificate was not issued to the requested public key");
        await WrongAsync(Issue(asked, life: TimeSpan.FromMinutes(59)), "leaf certificate lifetime must be >= 1 hour");
        await WrongAsync(Issue(asked, life: TimeSpan.FromHours(3)), "leaf certificate lifetime must be <= spec.maxExpirationSeconds (7200)");
        await WrongAsync(Issue(asked, ago: TimeSpan.FromMinutes(6)), "status.notBefore: Invalid value: ");
        await WrongAsync(good with { Status = good.Status with { NotAfter = good.Status.NotAfter + TimeSpan.FromSeconds(1) } }, "must be set to the NotAfter time encoded in the leaf certificate");
        await WrongAsync(good with { Status = good.Status with { BeginRefreshAt = good.Status.NotBefore + TimeSpan.FromMinutes(9) } }, "must be at least 10 minutes after status.notBefore");
        await WrongAsync(good with { Status = good.Status with { BeginRefreshAt = good.Status.NotAfter - TimeSpan.FromMinutes(9) } }, "must be at least 10 minutes before status.notAfter");
        await WrongAsync(good with { Status = good.Status with { BeginRefreshAt = null } }, "status.beginRefreshAt: Required value: must be present and in the range [notbefore+10min, notafter-10min]");
        await WrongAsync(good with { Status = good.Status with { CertificateChain = "none" } }, "issued certificate chain must contain at least one certificate");
        await WrongAsync(good with { Status = good.Status with { Conditions = [] } }, "status is immutable unless transitioning to \"Issued\", \"Denied\", or \"Failed\"");
        await WrongAsync(good with { Status = good.Status with { Conditions = [Said("Issued"), Said("Denied")] } }, "There may be at most one condition with type \"Issued\", \"Denied\", or \"Failed\"");
        await WrongAsync(good with { Status = good.Status with { Conditions = [Said("Ready")] } }, "status.conditions[0].type: Unsupported value: \"Ready\": supported values: \"Denied\", \"Failed\", \"Issued\"");
        await WrongAsync(good with { Status = good.Status with { Conditions = [Said("Denied")] } }, "non-condition status fields must be empty when denying or failing the PodCertificateRequest");
        await WrongAsync(good with { Status = new() { Conditions = [Said("Denied", "no word")] } }, "status.conditions[0].reason: Invalid value: \"no word\"");

        var issued = (PodCertificateRequest)Good(await AnswerAsync(good)).Object!;
        Assert.NotNull(issued.Status.Conditions[0].LastTransitionTime);
        await WrongAsync(issued with { Status = new() }, "immutable after PodCertificateRequest is issued, denied, or failed");

        var failed = (PodCertificateRequest)Good(await AskAsync(Request("failed"))).Object!;
        Good(await AnswerAsync(failed with { Status = new() { Conditions = [Said("Failed")] } }));
    }

    [Fact]
    public async Task Nodes_and_the_cleaner_have_roles_for_it_only_where_it_is_served()
    {
        async Task<bool> SpeaksAsync(string role)
        {
            var there = await _server.CallAsync(Admin, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/" + role);
            return there.Object is Api.Rbac.V1.ClusterRole found && found.Rules.Exists(r => r.Resources.Contains("podcertificaterequests"));
        }
        string[] roles = ["system:node", "system:controller:podcertificaterequestcleaner"];
        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, new(), CancellationToken.None);
        foreach (string role in roles) Assert.False(await SpeaksAsync(role), role);
        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, new() { MoreServed = Served }, CancellationToken.None);
        foreach (string role in roles) Assert.True(await SpeaksAsync(role), role);
        // The other feature is still off.
        Assert.Equal(404, (await _server.CallAsync(Admin, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:cluster-trust-bundle-discovery")).Code);
    }
}
