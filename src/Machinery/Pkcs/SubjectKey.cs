using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Machinery.Pkcs;

/// <summary>The public key that a Pod's certificate is asked for: which kind it is, whether it signed something, whether a certificate is for it.</summary>
public sealed class SubjectKey
{
    const string Rsa = "1.2.840.113549.1.1.1", EllipticCurve = "1.2.840.10045.2.1";
    static readonly string[] s_curves = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];

    readonly PublicKey _key;

    SubjectKey(PublicKey key) => _key = key;

    /// <summary>What PKIX calls SubjectPublicKeyInfo; null when it is none.</summary>
    public static SubjectKey? TryParse(ReadOnlySpan<byte> info)
    {
        try
        {
            var key = PublicKey.CreateFromSubjectPublicKeyInfo(info, out int read);
            return read == info.Length ? new(key) : null;
        }
        catch (CryptographicException) { return null; }
    }

    public static SubjectKey Of(X509Certificate2 certificate) => new(certificate.PublicKey);

    /// <summary>Of a PKCS#10 request in DER that is signed with its own key.</summary>
    /// <param name="reason">Why it is none; empty when it is.</param>
    public static SubjectKey? OfRequest(ReadOnlySpan<byte> der, out string reason)
    {
        reason = "must be a valid PKCS#10 certificate signing request";
        try
        {
            var request = CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256, out int read,
                CertificateRequestLoadOptions.SkipSignatureValidation | CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            if (read != der.Length) return null;
            var key = new SubjectKey(request.PublicKey);
            reason = key.Signed(der) ? "" : "could not verify the signature of the certificate signing request";
            return reason.Length == 0 ? key : null;
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException or ArgumentException or NotSupportedException) { return null; }
    }

    /// <summary>Whether a request is signed with this key.</summary>
    bool Signed(ReadOnlySpan<byte> der)
    {
        if (_key.Oid.Value != Ed25519.Oid)
        {
            try
            {
                CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256, out _, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
                return true;
            }
            catch (CryptographicException) { return false; }
        }
        var request = new AsnReader(der.ToArray(), AsnEncodingRules.DER).ReadSequence();
        var signed = request.ReadEncodedValue();
        bool right = request.ReadSequence().ReadObjectIdentifier() == Ed25519.Oid;
        return right && Ed25519.Verify(_key.EncodedKeyValue.RawData, signed.Span, request.ReadBitString(out _));
    }

    /// <summary>What is wrong with it, and how it is shown; null when it is of a kind that Pods may have.</summary>
    public (string Shown, string Why)? Wrong
    {
        get
        {
            switch (_key.Oid.Value)
            {
                case Ed25519.Oid: return null;
                case EllipticCurve: return s_curves.Contains(Curve) ? null : ("curve " + Curve, "elliptic public keys must use curve P256 or P384");
                case Rsa:
                    using (var rsa = _key.GetRSAPublicKey()!)
                        return rsa.KeySize is 3072 or 4096 ? null : ($"{rsa.KeySize}-bit modulus", "RSA keys must have modulus size 3072 or 4096");
                default: return (_key.Oid.Value ?? "", "unknown public key type; supported types are Ed25519, ECDSA, and RSA");
            }
        }
    }

    string Curve
    {
        get
        {
            try { return new AsnReader(_key.EncodedParameters!.RawData, AsnEncodingRules.DER).ReadObjectIdentifier(); }
            catch (AsnContentException) { return ""; }
        }
    }

    /// <summary>Whether who has the key signed that: ASN.1 of ECDSA and PSS of RSA over its SHA-256, Ed25519 over itself (KEP-4317).</summary>
    public bool Proves(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        try
        {
            switch (_key.Oid.Value)
            {
                case Ed25519.Oid: return Ed25519.Verify(_key.EncodedKeyValue.RawData, data, signature);
                case EllipticCurve:
                    using (var curve = _key.GetECDsaPublicKey()!) return curve.VerifyHash(SHA256.HashData(data), signature, DSASignatureFormat.Rfc3279DerSequence);
                case Rsa:
                    using (var rsa = _key.GetRSAPublicKey()!)
                        return rsa.VerifyHash(SHA256.HashData(data), signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
                default: return false;
            }
        }
        catch (CryptographicException) { return false; }
    }

    public bool Is(SubjectKey other) => _key.Oid.Value == other._key.Oid.Value && _key.EncodedKeyValue.RawData.AsSpan().SequenceEqual(other._key.EncodedKeyValue.RawData)
        && (_key.Oid.Value != EllipticCurve || Curve == other.Curve);
}
