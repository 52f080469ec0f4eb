using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Server.Auth.Authenticators;

namespace Hanbae.Server.Tests.Auth;

public sealed class ClientCertificatesTests
{
    readonly Clock _clock = new();
    readonly X509Certificate2 _authority = Authority("ca");

    static X509Certificate2 Authority(string name)
    {
        var request = new CertificateRequest("CN=" + name, ECDsa.Create(ECCurve.NamedCurves.nistP256), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    static X509Certificate2 Issue(X509Certificate2 by, string subject = "O=devs, O=ops, CN=ann", string usage = "1.3.6.1.5.5.7.3.2") => Issue(by, new X500DistinguishedName(subject), usage);

    static X509Certificate2 Issue(X509Certificate2 by, X500DistinguishedName subject, string usage = "1.3.6.1.5.5.7.3.2")
    {
        var request = new CertificateRequest(subject, ECDsa.Create(ECCurve.NamedCurves.nistP256), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        return request.Create(by, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
    }

    ClientCertificates Authenticator()
    {
        X509Certificate2Collection authorities = [X509CertificateLoader.LoadCertificate(_authority.RawData)];
        return new(() => authorities, _clock);
    }

    [Fact]
    public void The_common_name_is_the_user_and_organizations_are_groups()
    {
        var user = Authenticator().Authenticate(Issue(_authority)).User!;

        Assert.Equal("ann", user.Name);
        Assert.Equal(["devs", "ops", "system:authenticated"], user.Groups.Order(StringComparer.Ordinal));
        Assert.StartsWith("X509SHA256=", user.Extra["authentication.kubernetes.io/credential-id"][0], StringComparison.Ordinal);
    }

    /// <summary>As Go reads them: what one reader sees and another does not would be a way to pass by either.</summary>
    [Fact]
    public void Parts_of_a_name_that_stand_together_count_as_any_other()
    {
        (string Id, string Value)[][] name = [[("2.5.4.10", "devs"), ("2.5.4.3", "ann")], [("2.5.4.10", "ops"), ("1.3.6.1.4.1.57683.2", "u-1")]];
        var subject = new AsnWriter(AsnEncodingRules.DER);
        using (subject.PushSequence())
            foreach (var together in name)
                using (subject.PushSetOf())
                    foreach (var (id, value) in together)
                        using (subject.PushSequence())
                        {
                            subject.WriteObjectIdentifier(id);
                            subject.WriteCharacterString(UniversalTagNumber.UTF8String, value);
                        }
        var result = Authenticator().Authenticate(Issue(_authority, new X500DistinguishedName(subject.Encode())));
        Assert.Null(result.Error);
        var user = result.User!;

        Assert.Equal(("ann", "u-1"), (user.Name, user.Uid));
        Assert.Equal(["devs", "ops", "system:authenticated"], user.Groups.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_certificate_of_another_authority_of_the_same_name_is_refused()
    {
        var result = Authenticator().Authenticate(Issue(Authority("ca")));

        Assert.Null(result.User);
        Assert.NotNull(result.Error);
    }

    [Fact]
    public void A_servers_certificate_is_no_clients() => Assert.NotNull(Authenticator().Authenticate(Issue(_authority, usage: "1.3.6.1.5.5.7.3.1")).Error);

    [Fact]
    public void A_certificate_that_was_good_ends_with_its_time()
    {
        var (authenticator, certificate) = (Authenticator(), Issue(_authority));
        Assert.NotNull(authenticator.Authenticate(certificate).User);

        _clock.Now += TimeSpan.FromDays(2);

        Assert.NotNull(authenticator.Authenticate(certificate).Error);
    }

    [Fact]
    public void The_same_certificate_makes_the_same_identity_object_on_every_connection()
    {
        var (authenticator, certificate) = (Authenticator(), Issue(_authority));

        var first = authenticator.Authenticate(certificate).User;

        Assert.Same(first, authenticator.Authenticate(certificate).User);
        Assert.Same(first, authenticator.Authenticate(X509CertificateLoader.LoadCertificate(certificate.RawData)).User);
    }

    [Fact]
    public async Task A_certificate_counts_over_the_wire()
    {
        await using var server = await SecureServer.StartAsync(o => o with { ClientAuthorities = [X509CertificateLoader.LoadCertificate(_authority.RawData)] });
        async Task<int> StatusAsync(X509Certificate2 certificate)
        {
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
            handler.SslOptions.ClientCertificates = [certificate];
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
            using var http = new HttpClient(handler) { BaseAddress = server.Http.Address };
            using var answer = await http.GetAsync(new Uri("/api/v1/nodes", UriKind.Relative));
            return (int)answer.StatusCode;
        }

        Assert.Equal(200, await StatusAsync(WithKey(_authority, "O=system:masters, CN=root")));
        Assert.Equal(403, await StatusAsync(WithKey(_authority, "CN=ann")));
        Assert.Equal(401, await StatusAsync(WithKey(Authority("other"), "O=system:masters, CN=root")));
    }

    static X509Certificate2 WithKey(X509Certificate2 by, string subject)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var signed = request.Create(by, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        using var whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }
}
