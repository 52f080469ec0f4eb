using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Hanbae.Host.Pki;

/// <summary>The encryption of a cluster that was told nothing about it: Secrets, under a key beside its other keys.</summary>
/// <remarks>
/// AES-CBC, as the CIS benchmark has it: AES-GCM would want another key every 200,000 writes. What was written before is read as it is, and encrypted when it
/// is written next.
/// </remarks>
static partial class OwnEncryption
{
    public const string FileName = "encryption.yaml";

    [GeneratedRegex(@"\{name: (\S+), secret: (\S+)\}")]
    private static partial Regex Keys();

    public static string New() => Text([("key1", Fresh())]);

    /// <summary>The same with another key in front: from now on it writes, the others still read.</summary>
    public static string WithAnotherKey(string text)
    {
        var keys = Parse(text);
        int last = keys.Select(k => int.TryParse(k.Name.AsSpan(3), out int number) ? number : 0).DefaultIfEmpty().Max();
        return Text([($"key{last + 1}", Fresh()), .. keys]);
    }

    /// <summary>The same with its newest key alone.</summary>
    public static string WithNewestKey(string text) => Text([Parse(text)[0]]);

    static List<(string Name, string Secret)> Parse(string text) => [.. Keys().Matches(text).Select(m => (m.Groups[1].Value, m.Groups[2].Value))];

    static string Fresh() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    static string Text(IEnumerable<(string Name, string Secret)> keys) => $$"""
        apiVersion: apiserver.config.k8s.io/v1
        kind: EncryptionConfiguration
        resources:
        - resources: [secrets]
          providers:
          - aescbc:
              keys:
        {{string.Join('\n', keys.Select(k => $"      - {{name: {k.Name}, secret: {k.Secret}}}"))}}
          - identity: {}

        """;
}
