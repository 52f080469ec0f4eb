using System.Buffers.Text;
using System.Security.Cryptography;
using Hanbae.Api.Json;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>A key that signs or checks service account tokens, with the name by which tokens refer to it.</summary>
public sealed class TokenKey
{
    readonly ECDsa? _ec;
    readonly RSA? _rsa;
    readonly HashAlgorithmName _hash;

    TokenKey(ECDsa? ec, RSA? rsa, byte[] publicKey)
    {
        (_ec, _rsa) = (ec, rsa);
        // As upstream: the digest of the public key, so that every server of a cluster names it the same.
        Id = Base64Url.EncodeToString(SHA256.HashData(publicKey));
        (Algorithm, _hash) = ec?.KeySize switch
        {
            null => ("RS256", HashAlgorithmName.SHA256),
            256 => ("ES256", HashAlgorithmName.SHA256),
            384 => ("ES384", HashAlgorithmName.SHA384),
            521 => ("ES512", HashAlgorithmName.SHA512),
            _ => throw new CryptographicException("the key's curve is none that tokens are signed with (P-256, P-384, P-521)"),
        };
    }

    public string Id { get; }
    /// <summary>Its name in JOSE: RS256, ES256, ES384 or ES512.</summary>
    public string Algorithm { get; }

    public static TokenKey Of(ECDsa key) => new(key, null, key.ExportSubjectPublicKeyInfo());
    public static TokenKey Of(RSA key) => new(null, key, key.ExportSubjectPublicKeyInfo());

    /// <summary>A private or public key in PEM.</summary>
    /// <exception cref="ArgumentException">Neither an RSA nor an ECDSA key.</exception>
    public static TokenKey FromPem(string pem)
    {
        if (!pem.Contains("RSA ", StringComparison.Ordinal))
        {
            var ec = ECDsa.Create();
            try
            {
                ec.ImportFromPem(pem);
                return Of(ec);
            }
            catch (Exception e) when (e is ArgumentException or CryptographicException) { ec.Dispose(); }
        }
        var rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        return Of(rsa);
    }

    // Keys are not safe for several threads at once by contract; a signature takes well under a millisecond.

    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        if (_ec is { } ec)
            lock (ec) return ec.SignData(data, _hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        lock (_rsa!) return _rsa.SignData(data, _hash, RSASignaturePadding.Pkcs1);
    }

    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (_ec is { } ec)
            lock (ec) return ec.VerifyData(data, signature, _hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        lock (_rsa!) return _rsa.VerifyData(data, signature, _hash, RSASignaturePadding.Pkcs1);
    }

    /// <summary>The public key as a JSON web key.</summary>
    public JsonObject ToJwk()
    {
        var key = JsonObject.Of(("use", "sig"), ("kty", _ec is null ? "RSA" : "EC"), ("kid", Id));
        if (_ec is not null)
        {
            var point = _ec.ExportParameters(false).Q;
            return key.With("crv", "P-" + _ec.KeySize).With("alg", Algorithm).With("x", Base64Url.EncodeToString(point.X)).With("y", Base64Url.EncodeToString(point.Y));
        }
        var numbers = _rsa!.ExportParameters(false);
        return key.With("alg", Algorithm).With("n", Base64Url.EncodeToString(numbers.Modulus)).With("e", Base64Url.EncodeToString(numbers.Exponent));
    }
}
