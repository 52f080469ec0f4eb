using Hanbae.Host.Commands;
using Hanbae.Host.Pki;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Tests.Commands;

public sealed class KubeconfigPathTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-kubeconfig-").FullName;
    readonly ClusterSettings _settings = new() { NodeName = "n", PodCidr = "10.201.0.0/16", ServiceCidr = "10.202.0.0/16", ControlPlaneOnly = true, ApiPort = 7443 };

    public KubeconfigPathTests() => _settings.Save(_folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string File => KubeconfigPath.Of(_folder);

    string Server() => KubeconfigPath.Read(_folder, config => config.Server.ToString());

    [Theory]
    [InlineData(null, " is gone; ")]
    [InlineData("kind: [", " is damaged (")]
    [InlineData("kind: Config", " is damaged (")]
    [InlineData("current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: nowhere}}]", " is damaged (")]
    public async Task One_that_is_gone_or_damaged_is_told_of_and_written_anew(string? text, string told)
    {
        _ = ClusterPki.Ensure(new PkiFolder(Path.Combine(_folder, ClusterPki.Folder), TimeProvider.System), _settings);
        if (text is not null) await System.IO.File.WriteAllTextAsync(File, text);

        string refusal = Assert.Throws<SettingsException>(Server).Message;
        Assert.StartsWith(File + told, refusal, StringComparison.Ordinal);
        Assert.EndsWith($"; `hanbae kubeconfig --data-dir {_folder}` writes it anew", refusal, StringComparison.Ordinal);
        Assert.True(await KubeconfigPath.MendAsync(_folder, _settings, CancellationToken.None));
        Assert.Equal("https://127.0.0.1:7443/", Server());
        Assert.False(await KubeconfigPath.MendAsync(_folder, _settings, CancellationToken.None));
    }

    [Fact]
    public async Task Of_a_cluster_that_never_was_up_there_is_none()
    {
        Assert.False(await KubeconfigPath.MendAsync(_folder, _settings, CancellationToken.None));
        Assert.False(System.IO.File.Exists(File));
    }
}
