using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes;

public sealed class ContentTests : VolumeTest
{
    ConfigMap Settings(params (string, string)[] data)
    {
        Objects.ConfigMaps.RemoveAll(m => m.Metadata.Name == "settings");
        var map = new ConfigMap { Metadata = new() { Name = "settings", Namespace = "default" }, Data = Map.Of(data) };
        Objects.ConfigMaps.Add(map);
        return map;
    }

    static Pod SettingsPod(ConfigMapVolumeSource? source = null) => PodWith(new Volume { Name = "v", ConfigMap = source ?? new() { Name = "settings" } });

    [Fact]
    public async Task Keys_are_files_with_the_default_mode()
    {
        Settings(("a", "1"), ("b", "2"));
        string folder = await PrepareAsync(SettingsPod(new() { Name = "settings", DefaultMode = 256 }));

        Assert.Equal("1", File.ReadAllText(Path.Combine(folder, "a")));
        Assert.Equal("..data/a", new FileInfo(Path.Combine(folder, "a")).LinkTarget);
        Assert.Equal(256u, ModeOf(Path.Combine(folder, "..data/b")));
        Assert.Equal(["..data", "a", "b"], Directory.EnumerateFileSystemEntries(folder).Select(f => Path.GetFileName(f)!).Where(n => !n.StartsWith("..2", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_refresh_swaps_all_files_at_once_and_removes_what_vanished()
    {
        Settings(("a", "1"), ("b", "2"));
        string folder = await PrepareAsync(SettingsPod());
        string before = new FileInfo(Path.Combine(folder, "..data")).LinkTarget!;

        await Volumes.RefreshAsync(SettingsPod(), default);
        Assert.Equal(before, new FileInfo(Path.Combine(folder, "..data")).LinkTarget); // nothing changed: nothing written

        Settings(("a", "3"), ("c", "4"));
        await Volumes.RefreshAsync(SettingsPod(), default);
        Assert.Equal("3", File.ReadAllText(Path.Combine(folder, "a")));
        Assert.Equal("4", File.ReadAllText(Path.Combine(folder, "c")));
        Assert.False(Path.Exists(Path.Combine(folder, "b")) || new FileInfo(Path.Combine(folder, "b")).LinkTarget is not null);
        Assert.Single(Directory.EnumerateDirectories(folder, "..2*"));
    }

    [Fact]
    public async Task What_a_crashed_writer_left_is_swept_by_the_next()
    {
        Settings(("a", "1"));
        string folder = await PrepareAsync(SettingsPod());
        Directory.CreateDirectory(Path.Combine(folder, "..2001_01_01_00_00_00.1/x"));
        File.CreateSymbolicLink(Path.Combine(folder, "..data_tmp"), "..2001_01_01_00_00_00.1");
        File.Delete(Path.Combine(folder, "a"));

        await Volumes.RefreshAsync(SettingsPod(), default);

        Assert.Equal("1", File.ReadAllText(Path.Combine(folder, "a")));
        Assert.Equal(3, Directory.EnumerateFileSystemEntries(folder).Count());
    }

    [Fact]
    public async Task No_reader_sees_a_mixture()
    {
        Settings(("a", "0"), ("b", "0"));
        string folder = await PrepareAsync(SettingsPod());
        using var stop = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            int reads = 0;
            while (!stop.IsCancellationRequested)
            {
                string now = Path.Combine(folder, new FileInfo(Path.Combine(folder, "..data")).LinkTarget!);
                try
                {
                    string a = File.ReadAllText(Path.Combine(now, "a")), b = File.ReadAllText(Path.Combine(now, "b"));
                    Assert.Equal(a, b);
                    reads++;
                }
                catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException) { } // an older folder went while we read: never half of a new one
            }
            return reads;
        });
        for (int i = 1; i <= 100; i++)
        {
            string value = new('x', i);
            Settings(("a", value), ("b", value));
            await Volumes.RefreshAsync(SettingsPod(), default);
        }
        await stop.CancelAsync();
        Assert.True(await reader >= 0);
        Assert.Equal(new string('x', 100), File.ReadAllText(Path.Combine(folder, "b")));
    }

    [Fact]
    public async Task Items_choose_keys_paths_and_modes()
    {
        Settings(("a", "1"), ("b", "2"));
        string folder = await PrepareAsync(SettingsPod(new() { Name = "settings", Items = [new() { Key = "b", Path = "deep/er/b.txt", Mode = 384 }] }));

        Assert.Equal("2", File.ReadAllText(Path.Combine(folder, "deep/er/b.txt")));
        Assert.Equal(384u, ModeOf(Path.Combine(folder, "..data/deep/er/b.txt")));
        Assert.False(Path.Exists(Path.Combine(folder, "a")));
    }

    [Fact]
    public async Task What_is_missing_is_told_as_upstream_tells_it()
    {
        Assert.Equal("MountVolume.SetUp failed for volume \"v\" : configmap \"settings\" not found", await FailureAsync(SettingsPod()));
        Settings(("a", "1"));
        Assert.Equal("MountVolume.SetUp failed for volume \"v\" : configmap references non-existent config key: z",
            await FailureAsync(SettingsPod(new() { Name = "settings", Items = [new() { Key = "z", Path = "z" }] })));
        Assert.Equal("MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found", await FailureAsync(PodWith(new Volume { Name = "v", Secret = new() { SecretName = "s" } })));
    }

    [Fact]
    public async Task Optional_objects_make_empty_volumes_that_fill_later()
    {
        var pod = SettingsPod(new() { Name = "settings", Optional = true });
        string folder = await PrepareAsync(pod);
        Assert.DoesNotContain(Directory.EnumerateFiles(folder, "*"), f => !Path.GetFileName(f).StartsWith("..", StringComparison.Ordinal));

        Settings(("a", "1"));
        await Volumes.RefreshAsync(pod, default);
        Assert.Equal("1", File.ReadAllText(Path.Combine(folder, "a")));
    }

    [Theory]
    [InlineData("/etc/passwd"), InlineData("a/../../b"), InlineData("..data"), InlineData("..")]
    public async Task Paths_stay_in_the_volume(string path)
    {
        Settings(("a", "1"));
        Assert.Contains("invalid path", await FailureAsync(SettingsPod(new() { Name = "settings", Items = [new() { Key = "a", Path = path }] })), StringComparison.Ordinal);
    }

    [RootFact]
    public async Task Secrets_are_in_memory_and_belong_to_the_group()
    {
        Objects.Secrets.Add(new() { Metadata = new() { Name = "s", Namespace = "default" }, Data = Map.Of(("key", new Bytes([0, 255, 1]))) });
        var pod = PodWith(new Volume { Name = "v", Secret = new() { SecretName = "s", DefaultMode = 256 } });
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 4321 } } };
        string folder = await PrepareAsync(pod);

        Assert.Equal("tmpfs", MountTable.Read().At(folder)?.Type);
        Assert.Equal([0, 255, 1], File.ReadAllBytes(Path.Combine(folder, "key")));
        var file = Native.Status(Path.Combine(folder, "key"), follow: true)!.Value;
        Assert.Equal(4321u, file.Group);
        Assert.Equal("440", Convert.ToString(file.Permissions, 8));

        await Volumes.PrepareAsync(pod, default); // again, as after a restart of the kubelet
        Assert.Single(MountTable.Read(), m => m.Path == folder);
        await Volumes.TearDownAsync("u-1", default);
        Assert.Null(MountTable.Read().At(folder));
        Assert.Empty(Volumes.PodsOnDisk());
    }

    [RootFact]
    public async Task Projected_sources_share_a_folder_and_the_token_is_its_users()
    {
        Settings(("ca.crt", "CA"));
        var pod = PodWith(new Volume
        {
            Name = "v", Projected = new()
            {
                Sources = [
                    new() { ServiceAccountToken = new() { Path = "token", Audience = "vault", ExpirationSeconds = 1000 } },
                    new() { ConfigMap = new() { Name = "settings" } },
                    new() { DownwardAPI = new() { Items = [
                        new() { Path = "namespace", FieldRef = new() { FieldPath = "metadata.namespace" } },
                        new() { Path = "labels", FieldRef = new() { FieldPath = "metadata.labels" } },
                        new() { Path = "mem", ResourceFieldRef = new() { ContainerName = "c", Resource = "limits.memory", Divisor = Quantity.Parse("1Mi") } }] } }],
            },
        });
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { RunAsUser = 1234 } } };
        string folder = await PrepareAsync(pod);

        Assert.Equal("web/vault/1", File.ReadAllText(Path.Combine(folder, "token")));
        var token = Native.Status(Path.Combine(folder, "token"), follow: true)!.Value;
        Assert.Equal((1234u, "600"), (token.User, Convert.ToString(token.Permissions, 8)));
        Assert.Equal("CA", File.ReadAllText(Path.Combine(folder, "ca.crt")));
        Assert.Equal("default", File.ReadAllText(Path.Combine(folder, "namespace")));
        Assert.Equal("app=\"web\"\ntier=\"a\\\"b\"", File.ReadAllText(Path.Combine(folder, "labels")));
        Assert.Equal("8192", File.ReadAllText(Path.Combine(folder, "mem")));

        Objects.Now += TimeSpan.FromSeconds(799);
        await Volumes.RefreshAsync(pod, default);
        Assert.Equal("web/vault/1", File.ReadAllText(Path.Combine(folder, "token")));
        Objects.Now += TimeSpan.FromSeconds(1); // four fifths of its life
        Objects.TokensFail = true;
        await Volumes.RefreshAsync(pod, default); // still good
        Objects.TokensFail = false;
        await Volumes.RefreshAsync(pod, default);
        Assert.Equal("web/vault/2", File.ReadAllText(Path.Combine(folder, "token")));
    }

    [Fact]
    public async Task Trust_bundles_are_found_by_name_or_by_signer_and_labels_and_each_authority_is_there_once()
    {
        static string Pem(int n) => System.Security.Cryptography.PemEncoding.WriteString("CERTIFICATE", [(byte)n, 1, 2]) + "\n";
        void Bundle(string name, string signer, string label, params int[] of) => Objects.Bundles.Add(new()
        {
            Metadata = new() { Name = name, Labels = Map.Of(("is", label)) }, Spec = new() { SignerName = signer, TrustBundle = string.Concat(of.Select(Pem)) },
        });
        Bundle("mine", "", "x", 1);
        Bundle("s:a", "example.com/s", "live", 2, 3);
        Bundle("s:b", "example.com/s", "live", 3, 4);
        Bundle("s:c", "example.com/s", "dead", 5);
        async Task<string[]> ReadAsync(string volume, ClusterTrustBundleProjection source)
        {
            string folder = await PrepareAsync(PodWith(new Volume { Name = volume, Projected = new() { Sources = [new() { ClusterTrustBundle = source with { Path = "ca.pem" } }] } }));
            return [.. File.ReadAllText(Path.Combine(folder, "ca.pem")).Split("-----END CERTIFICATE-----\n", StringSplitOptions.RemoveEmptyEntries).Select(p => p + "-----END CERTIFICATE-----\n").Order(StringComparer.Ordinal)];
        }
        string[] one = await ReadAsync("v", new() { Name = "mine" }), live = await ReadAsync("v", new() { SignerName = "example.com/s", LabelSelector = new() { MatchLabels = Map.Of(("is", "live")) } });
        Assert.Equal([Pem(1)], one);
        Assert.Equal(((IEnumerable<string>)[Pem(2), Pem(3), Pem(4)]).Order(StringComparer.Ordinal), live);
        Assert.Equal(4, (await ReadAsync("v", new() { SignerName = "example.com/s", LabelSelector = new() })).Length);
        Assert.Empty(await ReadAsync("v", new() { Name = "nobody", Optional = true }));
        Assert.Contains("clustertrustbundle \"nobody\" not found", await FailureAsync(PodWith(new Volume { Name = "w", Projected = new() { Sources = [new() { ClusterTrustBundle = new() { Name = "nobody", Path = "p" } }] } })));
    }

    [Fact]
    public async Task Everything_a_projection_lacks_is_told_at_once()
    {
        var pod = PodWith(new Volume { Name = "v", Projected = new() { Sources = [
            new() { ConfigMap = new() { Name = "x" } }, new() { Secret = new() { Name = "y" } }, new() { ClusterTrustBundle = new() { Path = "p" } }] } });
        Assert.Equal("MountVolume.SetUp failed for volume \"v\" : [configmap \"x\" not found, secret \"y\" not found, combination of signerName and labelSelector matched zero ClusterTrustBundles]", await FailureAsync(pod));
    }

    [Fact]
    public async Task A_volume_outlives_its_object_but_a_refresh_tells()
    {
        Settings(("a", "1"));
        string folder = await PrepareAsync(SettingsPod());
        Objects.ConfigMaps.Clear();

        Assert.Equal(folder, await PrepareAsync(SettingsPod()));
        Assert.Equal("1", File.ReadAllText(Path.Combine(folder, "a")));
        var told = await Assert.ThrowsAsync<Hanbae.Kubelet.Volumes.VolumeException>(() => Volumes.RefreshAsync(SettingsPod(), default));
        Assert.Equal("MountVolume.SetUp failed for volume \"v\" : configmap \"settings\" not found", told.Message);
    }
}
