using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Hanbae.Server.Auth;

/// <summary>Stands for a secret in look-ups: neither the time a look-up takes nor a dump of the table tells the secret.</summary>
readonly record struct Digest(ulong A, ulong B, ulong C, ulong D)
{
    public static Digest Of(ReadOnlySpan<byte> secret)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(secret, hash);
        var words = MemoryMarshal.Cast<byte, ulong>(hash);
        return new(words[0], words[1], words[2], words[3]);
    }

    public static Digest Of(string secret) => Of(Encoding.UTF8.GetBytes(secret));

    /// <summary>Takes the same time wherever they differ.</summary>
    public static bool Same(string a, string b) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(a)), SHA256.HashData(Encoding.UTF8.GetBytes(b)));
}
