using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Hanbae.Host.Checks.Cis;

/// <summary>Whether a server takes a TLS version and one of some ciphers: a greeting written by hand, so that what this machine's own library refuses to ask for is asked for all the same.</summary>
static class TlsProbe
{
    public const ushort Tls10 = 0x0301, Tls11 = 0x0302, Tls12 = 0x0303;

    /// <summary>By IANA's numbers: what has forward secrecy, but CBC.</summary>
    public static ushort[] WithCbc { get; } = [0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028];

    /// <summary>Keys under RSA, RC4, 3DES, no encryption, nobody's key.</summary>
    public static ushort[] Weak { get; } = [0x002F, 0x0035, 0x003C, 0x009C, 0x009D, 0x0005, 0xC007, 0xC011, 0x000A, 0xC008, 0xC012, 0x0002, 0x003B, 0xC006, 0xC010, 0x0034, 0x006C, 0xC018];

    public static ushort[] Strong { get; } = [0xC02B, 0xC02C, 0xCCA9, 0xC02F, 0xC030, 0xCCA8];

    /// <returns>Whether the server chose one of them.</returns>
    public static async Task<bool> TakesAsync(Uri server, ushort version, IReadOnlyList<ushort> suites, CancellationToken ct)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.Host, server.Port, ct);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Greeting(version, suites), ct);
        // A record: its type, a version, a length; then of a handshake the kind, where 2 is the server's greeting.
        const byte handshake = 22, greeting = 2;
        byte[] answer = new byte[6];
        try { await stream.ReadExactlyAsync(answer, ct); }
        catch (IOException) { return false; }
        return answer[0] == handshake && answer[5] == greeting;
    }

    static byte[] Greeting(ushort version, IReadOnlyList<ushort> suites)
    {
        byte[] extensions =
        [
            // Groups: x25519, P-256, P-384. Points as they are. Signatures: ECDSA and RSA, with SHA-1 too, as old clients asked for.
            0, 10, 0, 8, 0, 6, 0, 0x1d, 0, 0x17, 0, 0x18,
            0, 11, 0, 2, 1, 0,
            0, 13, 0, 16, 0, 14, 4, 3, 5, 3, 8, 4, 8, 5, 4, 1, 2, 3, 2, 1,
        ];
        byte[] body = new byte[2 + 32 + 1 + 2 + 2 * suites.Count + 2 + 2 + extensions.Length];
        BinaryPrimitives.WriteUInt16BigEndian(body, version);
        RandomNumberGenerator.Fill(body.AsSpan(2, 32));
        int at = 35;
        void Put(int number)
        {
            BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(at), (ushort)number);
            at += 2;
        }
        Put(2 * suites.Count);
        foreach (ushort suite in suites) Put(suite);
        Put(0x0100);
        Put(extensions.Length);
        extensions.CopyTo(body, at);
        byte[] record = new byte[9 + body.Length];
        (record[0], record[1], record[2], record[5]) = (22, 3, 1, 1);
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(3), (ushort)(4 + body.Length));
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(7), (ushort)body.Length);
        body.CopyTo(record, 9);
        return record;
    }
}
