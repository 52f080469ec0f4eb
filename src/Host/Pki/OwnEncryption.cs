using System.Security.Cryptography;

namespace Hanbae.Host.Pki;

/// <summary>The encryption of a cluster that was told nothing about it: Secrets, under a key beside its other keys.</summary>
/// <remarks>
/// AES-CBC, as the CIS benchmark has it: AES-GCM would want another key every 200,000 writes. What was written before is read as it is, and encrypted when it
/// is written next.
/// </remarks>
static class OwnEncryption
{
    public const string FileName = "encryption.yaml";

    public static string New() => $$"""
        apiVersion: apiserver.config.k8s.io/v1
        kind: EncryptionConfiguration
        resources:
        - resources: [secrets]
          providers:
          - aescbc:
              keys:
              - {name: key1, secret: {{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}}}
          - identity: {}

        """;
}
