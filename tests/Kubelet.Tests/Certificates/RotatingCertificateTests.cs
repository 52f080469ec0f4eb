using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;
using Hanbae.Client;
using Hanbae.Kit;
using Hanbae.Kubelet.Certificates;
using Hanbae.Machinery.Pkcs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Certificates;

public sealed class RotatingCertificateTests : IDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-rotating-");
    readonly FakeTime _time = new();
    readonly FakeApi _api;
    readonly X509Certificate2 _authority;
    Wanted? _wanted = new("one");

    public RotatingCertificateTests()
    {
        _api = new(_time);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kubernetes", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(_time.GetUtcNow().AddDays(-1), _time.GetUtcNow().AddYears(10));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    CertificateFolder Folder => new(_folder.FullName, "kubelet-client");

    RotatingCertificate Made(string signer = KubeletRequests.ClientSigner) => new(Folder, signer, _ => Task.FromResult(_wanted), new ApiClient(_api, _time), _time, NullLogger.Instance);

    /// <summary>It looks from time to time whether it was signed.</summary>
    async Task<bool> EndAsync(Task<bool> renewing)
    {
        while (await Task.WhenAny(renewing, _time.WhenSetAsync()) != renewing) _time.AdvanceToNext();
        return await renewing;
    }

    /// <summary>As the cluster's signer would, for so long; or says no.</summary>
    async Task<CertificateSigningRequest> SignAsync(TimeSpan? life)
    {
        static bool Open(CertificateSigningRequest r) => r.Status.Certificate.Length == 0 && r.Status.Conditions.IsEmpty;
        await _api.UntilAsync(a => a.All<CertificateSigningRequest>().Any(Open), "a request");
        var asked = _api.All<CertificateSigningRequest>().Single(Open);
        _api.Change<CertificateSigningRequest>(asked.Metadata.Name, r => r with { Status = life is { } long_ ? r.Status with { Certificate = Bytes.FromText(Sign(r, long_)) } : r.Status with { Conditions = [new() { Type = "Denied", Status = "True", Reason = "No", Message = "not today" }] } }, "");
        return asked;
    }

    string Sign(CertificateSigningRequest asked, TimeSpan life)
    {
        var request = CertificateRequest.LoadSigningRequestPem(asked.Spec.Request.ToText(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        using var signed = request.Create(_authority, _time.GetUtcNow(), _time.GetUtcNow() + life, RandomNumberGenerator.GetBytes(8));
        return signed.ExportCertificatePem() + "\n";
    }

    [Fact]
    public async Task A_client_certificate_is_asked_for_kept_and_asked_for_again_when_most_of_its_life_is_over()
    {
        var rotating = Made();
        Assert.Null(rotating.Current);
        var renewing = rotating.RenewAsync(default);
        var asked = await SignAsync(TimeSpan.FromDays(100));
        Assert.Equal(["digital signature", "client auth"], asked.Spec.Usages);
        var ask = CertificateAsk.TryParse(asked.Spec.Request, out string wrong);
        Assert.True(ask is not null, wrong);
        Assert.Null(KubeletRequests.NotClient(ask, asked.Spec.Usages));
        Assert.True(await EndAsync(renewing));
        Assert.Equal("O=system:nodes, CN=system:node:one", rotating.Current!.Subject);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(File.ResolveLinkTarget(Folder.Current, false)!.FullName));

        // Another process finds it; nothing is asked for before its time.
        Assert.Equal(rotating.Current.Thumbprint, Made().Current!.Thumbprint);
        Assert.InRange((rotating.Due!.Value - _time.GetUtcNow()).TotalDays, 69, 90);
        _time.Advance(TimeSpan.FromDays(69));
        Assert.False(await rotating.RenewAsync(default));
        Assert.Single(_api.All<CertificateSigningRequest>());
        _time.Advance(TimeSpan.FromDays(22));
        string before = rotating.Current.Thumbprint;
        renewing = rotating.RenewAsync(default);
        await SignAsync(TimeSpan.FromDays(100));
        Assert.True(await EndAsync(renewing));
        Assert.NotEqual(before, rotating.Current.Thumbprint);
        Assert.Equal(rotating.Current.Thumbprint, Folder.Load()!.Thumbprint);
    }

    [Fact]
    public async Task A_serving_certificate_waits_for_addresses_and_follows_them()
    {
        _wanted = null;
        var rotating = Made(KubeletRequests.ServingSigner);
        Assert.False(await rotating.RenewAsync(default));
        _wanted = new("one") { DnsNames = ["one"], Addresses = [IPAddress.Parse("192.0.2.1")] };
        var renewing = rotating.RenewAsync(default);
        var asked = await SignAsync(TimeSpan.FromDays(1));
        Assert.Null(KubeletRequests.NotServing(CertificateAsk.TryParse(asked.Spec.Request, out _)!, asked.Spec.Usages));
        Assert.True(await EndAsync(renewing));
        Assert.False(await rotating.RenewAsync(default));
        _wanted = _wanted with { Addresses = [IPAddress.Parse("192.0.2.2")] };
        renewing = rotating.RenewAsync(default);
        await SignAsync(TimeSpan.FromDays(1));
        Assert.True(await EndAsync(renewing));
    }

    [Fact]
    public async Task What_is_denied_is_said_and_the_old_one_stays()
    {
        var rotating = Made();
        var renewing = rotating.RenewAsync(default);
        await SignAsync(null);
        Assert.Contains("is denied, reason: No, message: not today", (await Assert.ThrowsAsync<NotSignedException>(() => EndAsync(renewing))).Message);
        Assert.Null(rotating.Current);
    }
}
