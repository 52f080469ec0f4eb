using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Host.Pki;
using Hanbae.Host.Settings;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Host.Tests.Pki;

public sealed class RotationTests : IDisposable
{
    static readonly ClusterSettings s_settings = new() { NodeName = "one", PodCidr = "10.244.0.0/16", ServiceCidr = "10.96.0.0/16" };

    readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("hanbae-pki-");
    // Of this machine's own day: TLS asks the system's clock.
    readonly Movable _time = new();

    PkiFolder Folder => new(Path.Combine(_data.FullName, "pki"), _time);

    public void Dispose() => _data.Delete(recursive: true);

    sealed class Movable : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = System.GetUtcNow();
        public override DateTimeOffset GetUtcNow() => Now;
    }

    [Fact]
    public void Certificates_stay_until_they_are_about_to_end()
    {
        var first = ClusterPki.Ensure(Folder, s_settings);
        Assert.Equal(first.Fingerprint, ClusterPki.Ensure(Folder, s_settings).Fingerprint);
        _time.Now += TimeSpan.FromDays(300);
        Assert.Equal(first.Fingerprint, ClusterPki.Ensure(Folder, s_settings).Fingerprint);
        _time.Now += TimeSpan.FromDays(10);
        var second = ClusterPki.Ensure(Folder, s_settings);
        Assert.NotEqual(first.ApiServer.Thumbprint, second.ApiServer.Thumbprint);
        Assert.Equal(first.Authority.TrustedPem, second.Authority.TrustedPem);
    }

    [Fact]
    public void An_authority_is_followed_by_another_before_it_ends_and_believed_until_then()
    {
        var first = ClusterPki.Ensure(Folder, s_settings);
        _time.Now += TimeSpan.FromDays(3300);
        var second = ClusterPki.Ensure(Folder, s_settings);
        Assert.NotEqual(first.Authority.Signing.Thumbprint, second.Authority.Signing.Thumbprint);
        Assert.Equal([second.Authority.Signing.Thumbprint, first.Authority.Signing.Thumbprint], second.Authority.Trusted.Select(c => c.Thumbprint));
        Assert.Equal(second.Authority.Signing.Subject, second.ApiServer.Issuer);
        _time.Now += TimeSpan.FromDays(360);
        Assert.Single(ClusterPki.Ensure(Folder, s_settings).Authority.Trusted);
    }

    [Theory]
    [InlineData("key")]
    [InlineData("cross")]
    [InlineData("nothing")]
    public void A_succession_that_was_interrupted_goes_on(string done)
    {
        string pki = Path.Combine(_data.FullName, "pki");
        string At(string name) => Path.Combine(pki, name);
        var first = ClusterPki.Ensure(Folder, s_settings);
        string[] files = ["ca.key", "ca-cross.crt", "ca.crt"];
        var before = files.Where(f => File.Exists(At(f))).ToDictionary(f => f, f => File.ReadAllText(At(f)));
        var second = Folder.Follow("ca", "kubernetes");
        // As if the process had died after that many of the renames.
        int renamed = done switch { "key" => 1, "cross" => 2, _ => 0 };
        foreach (string file in files[renamed..])
        {
            File.Move(At(file), At(file + ".next"));
            if (before.TryGetValue(file, out string? text)) File.WriteAllText(At(file), text);
        }
        var finished = Folder.Authority("ca", "kubernetes");
        Assert.Equal(second.TrustedPem, finished.TrustedPem);
        Assert.True(finished.Signing.HasPrivateKey);
        Assert.NotEqual(first.Authority.Signing.Thumbprint, finished.Signing.Thumbprint);
        Assert.Single(finished.Crossed);
    }

    [Fact]
    public async Task Who_believes_only_the_old_authority_still_believes_the_server_and_who_believes_only_the_new_one_does_too()
    {
        var first = ClusterPki.Ensure(Folder, s_settings);
        ClusterPki.Follow(Folder);
        var second = ClusterPki.Ensure(Folder, s_settings);
        Assert.True(await BelievesAsync(first.Authority.Signing, first.Shown));
        Assert.True(await BelievesAsync(first.Authority.Signing, second.Shown));
        Assert.True(await BelievesAsync(second.Authority.Signing, second.Shown));
        Assert.False(await BelievesAsync(second.Authority.Signing, first.Shown));
        Assert.True(ClusterPki.Retire(Folder));
        var third = ClusterPki.Ensure(Folder, s_settings);
        Assert.Equal(second.ApiServer.Thumbprint, third.ApiServer.Thumbprint);
        Assert.False(await BelievesAsync(first.Authority.Signing, third.Shown));
        Assert.False(ClusterPki.Retire(Folder));
    }

    static async Task<bool> BelievesAsync(X509Certificate2 root, SslStreamCertificateContext shown)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        var accepting = listener.AcceptTcpClientAsync();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var accepted = await accepting;
        await using var server = new SslStream(accepted.GetStream());
        await using var tls = new SslStream(client.GetStream());
        var serving = server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = shown });
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(root);
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = policy });
            await serving;
            return true;
        }
        catch (System.Security.Authentication.AuthenticationException)
        {
            client.Close();
            await serving.ContinueWith(static _ => { }, TaskScheduler.Default);
            return false;
        }
    }

    [Fact]
    public async Task A_running_cluster_takes_over_what_was_changed_on_the_disk()
    {
        var live = new LivePki(Folder, s_settings, ClusterPki.Ensure(Folder, s_settings), _time, NullLogger.Instance);
        int told = 0;
        using (live.OnChange(() => told++))
        {
            Assert.False(await live.RenewAsync(default));
            string before = live.Now.ApiServer.Thumbprint;
            Folder.Forget();
            Assert.True(await live.RenewAsync(default));
            Assert.NotEqual(before, live.Now.ApiServer.Thumbprint);
            ClusterPki.Follow(Folder);
            Assert.True(await live.RenewAsync(default));
            Assert.Equal(2, live.Now.Authority.Trusted.Count);
        }
        Folder.Forget();
        Assert.True(await live.RenewAsync(default));
        Assert.Equal(2, told);
    }

    [Fact]
    public async Task Keys_of_tokens_follow_each_other_and_a_running_cluster_believes_those_before_until_they_are_retired()
    {
        const string name = ClusterPki.TokenKeyName;
        var live = new LivePki(Folder, s_settings, ClusterPki.Ensure(Folder, s_settings), _time, NullLogger.Instance);
        var first = live.Now.TokenKeys.Single();
        byte[] signature = first.Sign("token"u8);
        Folder.FollowTokenKey(name);
        Assert.True(await live.RenewAsync(default));
        Assert.Equal(2, live.Now.TokenKeys.Length);
        Assert.Equal(first.Id, live.Now.TokenKeys[1].Id);
        Assert.NotEqual(first.Id, live.Now.TokenKeys[0].Id);
        Assert.True(live.Now.TokenKeys[1].Verify("token"u8, signature));
        Assert.False(live.Now.TokenKeys[0].Verify("token"u8, signature));
        // As if the process had died between the two files: the old key signs on, and the new one is known.
        string key = File.ReadAllText(Folder.PathOf("sa.key"));
        Folder.FollowTokenKey(name);
        Folder.Replace("sa.key", key);
        Assert.Equal(live.Now.TokenKeys[0].Id, ClusterPki.Ensure(Folder, s_settings).TokenKeys[0].Id);
        Assert.Equal(3, ClusterPki.Ensure(Folder, s_settings).TokenKeys.Length);

        Assert.True(Folder.RetireTokenKeys(name));
        Assert.True(await live.RenewAsync(default));
        Assert.Single(live.Now.TokenKeys);
        Assert.False(Folder.RetireTokenKeys(name));
        Assert.Contains(CertificateList.Read(Path.Combine(_data.FullName, "pki")), r => r.Name == name && r.Fingerprint == live.Now.TokenKeys[0].Id && r.Ends is null);
    }

    [Fact]
    public void Keys_are_their_owner_s_alone()
    {
        ClusterPki.Ensure(Folder, s_settings);
        ClusterPki.Follow(Folder);
        Folder.Secret("encryption.yaml", () => "x");
        foreach (string file in Directory.EnumerateFiles(Path.Combine(_data.FullName, "pki")).Where(f => f.EndsWith(".key", StringComparison.Ordinal) || f.EndsWith(".yaml", StringComparison.Ordinal)))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, new DirectoryInfo(Path.Combine(_data.FullName, "pki")).UnixFileMode);
    }
}
