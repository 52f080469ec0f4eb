using Hanbae.Api;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Tests.Auth;

namespace Hanbae.Server.Tests.Certificates;

public sealed class CertificateAdmissionTests
{
    const string Path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/mine", Signer = "example.com/internal";
    static readonly Identity s_jane = new("jane", [Groups.Authenticated]);

    static async Task<SecureServer> ServerAsync()
    {
        var server = await SecureServer.StartAsync();
        await server.BindAsync("csr", SecureServer.User("jane"), SecureServer.Rule("*", "certificates.k8s.io", "certificatesigningrequests,certificatesigningrequests/approval,certificatesigningrequests/status"));
        return server;
    }

    static CertificateSigningRequest Decided(CertificateSigningRequest csr) => csr with { Status = new() { Conditions = [new() { Type = "Approved", Status = "True", Reason = "Checked" }] } };

    [Fact]
    public async Task Who_asks_is_noted_by_the_server()
    {
        await using var server = await ServerAsync();
        var made = (CertificateSigningRequest)SecureServer.Good(await server.CreateAsync(s_jane, SigningRequest.Of("mine", Signer, "x") with { Status = new() { Certificate = Bytes.FromText("x") } })).Object!;
        Assert.Equal(("jane", (Seq<string>)[Groups.Authenticated], 0), (made.Spec.Username, made.Spec.Groups, made.Status.Certificate.Length));
    }

    [Theory]
    [InlineData(Signer, true)]
    [InlineData("example.com/*", true)]
    [InlineData("example.org/*", false)]
    [InlineData("", false)]
    public async Task Approving_is_a_right_per_signer(string name, bool may)
    {
        await using var server = await ServerAsync();
        var csr = await server.MakeAsync(SigningRequest.Of("mine", Signer, "x"));
        if (name.Length > 0) await server.BindAsync("approver", SecureServer.User("jane"), SecureServer.Rule("approve", "certificates.k8s.io", "signers", name));
        var result = await server.CallAsync(s_jane, "PUT", Path + "/approval", Decided(csr));
        Assert.Equal(may ? 200 : 403, result.Code);
        if (may) Assert.NotNull(Assert.Single(((CertificateSigningRequest)result.Object!).Status.Conditions).LastUpdateTime);
        else Assert.Equal("certificatesigningrequests.certificates.k8s.io \"mine\" is forbidden: user not permitted to approve requests with signerName \"example.com/internal\"", SecureServer.Message(result));
    }

    [Fact]
    public async Task Signing_is_a_right_per_signer_and_annotations_are_not_signing()
    {
        await using var server = await ServerAsync();
        var csr = await server.MakeAsync(SigningRequest.Of("mine", Signer, "x"));
        csr = (CertificateSigningRequest)SecureServer.Good(await server.CallAsync(s_jane, "PUT", Path + "/status", csr with { Metadata = csr.Metadata with { Annotations = Map.Of(("a", "b")) } })).Object!;
        var issued = csr with { Status = csr.Status with { Certificate = Bytes.FromText(Pem()) } };
        var refused = await server.CallAsync(s_jane, "PUT", Path + "/status", issued);
        Assert.Equal(403, refused.Code);
        Assert.EndsWith("user not permitted to sign requests with signerName \"example.com/internal\"", SecureServer.Message(refused), StringComparison.Ordinal);
        await server.BindAsync("signer", SecureServer.User("jane"), SecureServer.Rule("sign", "certificates.k8s.io", "signers", Signer));
        SecureServer.Good(await server.CallAsync(s_jane, "PUT", Path + "/status", issued));
    }

    internal static string Pem()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=x", key, System.Security.Cryptography.HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return certificate.ExportCertificatePem() + "\n";
    }

    [Theory]
    [InlineData("kubernetes.io/kube-apiserver-client", 403)]
    [InlineData("example.com/internal", 201)]
    public async Task Nobody_asks_for_a_client_certificate_of_system_masters(string signer, int code)
    {
        await using var server = await ServerAsync();
        var result = await server.CreateAsync(s_jane, SigningRequest.Of("mine", signer, "x", "developers", "system:masters"));
        Assert.Equal(code, result.Code);
        if (code == 403) Assert.EndsWith("use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed", SecureServer.Message(result), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conditions_are_not_taken_back_and_certificates_not_replaced()
    {
        await using var server = await ServerAsync();
        var csr = await server.MakeAsync(SigningRequest.Of("mine", Signer, "x"));
        csr = (CertificateSigningRequest)SecureServer.Good(await server.CallAsync(SecureServer.Admin, "PUT", Path + "/approval", Decided(csr))).Object!;
        var taken = await server.CallAsync(SecureServer.Admin, "PUT", Path + "/approval", csr with { Status = new() });
        Assert.Contains("updates may not remove a condition of type \"Approved\"", SecureServer.Message(taken), StringComparison.Ordinal);
        var both = await server.CallAsync(SecureServer.Admin, "PUT", Path + "/approval", csr with { Status = csr.Status with { Conditions = csr.Status.Conditions.Add(new() { Type = "Denied", Status = "True" }) } });
        Assert.Contains("Approved and Denied conditions are mutually exclusive", SecureServer.Message(both), StringComparison.Ordinal);
        csr = (CertificateSigningRequest)SecureServer.Good(await server.CallAsync(SecureServer.Admin, "PUT", Path + "/status", csr with { Status = csr.Status with { Certificate = Bytes.FromText(Pem()) } })).Object!;
        var replaced = await server.CallAsync(SecureServer.Admin, "PUT", Path + "/status", csr with { Status = csr.Status with { Certificate = Bytes.FromText(Pem()) } });
        Assert.Contains("updates may not modify existing certificate content", SecureServer.Message(replaced), StringComparison.Ordinal);
        // What was asked for stays, whoever writes.
        var other = (CertificateSigningRequest)SecureServer.Good(await server.CallAsync(SecureServer.Admin, "PUT", Path, csr with { Spec = csr.Spec with { SignerName = "example.org/other" } })).Object!;
        Assert.Equal(Signer, other.Spec.SignerName);
    }
}
