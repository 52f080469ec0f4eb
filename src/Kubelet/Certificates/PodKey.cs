using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Kubelet.Certificates;

/// <summary>A new key of a Pod, and the request by which it is shown to a signer: who the Pod is the request's object says, so that this names nobody.</summary>
/// <param name="Private">PKCS#8, as PEM.</param>
/// <param name="Request">PKCS#10, as DER, signed with the key.</param>
sealed record PodKey(string Private, byte[] Request)
{
    static readonly X500DistinguishedName s_nobody = new("");

    /// <param name="type">Such as <c>ECDSAP256</c>.</param>
    /// <exception cref="NotSupportedException">There is no such type.</exception>
    public static PodKey Make(string type) => type switch
    {
        "RSA3072" => Rsa(3072),
        "RSA4096" => Rsa(4096),
        "ECDSAP256" => Curve(ECCurve.NamedCurves.nistP256, HashAlgorithmName.SHA256),
        "ECDSAP384" => Curve(ECCurve.NamedCurves.nistP384, HashAlgorithmName.SHA384),
        "ECDSAP521" => Curve(ECCurve.NamedCurves.nistP521, HashAlgorithmName.SHA512),
        "ED25519" => Edwards(),
        _ => throw new NotSupportedException($"unknown key type \"{type}\""),
    };

    static PodKey Rsa(int bits)
    {
        using var key = RSA.Create(bits);
        return new(key.ExportPkcs8PrivateKeyPem() + "\n", new CertificateRequest(s_nobody, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest());
    }

    static PodKey Curve(ECCurve curve, HashAlgorithmName hash)
    {
        using var key = ECDsa.Create(curve);
        return new(key.ExportPkcs8PrivateKeyPem() + "\n", new CertificateRequest(s_nobody, key, hash).CreateSigningRequest());
    }

    static PodKey Edwards()
    {
        byte[] seed = RandomNumberGenerator.GetBytes(Ed25519.KeyBytes);
        var generator = new EdwardsSignature(seed);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            using (writer.PushSequence()) writer.WriteObjectIdentifier(Ed25519.Oid);
            using (writer.PushOctetString()) writer.WriteOctetString(seed);
        }
        return new(PemEncoding.WriteString("PRIVATE KEY", writer.Encode()) + "\n", new CertificateRequest(s_nobody, generator.PublicKey, HashAlgorithmName.SHA512).CreateSigningRequest(generator));
    }

    /// <summary>Signs as RFC 8410 has it.</summary>
    sealed class EdwardsSignature(byte[] seed) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm)
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence()) writer.WriteObjectIdentifier(Ed25519.Oid);
            return writer.Encode();
        }

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => Ed25519.Sign(seed, data);

        protected override PublicKey BuildPublicKey()
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                using (writer.PushSequence()) writer.WriteObjectIdentifier(Ed25519.Oid);
                writer.WriteBitString(Ed25519.PublicKeyOf(seed));
            }
            return PublicKey.CreateFromSubjectPublicKeyInfo(writer.Encode(), out _);
        }
    }
}
