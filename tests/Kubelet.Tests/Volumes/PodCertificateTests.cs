using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Certificates;
using Hanbae.Kubelet.Volumes;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Kubelet.Tests.Volumes;

public sealed class PodCertificateTests : VolumeTest
{
    readonly PodCertificateProjection _source = new()
    {
        SignerName = "example.com/mine", KeyType = "ECDSAP256", MaxExpirationSeconds = 7200, CredentialBundlePath = "both.pem", KeyPath = "key.pem", CertificateChainPath = "chain.pem",
        UserAnnotations = Map.Of(("example.com/a", "b")),
    };

    public PodCertificateTests()
    {
        Objects.Node = Objects.Node! with { Metadata = new() { Name = "one", Uid = "n-1" } };
        Objects.Accounts.Add(new() { Metadata = new() { Name = "robot", Namespace = "default", Uid = "a-1" } });
    }

    Pod Web
    {
        get
        {
            var pod = PodWith(new Volume { Name = "v", Projected = new() { DefaultMode = 0x1A4, Sources = [new() { PodCertificate = _source }] } });
            return pod with { Spec = pod.Spec with { ServiceAccountName = "robot" } };
        }
    }

    /// <summary>As a signer answers the newest request.</summary>
    void Answer(string condition, TimeSpan? life = null)
    {
        var asked = Objects.Requests[^1];
        var status = new PodCertificateRequestStatus { Conditions = [new() { Type = condition, Status = "True", Reason = "Test", Message = "so" }] };
        if (life is { } lasts)
        {
            using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = CertificateRequest.LoadSigningRequest(asked.Spec.StubPKCS10Request.Span.ToArray(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.SkipSignatureValidation);
            using var leaf = new CertificateRequest(new X500DistinguishedName("CN=" + asked.Spec.PodName), request.PublicKey, HashAlgorithmName.SHA256)
                .Create(new X500DistinguishedName("CN=mine"), X509SignatureGenerator.CreateForECDsa(authority), Objects.Now, Objects.Now + lasts, [1]);
            status = status with { CertificateChain = "of whom it is\n" + leaf.ExportCertificatePem() + "\n", NotBefore = Objects.Now, NotAfter = Objects.Now + lasts, BeginRefreshAt = Objects.Now + lasts * 0.75 };
        }
        Objects.Requests[^1] = asked with { Status = status };
    }

    [Fact]
    public async Task A_certificate_is_asked_for_and_shown_with_its_key_when_it_was_issued()
    {
        Assert.Equal("MountVolume.SetUp failed for volume \"v\" : credential bundle is not issued yet", await FailureAsync(Web));
        var asked = Objects.Requests.Single();
        Assert.Equal(new PodCertificateRequestSpec
        {
            SignerName = "example.com/mine", PodName = "web", PodUID = "u-1", ServiceAccountName = "robot", ServiceAccountUID = "a-1", NodeName = "one", NodeUID = "n-1",
            MaxExpirationSeconds = 7200, UnverifiedUserAnnotations = Map.Of(("example.com/a", "b")), StubPKCS10Request = asked.Spec.StubPKCS10Request,
        }, asked.Spec);
        Assert.Equal(("req-", "u-1", "Pod"), (asked.Metadata.GenerateName, asked.Metadata.OwnerReferences[0].Uid, asked.Metadata.OwnerReferences[0].Kind));
        // Looking again is not asking again.
        await FailureAsync(Web);
        Assert.Single(Objects.Requests);

        Answer("Issued", TimeSpan.FromHours(2));
        string folder = await PrepareAsync(Web), both = File.ReadAllText(Path.Combine(folder, "both.pem"));
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "key.pem")) + File.ReadAllText(Path.Combine(folder, "chain.pem")), both);
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----\n", both, StringComparison.Ordinal);
        Assert.DoesNotContain("of whom it is", both, StringComparison.Ordinal);
        // They belong together.
        using var certificate = X509Certificate2.CreateFromPem(both, both);
        Assert.Equal("CN=web", certificate.Subject);
    }

    [Fact]
    public async Task Another_is_asked_for_when_the_signer_said_and_meanwhile_the_first_stands()
    {
        await FailureAsync(Web);
        Answer("Issued", TimeSpan.FromHours(2));
        string folder = await PrepareAsync(Web), first = File.ReadAllText(Path.Combine(folder, "both.pem"));
        Objects.Now += TimeSpan.FromMinutes(89);
        await Volumes.RefreshAsync(Web, default);
        Assert.Single(Objects.Requests);

        // Within five minutes of the time.
        Objects.Now += TimeSpan.FromMinutes(6);
        Objects.RequestsFail = true;
        await Volumes.RefreshAsync(Web, default);
        Objects.RequestsFail = false;
        await Volumes.RefreshAsync(Web, default);
        Assert.Equal((2, first), (Objects.Requests.Count, File.ReadAllText(Path.Combine(folder, "both.pem"))));
        // Whoever deletes the request has it asked anew.
        Objects.Requests.RemoveAt(1);
        await Volumes.RefreshAsync(Web, default);
        Assert.Equal(2, Objects.Requests.Count);

        Answer("Issued", TimeSpan.FromHours(2));
        await Volumes.RefreshAsync(Web, default);
        string second = File.ReadAllText(Path.Combine(folder, "both.pem"));
        Assert.NotEqual(first, second);
        using var certificate = X509Certificate2.CreateFromPem(second, second);
        Assert.Empty(Objects.Events);
    }

    [Fact]
    public async Task Who_gets_no_other_in_time_is_told()
    {
        await FailureAsync(Web);
        Answer("Issued", TimeSpan.FromHours(2));
        await PrepareAsync(Web);
        Objects.Now += TimeSpan.FromMinutes(106);
        await Volumes.RefreshAsync(Web, default);
        await Volumes.RefreshAsync(Web, default);
        Assert.Equal(["Warning CertificateOverdueForRefresh: PodCertificate refresh overdue"], Objects.Events);
        Objects.Now += TimeSpan.FromMinutes(15);
        await Volumes.RefreshAsync(Web, default);
        Assert.Equal("Warning CertificateExpired: PodCertificate expired", Objects.Events[^1]);
    }

    [Theory]
    [InlineData("Denied", "was denied")]
    [InlineData("Failed", "failed")]
    public async Task A_refusal_is_final(string condition, string told)
    {
        await FailureAsync(Web);
        Answer(condition);
        for (int i = 0; i < 2; i++)
            Assert.Equal($"MountVolume.SetUp failed for volume \"v\" : PodCertificateRequest was permanently {condition.ToLowerInvariant()}: reason=\"Test\" message=\"so\"", await FailureAsync(Web));
        Assert.Single(Objects.Requests);
        Assert.Equal([$"Warning {condition}: PodCertificateRequest default/req-0 {told}, reason=\"Test\", message=\"so\""], Objects.Events);
        // Of another Pod of that name nothing was said.
        await Volumes.TearDownAsync("u-1", default);
        await FailureAsync(Web);
        Assert.Equal(2, Objects.Requests.Count);
    }

    [RootFact]
    public async Task The_key_is_for_who_runs_in_the_Pod()
    {
        var pod = Web with { Spec = Web.Spec with { SecurityContext = new() { RunAsUser = 1234 } } };
        await FailureAsync(pod);
        Answer("Issued", TimeSpan.FromHours(2));
        string key = Path.Combine(await PrepareAsync(pod), "key.pem");
        var file = Hanbae.Kubelet.Volumes.Disk.Native.Status(key, follow: true)!.Value;
        Assert.Equal((0x180u, 1234u), (file.Permissions, file.User));
    }

    [Theory]
    [InlineData("RSA3072"), InlineData("RSA4096"), InlineData("ECDSAP256"), InlineData("ECDSAP384"), InlineData("ECDSAP521"), InlineData("ED25519")]
    public void Keys_of_every_type_sign_their_request(string type)
    {
        var (private_, request) = PodKey.Make(type);
        var key = SubjectKey.OfRequest(request, out string reason);
        Assert.Equal("", reason);
        Assert.Null(key!.Wrong);
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----\n", private_, StringComparison.Ordinal);
        request[^1] ^= 1;
        Assert.Null(SubjectKey.OfRequest(request, out _));
    }
}
