using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Controllers.Tests.Certificates;

public sealed class CertificateTests : IDisposable
{
    const string Client = "kubernetes.io/kube-apiserver-client", KubeletClient = "kubernetes.io/kube-apiserver-client-kubelet", Serving = "kubernetes.io/kubelet-serving", Legacy = "kubernetes.io/legacy-unknown";
    static readonly Seq<string> s_clientUsages = ["digital signature", "key encipherment", "client auth"], s_servingUsages = ["digital signature", "key encipherment", "server auth"];

    readonly X509Certificate2 _authority = Authority();

    public void Dispose() => _authority.Dispose();

    static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test-ca", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(Make.Start.AddYears(-1), Make.Start.AddYears(9));
    }

    static CertificateSigningRequest Asked(string name, string signer, Seq<string> usages, string subject, Action<SubjectAlternativeNameBuilder>? names = null, RSA? rsa = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = rsa is not null ? new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) : new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (names is not null)
        {
            var builder = new SubjectAlternativeNameBuilder();
            names(builder);
            request.CertificateExtensions.Add(builder.Build());
        }
        return new()
        {
            Metadata = new() { Name = name, Uid = "uid-of-" + name, CreationTimestamp = Make.Start },
            Spec = new() { Request = Bytes.FromText(request.CreateSigningRequestPem()), SignerName = signer, Usages = usages, Username = "jane" },
        };
    }

    static CertificateSigningRequest Approved(CertificateSigningRequest csr) => csr with { Status = new() { Conditions = [new() { Type = "Approved", Status = "True", LastUpdateTime = Make.Start }] } };

    TestCluster Signer() => new(["certificatesigningrequest-signing-controller"], options: ControllerOptions.Default with { SigningAuthority = () => _authority });

    static CertificateSigningRequest Get(TestCluster cluster, string name) => cluster.Api.Find<CertificateSigningRequest>(name, "")!;

    static async Task<X509Certificate2> IssuedAsync(TestCluster cluster, string name)
    {
        await cluster.UntilAsync(api => api.Find<CertificateSigningRequest>(name, "")!.Status is { } s && (s.Certificate.Length > 0 || s.Conditions.Exists(c => c.Type == "Failed")));
        return X509Certificate2.CreateFromPem(Get(cluster, name).Status.Certificate.ToText());
    }

    [Fact]
    public async Task What_is_approved_is_signed_as_it_was_asked_for()
    {
        await using var cluster = Signer();
        using var rsa = RSA.Create(2048);
        cluster.Api.Put(Approved(Asked("a", Serving, s_servingUsages, "O=system:nodes, CN=system:node:one", n => { n.AddDnsName("one.example.com"); n.AddIpAddress(IPAddress.Parse("10.1.2.3")); }, rsa)));
        using var certificate = await IssuedAsync(cluster, "a");

        Assert.Equal("CN=test-ca", certificate.Issuer);
        Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), certificate.PublicKey.ExportSubjectPublicKeyInfo());
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        Assert.Equal(["one.example.com"], names.EnumerateDnsNames());
        Assert.Equal([IPAddress.Parse("10.1.2.3")], names.EnumerateIPAddresses());
        Assert.Equal(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, certificate.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.Equal("1.3.6.1.5.5.7.3.1", certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.OfType<Oid>().Single().Value);
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        // A year, dated back by five minutes.
        Assert.Equal(TimeSpan.FromDays(365), certificate.NotAfter - certificate.NotBefore);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = Make.Start.AddDays(3).UtcDateTime;
        Assert.True(chain.Build(certificate), string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation)));
    }

    [Theory]
    [InlineData(3600, 3600 + 300)]
    [InlineData(60, 600 + 300)]
    [InlineData(3L * 365 * 86400, 365 * 86400)]
    public async Task A_shorter_life_is_granted_a_longer_one_is_not(long asked, long seconds)
    {
        await using var cluster = Signer();
        var csr = Asked("a", Client, ["client auth"], "CN=jane");
        cluster.Api.Put(Approved(csr with { Spec = csr.Spec with { ExpirationSeconds = (int)Math.Min(asked, int.MaxValue) } }));
        using var certificate = await IssuedAsync(cluster, "a");
        Assert.Equal(seconds, (long)(certificate.NotAfter - certificate.NotBefore).TotalSeconds);
    }

    public static TheoryData<string, string, string, string> Refused => new()
    {
        { Client, "server auth", "CN=jane", "invalid usage for client certificate: server auth" },
        { Client, "digital signature", "CN=jane", "missing required usage for client certificate: client auth" },
        { KubeletClient, "client auth,digital signature", "CN=system:node:one", "subject organization is not system:nodes" },
        { KubeletClient, "client auth,digital signature", "O=system:nodes, CN=one", "subject common name does not begin with system:node: " },
        { KubeletClient, "client auth", "O=system:nodes, CN=system:node:one", "usages did not match [client auth digital signature key encipherment]" },
        { Serving, "server auth,digital signature", "O=system:nodes, CN=system:node:one", "DNS or IP subjectAltName is required" },
    };

    [Theory, MemberData(nameof(Refused))]
    public async Task What_a_signer_does_not_sign_fails_with_the_reason(string signer, string usages, string subject, string why)
    {
        await using var cluster = Signer();
        cluster.Api.Put(Approved(Asked("a", signer, usages.Split(','), subject)));
        await cluster.UntilAsync(api => api.Find<CertificateSigningRequest>("a", "")!.Status.Conditions.Exists(c => c.Type == "Failed"));
        var failed = Get(cluster, "a").Status.Conditions.Find(c => c.Type == "Failed")!;
        Assert.Equal(("True", "SignerValidationFailure", why), (failed.Status, failed.Reason, failed.Message));
        Assert.Equal(0, Get(cluster, "a").Status.Certificate.Length);
    }

    [Fact]
    public async Task Only_what_is_approved_and_of_our_signers_is_signed()
    {
        await using var cluster = Signer();
        var denied = Asked("denied", Client, s_clientUsages, "CN=x");
        cluster.Api.Put(Asked("pending", Client, s_clientUsages, "CN=x"));
        cluster.Api.Put(denied with { Status = new() { Conditions = [new() { Type = "Denied", Status = "True" }] } });
        cluster.Api.Put(Approved(Asked("others", "example.com/mine", s_clientUsages, "CN=x")));
        cluster.Api.Put(Approved(Asked("legacy", Legacy, ["any", "s/mime"], "CN=whatever, O=example")));
        using var _ = await IssuedAsync(cluster, "legacy");
        Assert.All((string[])["pending", "denied", "others"], name => Assert.Equal(0, Get(cluster, name).Status.Certificate.Length));
    }

    [Theory]
    [InlineData("nodeclient", "system:bootstrap:abcdef", "Auto approving kubelet client certificate after SubjectAccessReview.")]
    [InlineData("selfnodeclient", "system:node:one", "Auto approving self kubelet client certificate after SubjectAccessReview.")]
    public async Task Kubelets_requests_are_approved_when_who_asks_may(string right, string user, string message)
    {
        var approval = new TaskCompletionSource<CertificateSigningRequest>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new List<string>();
        await using var cluster = new TestCluster(["certificatesigningrequest-approving-controller"], api => api.Intercept = request =>
        {
            if (request.Object is SubjectAccessReview review)
            {
                var what = review.Spec.ResourceAttributes!;
                lock (asked) asked.Add($"{review.Spec.User} {what.Verb} {what.Group} {what.Resource}/{what.Subresource}");
                return new() { Code = 201, Object = review with { Status = new() { Allowed = what.Subresource == right && review.Spec.User == user } } };
            }
            if (!request.Path.EndsWith("/approval", StringComparison.Ordinal)) return null;
            approval.TrySetResult((CertificateSigningRequest)request.Object!);
            return new() { Code = 200, Object = request.Object };
        });
        var csr = Asked("a", KubeletClient, s_clientUsages, "O=system:nodes, CN=system:node:one");
        cluster.Api.Put(csr with { Spec = csr.Spec with { Username = user } });
        var condition = Assert.Single((await approval.Task.WaitAsync(TimeSpan.FromSeconds(60))).Status.Conditions);
        Assert.Equal(("Approved", "True", "AutoApproved", message), (condition.Type, condition.Status, condition.Reason, condition.Message));
        lock (asked) Assert.Contains($"{user} create certificates.k8s.io certificatesigningrequests/{right}", asked);
    }

    [Fact]
    public async Task Requests_go_an_hour_after_they_were_answered_and_a_day_after_nobody_did()
    {
        await using var cluster = new TestCluster(["certificatesigningrequest-cleaner-controller"]) { Creep = TestCluster.Hardly };
        var csr = Asked("x", Client, s_clientUsages, "CN=x");
        CertificateSigningRequest With(string name, string? condition, Bytes certificate = default) => csr with
        {
            Metadata = new() { Name = name, Uid = "uid-of-" + name, CreationTimestamp = cluster.Time.GetUtcNow() },
            Status = new() { Certificate = certificate, Conditions = condition is null ? [] : [new() { Type = condition, Status = "True", LastUpdateTime = cluster.Time.GetUtcNow() }] },
        };
        var start = cluster.Time.GetUtcNow();
        var forever = Bytes.FromText(_authority.ExportCertificatePem());
        foreach (var one in (CertificateSigningRequest[])[With("pending", null), With("denied", "Denied"), With("failed", "Failed"), With("issued", "Approved", forever), With("approved", "Approved")]) cluster.Api.Put(one);
        cluster.Creep = TimeSpan.FromMinutes(5);
        await cluster.UntilAsync(api => api.All<CertificateSigningRequest>().Count == 2);
        Assert.True(cluster.Time.GetUtcNow() >= start.AddHours(1));
        Assert.Equal(["approved", "pending"], cluster.Api.All<CertificateSigningRequest>().Select(c => c.Metadata.Name).Order());
        await cluster.UntilAsync(api => api.All<CertificateSigningRequest>().Count == 1);
        Assert.True(cluster.Time.GetUtcNow() >= start.AddHours(24));
        Assert.Equal("approved", cluster.Api.All<CertificateSigningRequest>().Single().Metadata.Name);
    }
}
