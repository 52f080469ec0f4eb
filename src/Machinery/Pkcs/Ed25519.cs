using System.Numerics;
using System.Security.Cryptography;

namespace Hanbae.Machinery.Pkcs;

/// <summary>Signatures by RFC 8032, for keys of Pods' certificates (<c>ED25519</c>): the framework has none.</summary>
/// <remarks>
/// Big integers do not take the same time for all secrets. So nothing is to be signed with it again and again for whoever asks: the kubelet signs
/// one request per key, and the server only verifies.
/// </remarks>
public static class Ed25519
{
    public const string Oid = "1.3.101.112";
    public const int KeyBytes = 32, SignatureBytes = 64;

    static readonly BigInteger s_p = BigInteger.Pow(2, 255) - 19, s_order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
    static readonly BigInteger s_d = Mod(-121665 * Inverse(121666)), s_rootOfMinusOne = BigInteger.ModPow(2, (s_p - 1) / 4, s_p);
    static readonly Point s_base = BasePoint(), s_zero = new(0, 1, 1, 0);

    /// <summary>In extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z.</summary>
    readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z, BigInteger T);

    public static byte[] PublicKeyOf(ReadOnlySpan<byte> seed) => Encode(Times(s_base, SecretOf(seed, out _)));

    public static byte[] Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> message)
    {
        var secret = SecretOf(seed, out byte[] prefix);
        byte[] publicKey = Encode(Times(s_base, secret));
        var nonce = Number(SHA512.HashData([.. prefix, .. message])) % s_order;
        byte[] point = Encode(Times(s_base, nonce));
        var challenge = Number(SHA512.HashData([.. point, .. publicKey, .. message])) % s_order;
        return [.. point, .. Bytes((nonce + challenge * secret) % s_order)];
    }

    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != KeyBytes || signature.Length != SignatureBytes || Decode(publicKey) is not { } key) return false;
        var scalar = Number(signature[32..]);
        if (scalar >= s_order) return false; // or anybody could make another valid signature of a valid one
        var challenge = Number(SHA512.HashData([.. signature[..32], .. publicKey, .. message])) % s_order;
        var negative = key with { X = Mod(-key.X), T = Mod(-key.T) };
        return signature[..32].SequenceEqual(Encode(Add(Times(s_base, scalar), Times(negative, challenge))));
    }

    static BigInteger SecretOf(ReadOnlySpan<byte> seed, out byte[] prefix)
    {
        byte[] hash = SHA512.HashData(seed);
        prefix = hash[32..];
        hash[0] &= 0xF8;
        hash[31] = (byte)(hash[31] & 0x7F | 0x40);
        return Number(hash.AsSpan(0, 32));
    }

    static Point BasePoint()
    {
        var y = Mod(4 * Inverse(5));
        return Affine(X(y, odd: false)!.Value, y);
    }

    static Point Affine(BigInteger x, BigInteger y) => new(x, y, 1, Mod(x * y));

    /// <summary>The x of a point of the curve, which has two; null when there is none of that y.</summary>
    static BigInteger? X(BigInteger y, bool odd)
    {
        var square = Mod((y * y - 1) * Inverse(s_d * y * y + 1));
        var x = BigInteger.ModPow(square, (s_p + 3) / 8, s_p);
        if (Mod(x * x - square) != 0) x = Mod(x * s_rootOfMinusOne);
        if (Mod(x * x - square) != 0 || x.IsZero && odd) return null;
        return x.IsEven == odd ? s_p - x : x;
    }

    static Point Add(Point p, Point q)
    {
        var (a, b) = (Mod((p.Y - p.X) * (q.Y - q.X)), Mod((p.Y + p.X) * (q.Y + q.X)));
        var (c, d) = (Mod(2 * p.T * q.T * s_d), Mod(2 * p.Z * q.Z));
        var (e, f, g, h) = (b - a, d - c, d + c, b + a);
        return new(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    static Point Times(Point p, BigInteger scalar)
    {
        var sum = s_zero;
        for (; !scalar.IsZero; scalar >>= 1, p = Add(p, p))
            if (!scalar.IsEven) sum = Add(sum, p);
        return sum;
    }

    static byte[] Encode(Point p)
    {
        var z = Inverse(p.Z);
        byte[] bytes = Bytes(Mod(p.Y * z));
        if (!Mod(p.X * z).IsEven) bytes[31] |= 0x80;
        return bytes;
    }

    static Point? Decode(ReadOnlySpan<byte> bytes)
    {
        byte[] copy = bytes.ToArray();
        bool odd = (copy[31] & 0x80) != 0;
        copy[31] &= 0x7F;
        var y = Number(copy);
        return y < s_p && X(y, odd) is { } x ? Affine(x, y) : null;
    }

    static BigInteger Inverse(BigInteger n) => BigInteger.ModPow(Mod(n), s_p - 2, s_p);

    static BigInteger Mod(BigInteger n)
    {
        var rest = n % s_p;
        return rest.Sign < 0 ? rest + s_p : rest;
    }

    static BigInteger Number(ReadOnlySpan<byte> littleEndian) => new(littleEndian, isUnsigned: true);

    static byte[] Bytes(BigInteger n)
    {
        byte[] bytes = new byte[32];
        n.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }
}
