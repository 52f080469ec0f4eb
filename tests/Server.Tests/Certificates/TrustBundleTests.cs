using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Rest;
using Hanbae.Server.Discovery;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Certificates;

/// <summary>ClusterTrustBundles, where somebody has them served.</summary>
public sealed class TrustBundleTests : IAsyncLifetime
{
    const string Signer = "example.com/mine";
    static readonly Identity s_publisher = new("publisher", ["system:authenticated"]);
    static readonly string s_authority = Certificate(true), s_leaf = Certificate(false);

    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        var more = Resources.Of(new GroupVersion("certificates.k8s.io", "v1beta1")).Where(r => r.Gvr.Resource == "clustertrustbundles").ToArray();
        _server = await StartAsync(null, o => o with { MoreServed = new([.. more]) });
        await _server.BindAsync("publish", User("publisher"), Rule("create,update,get,list,delete", "certificates.k8s.io", "clustertrustbundles"));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    static string Certificate(bool authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=somebody", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
        return made.ExportCertificatePem() + "\n";
    }

    static ClusterTrustBundle Bundle(string name, string signer, string pem) => new() { Metadata = new() { Name = name }, Spec = new() { SignerName = signer, TrustBundle = pem } };

    [Fact]
    public async Task A_signer_s_bundle_is_published_by_who_may_attest_for_it()
    {
        var bundle = Bundle("example.com:mine:one", Signer, s_authority);
        var refused = await _server.CreateAsync(s_publisher, bundle);
        Assert.Equal((403, "clustertrustbundles.certificates.k8s.io \"example.com:mine:one\" is forbidden: user not permitted to attest for signerName \"example.com/mine\""), (refused.Code, Message(refused)));
        await _server.BindAsync("attest", User("publisher"), Rule("attest", "certificates.k8s.io", "signers", "example.com/*"));
        Good(await _server.CreateAsync(s_publisher, bundle));
        // Nobody's bundle needs no right but to write it.
        Good(await _server.CreateAsync(s_publisher, Bundle("one", "", s_authority)));
        var listed = await new Hanbae.Client.ApiClient(new Hanbae.Client.IdentityTransport(_server.Api.Transport, Admin, "test/1"), _server.Clock)
            .ListAsync<ClusterTrustBundle>(Hanbae.Client.ListQuery.All with { FieldSelector = "spec.signerName=" + Signer }, default);
        Assert.Equal(["example.com:mine:one"], listed.Items.Select(b => b.Metadata.Name));
    }

    [Theory]
    [InlineData("one", Signer, "authority", "metadata.name: Invalid value: \"one\": ClusterTrustBundle for signerName example.com/mine must be named with prefix example.com:mine:")]
    [InlineData("a:b", "", "authority", "metadata.name: Invalid value: \"a:b\": ClusterTrustBundle without signer name must not have \":\" in its name")]
    [InlineData("a", "", "", "at least one trust anchor must be provided")]
    [InlineData("a", "", "leaf", "entry 0 does not have the CA bit set")]
    [InlineData("a", "", "twice", "duplicate trust anchor (indices [0 1])")]
    [InlineData("a", "", "key", "entry 0 has bad block type: PRIVATE KEY")]
    public async Task What_is_no_bundle_is_refused(string name, string signer, string what, string message)
    {
        string pem = what switch { "authority" => s_authority, "leaf" => s_leaf, "twice" => s_authority + s_authority, "key" => "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", _ => "" };
        var answer = await _server.CreateAsync(Admin, Bundle(name, signer, pem));
        Assert.Equal(422, answer.Code);
        Assert.Contains(message, Message(answer));
    }

    [Fact]
    public async Task Its_signer_stays()
    {
        var made = await _server.MakeAsync(Bundle("example.com:mine:one", Signer, s_authority));
        var answer = await _server.CallAsync(Admin, "PUT", "/apis/certificates.k8s.io/v1beta1/clustertrustbundles/example.com:mine:one", made with { Spec = made.Spec with { SignerName = "example.com/other" } });
        Assert.Equal(422, answer.Code);
        Assert.Contains("field is immutable", Message(answer));
    }
}
