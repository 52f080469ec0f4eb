using System.Text;
using Hanbae.Server.Encryption;
using Hanbae.Store;
using Hanbae.Store.Encryption;
using Hanbae.Store.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Server.Tests.Encryption;

public sealed class EncryptionConfigurationTests
{
    const string Key = "c2VjcmV0IGlzIHNlY3VyZSBlbm91Z2gsIHRoaXJ0eTI=";

    static string Config(string providers, string resources = "[secrets]") => $"""
        apiVersion: apiserver.config.k8s.io/v1
        kind: EncryptionConfiguration
        resources:
        - resources: {resources}
          providers:
        {providers}
        """;

    [Fact]
    public void Each_key_is_a_way_to_read_and_the_first_one_writes()
    {
        var rules = EncryptionConfiguration.Parse(Config($$"""
              - aescbc: {keys: [{name: b, secret: {{Key}}}, {name: a, secret: {{Key}}}]}
              - aesgcm: {keys: [{name: c, secret: {{Key}}}]}
              - secretbox: {keys: [{name: d, secret: {{Key}}}]}
              - kms: {apiVersion: v2, name: vault, endpoint: unix:///run/kms.sock, timeout: 5s}
              - identity: {}
            """), TimeProvider.System);
        var chain = rules.For(new("/registry/secrets/default/x"))!;
        Assert.Equal(["k8s:enc:aescbc:v1:b:", "k8s:enc:aescbc:v1:a:", "k8s:enc:aesgcm:v1:c:", "k8s:enc:secretbox:v1:d:", "k8s:enc:kms:v2:vault:", ""], chain.Providers.Select(p => Encoding.UTF8.GetString(p.Prefix.Span)));
        Assert.Null(rules.For(new("/registry/configmaps/default/x")));
    }

    [Theory]
    [InlineData("  - secretbox: {keys: [{name: a, secret: MDEyMzQ1Njc4OWFiY2RlZg==}]}", "got 16, expected one of [32]")]
    [InlineData("  - aesgcm: {keys: []}", "at least one key is required")]
    [InlineData("  - aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}", "got 5, expected one of [16 24 32]")]
    [InlineData("  - aesgcm: {keys: [{name: a, secret: '!'}]}", "secret must be base64 encoded")]
    [InlineData("  - kms: {name: a, endpoint: unix:///x}", "Use KMSv2 instead")]
    [InlineData("  - kms: {apiVersion: v2, name: a, endpoint: https://x}", "unsupported scheme")]
    [InlineData("  - identity: {}\n    aesgcm: {keys: []}", "more than one provider specified")]
    [InlineData("  - rot13: {}", "unknown field \"resources[0].providers[0].rot13\"")]
    public void What_cannot_be_is_told(string providers, string why) =>
        Assert.Contains(why, Assert.Throws<FormatException>(() => EncryptionConfiguration.Parse(Config(providers), TimeProvider.System)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_changed_file_is_taken_over_and_a_broken_one_is_not()
    {
        var folder = Directory.CreateTempSubdirectory("hanbae-encryption-");
        try
        {
            string path = Path.Combine(folder.FullName, "config.yaml");
            await File.WriteAllTextAsync(path, Config("  - identity: {}"));
            using var file = new EncryptionFile(path, TimeProvider.System, NullLogger.Instance);
            Assert.True(file.Rules.Rules[0].Chain.IsIdentity);
            Assert.False(file.Reload());
            await File.WriteAllTextAsync(path, "kind: Nonsense");
            Assert.False(file.Reload());
            Assert.True(file.Rules.Rules[0].Chain.IsIdentity);
            await File.WriteAllTextAsync(path, Config($"  - aesgcm: {{keys: [{{name: a, secret: {Key}}}]}}"));
            Assert.True(file.Reload());
            Assert.False(file.Rules.Rules[0].Chain.IsIdentity);
        }
        finally { folder.Delete(recursive: true); }
    }
}
