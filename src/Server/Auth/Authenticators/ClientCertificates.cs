using System.Formats.Asn1;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Server.Auth.Authenticators;

/// <summary>Knows users by the certificate of their connection: the common name is the user, organizations are groups.</summary>
/// <remarks>
/// The certificate is the same object for all requests of a connection, and the chain is built once for each of them (or of its fingerprint):
/// a further request costs one look-up. Bound: 4,096 fingerprints. As upstream there is no revocation: access ends with the certificate or the authority.
/// </remarks>
public sealed class ClientCertificates(Func<X509Certificate2Collection> authorities, TimeProvider time) : IAuthenticator
{
    const string ClientAuth = "1.3.6.1.5.5.7.3.2";
    /// <summary>Upstream's object identifier of a user's uid (AllowParsingUserUIDFromCertAuth).</summary>
    const string UserId = "1.3.6.1.4.1.57683.2";

    sealed record Seen(AuthResult Result, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

    /// <summary>What was found out under one set of authorities: another set begins anew.</summary>
    sealed record Known(X509Certificate2Collection Authorities)
    {
        public ConditionalWeakTable<X509Certificate2, Seen> ByConnection { get; } = [];
        public Recent<Digest, Seen> ByFingerprint { get; } = new(4096);
    }

    /// <param name="authorities">The same for good.</param>
    public ClientCertificates(X509Certificate2Collection authorities, TimeProvider time) : this(() => authorities, time) { }

    volatile Known _known = new(authorities());

    Known Now => _known is { } known && ReferenceEquals(known.Authorities, authorities()) ? known : _known = new(authorities());

    public ValueTask<AuthResult> AuthenticateAsync(RequestContext request, CancellationToken ct) =>
        new(request.ClientCertificate is { } certificate && Now.Authorities.Count > 0 ? Authenticate(certificate) : AuthResult.NoOpinion);

    internal AuthResult Authenticate(X509Certificate2 certificate)
    {
        var known = Now;
        if (!known.ByConnection.TryGetValue(certificate, out var seen))
        {
            var digest = Digest.Of(certificate.RawDataMemory.Span);
            seen = known.ByFingerprint.Find(digest) ?? Verify(certificate, known.Authorities);
            if (seen.Result.User is not null) known.ByFingerprint.Set(digest, seen);
            known.ByConnection.AddOrUpdate(certificate, seen);
        }
        if (seen.Result.User is null) return seen.Result;
        var now = time.GetUtcNow();
        return now > seen.NotAfter || now < seen.NotBefore
            ? AuthResult.Rejected("x509: certificate has expired or is not yet valid") : seen.Result;
    }

    Seen Verify(X509Certificate2 certificate, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuth));
        if (!chain.Build(certificate))
        {
            string why = string.Join(", ", chain.ChainStatus.Select(s => s.Status.ToString()).Distinct());
            return Bad("x509: certificate is not valid for this server: " + why);
        }
        Identity user;
        try { user = UserOf(certificate); }
        catch (AsnContentException e) { return Bad("x509: " + e.Message); }
        if (user.Name.Length == 0) return Bad("x509: certificate has no common name");
        var ends = chain.ChainElements.Select(e => e.Certificate.NotAfter.ToUniversalTime()).Min();
        var starts = chain.ChainElements.Select(e => e.Certificate.NotBefore.ToUniversalTime()).Max();
        return new(AuthResult.Known(Groups.WithAuthenticated(user)), new(starts), new(ends));
    }

    static Seen Bad(string why) => new(AuthResult.Rejected(why), DateTimeOffset.MinValue, DateTimeOffset.MaxValue);

    static Identity UserOf(X509Certificate2 certificate)
    {
        string name = "", uid = "";
        var groups = new List<string>();
        foreach (var (id, value) in SubjectParts.Of(certificate.SubjectName))
            switch (id)
            {
                case SubjectParts.CommonName: name = value; break;
                case SubjectParts.Organization: groups.Add(value); break;
                case UserId: uid = value; break;
            }
        string fingerprint = "X509SHA256=" + System.Convert.ToHexStringLower(SHA256.HashData(certificate.RawDataMemory.Span));
        return new(name, groups.ToSeq()) { Uid = uid, Extra = Map.Of<Seq<string>>(("authentication.kubernetes.io/credential-id", [fingerprint])) };
    }
}
