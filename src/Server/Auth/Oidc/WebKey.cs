using System.Buffers.Text;
using System.Security.Cryptography;
using Hanbae.Api.Json;

namespace Hanbae.Server.Auth.Oidc;

/// <summary>A public key out of an issuer's key set; it says itself which algorithms it checks, so that no token can choose another kind.</summary>
sealed class WebKey : IDisposable
{
    readonly RSA? _rsa;
    readonly ECDsa? _ec;
    readonly string _algorithm;

    WebKey(string id, string algorithm, RSA? rsa, ECDsa? ec) => (Id, _algorithm, _rsa, _ec) = (id, algorithm, rsa, ec);

    public string Id { get; }

    /// <returns>Null for keys that sign nothing we check: for encryption, symmetric, or of another curve.</returns>
    public static WebKey? Read(JsonObject jwk)
    {
        if (jwk["use"].Text() is not ("" or "sig")) return null;
        string id = jwk["kid"].Text(), algorithm = jwk["alg"].Text();
        try
        {
            switch (jwk["kty"].Text())
            {
                case "RSA" when Number(jwk, "n") is { Length: >= 128 } n && Number(jwk, "e") is { Length: > 0 } e:
                    return new(id, algorithm, RSA.Create(new RSAParameters { Modulus = n, Exponent = e }), null);
                case "EC" when Curve(jwk["crv"].Text()) is var (curve, size) && Number(jwk, "x") is { } x && Number(jwk, "y") is { } y && x.Length <= size && y.Length <= size:
                    return new(id, algorithm, null, ECDsa.Create(new ECParameters { Curve = curve, Q = new() { X = Padded(x, size), Y = Padded(y, size) } }));
                default: return null;
            }
        }
        catch (CryptographicException) { return null; }
    }

    /// <param name="algorithm">What the token says: it must be one that this key can check, and the key's own when it names one.</param>
    public bool Verify(string algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (_algorithm.Length > 0 && _algorithm != algorithm || algorithm.Length != 5) return false;
        HashAlgorithmName hash;
        switch (algorithm.AsSpan(2))
        {
            case "256": hash = HashAlgorithmName.SHA256; break;
            case "384": hash = HashAlgorithmName.SHA384; break;
            case "512": hash = HashAlgorithmName.SHA512; break;
            default: return false;
        }
        // Keys are not safe for several threads at once by contract.
        switch (algorithm.AsSpan(0, 2))
        {
            case "RS" when _rsa is { } rsa: lock (rsa) return rsa.VerifyData(signed, signature, hash, RSASignaturePadding.Pkcs1);
            case "PS" when _rsa is { } rsa: lock (rsa) return rsa.VerifyData(signed, signature, hash, RSASignaturePadding.Pss);
            case "ES" when _ec is { } ec && ec.KeySize == (algorithm == "ES512" ? 521 : algorithm == "ES384" ? 384 : 256):
                lock (ec) return ec.VerifyData(signed, signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            default: return false;
        }
    }

    static (ECCurve Curve, int Size)? Curve(string name) => name switch
    {
        "P-256" => (ECCurve.NamedCurves.nistP256, 32),
        "P-384" => (ECCurve.NamedCurves.nistP384, 48),
        "P-521" => (ECCurve.NamedCurves.nistP521, 66),
        _ => null,
    };

    static byte[] Padded(byte[] number, int size) => number.Length == size ? number : [.. new byte[size - number.Length], .. number];
    static byte[]? Number(JsonObject jwk, string name) => jwk[name].Text() is { Length: > 0 } text && Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : null;

    public void Dispose()
    {
        _rsa?.Dispose();
        _ec?.Dispose();
    }
}
