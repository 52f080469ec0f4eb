using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Kit;
using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Kubelet.Volumes.Local;

namespace Hanbae.Kubelet.Tests.Volumes;

public sealed class LocalProvisionerTests : IAsyncLifetime
{
    const string Uid = "0b5ae6a5-9d2c-4d5a-8f64-0123456789ab", Volume = "pvc-" + Uid;

    readonly string _root = Directory.CreateTempSubdirectory("hanbae-local-").FullName;
    readonly CancellationTokenSource _stop = new();
    readonly FakeApi _api = new();
    readonly Told _told = new();
    readonly Task _running;

    public LocalProvisionerTests()
    {
        var informers = new InformerFactory(_api, TimeProvider.System);
        var (real, simulated) = (new LocalFolders(Folder), new SimulatedDisk());
        var provisioner = new LocalProvisioner(new Access(new ApiClient(_api, TimeProvider.System), informers, _told), node => node switch { "n" => real, "s" => simulated, _ => null });
        _running = Task.WhenAll(informers.RunAsync(_stop.Token), new ReconcileLoop("local", provisioner, TimeProvider.System).RunAsync(_stop.Token));
        foreach (string node in (string[])["n", "s", "foreign"]) _api.Put(new Node { Metadata = new() { Name = node, Labels = Map.Of(("kubernetes.io/hostname", "host-" + node)) } });
        _api.Put(Class("local", "WaitForFirstConsumer"));
        _api.Put(Class("now", "Immediate"));
    }

    string Folder => Path.Combine(_root, "volumes");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(30));
        _stop.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    static StorageClass Class(string name, string mode) => new()
    {
        Metadata = new() { Name = name }, Provisioner = LocalProvisioner.Name, VolumeBindingMode = mode, ReclaimPolicy = "Delete", AllowVolumeExpansion = true,
    };

    PersistentVolumeClaim Claim(string name, string @class = "local", string node = "n", string uid = Uid, Func<PersistentVolumeClaimSpec, PersistentVolumeClaimSpec>? change = null)
    {
        var notes = Map.Of(("volume.kubernetes.io/storage-provisioner", LocalProvisioner.Name));
        var spec = new PersistentVolumeClaimSpec { AccessModes = ["ReadWriteOnce"], StorageClassName = @class, Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("30Gi"))) } };
        return _api.Put(new PersistentVolumeClaim
        {
            Metadata = new() { Name = name, Namespace = "default", Uid = uid, Annotations = node.Length > 0 ? notes.Set("volume.kubernetes.io/selected-node", node) : notes },
            Spec = change?.Invoke(spec) ?? spec, Status = new() { Phase = "Pending" },
        });
    }

    async Task<PersistentVolume> MadeAsync(string name = Volume)
    {
        await _api.UntilAsync(a => a.Find<PersistentVolume>(name, "") is not null, "volume " + name);
        return _api.Find<PersistentVolume>(name, "")!;
    }

    /// <summary>The claim goes first: one that waits would get another volume as soon as this one is gone.</summary>
    void Release()
    {
        _api.Remove<PersistentVolumeClaim>("c");
        _api.Change<PersistentVolume>(Volume, v => v with { Status = new() { Phase = "Released" } }, "");
    }

    [Fact]
    public async Task A_claim_gets_a_folder_on_the_chosen_node_and_gives_it_back()
    {
        Claim("c");
        var made = await MadeAsync();
        Assert.Equal((Path.Combine(Folder, Volume), "30Gi", "Delete", "local", Uid), (made.Spec.Local!.Path, made.Spec.Capacity["storage"].ToString(), made.Spec.PersistentVolumeReclaimPolicy, made.Spec.StorageClassName, made.Spec.ClaimRef!.Uid));
        Assert.Equal("host-n", made.Spec.NodeAffinity!.Required!.NodeSelectorTerms[0].MatchExpressions[0].Values[0]);
        Assert.True(Directory.Exists(made.Spec.Local.Path));
        string outside = Path.Combine(_root, "outside");
        await File.WriteAllTextAsync(outside, "");
        Directory.CreateDirectory(Path.Combine(made.Spec.Local.Path, "deep"));
        File.CreateSymbolicLink(Path.Combine(made.Spec.Local.Path, "deep", "out"), _root);

        Release();

        await _api.UntilAsync(a => a.Find<PersistentVolume>(Volume, "") is null, "volume gone");
        Assert.False(Directory.Exists(made.Spec.Local.Path));
        Assert.True(File.Exists(outside));
    }

    [Fact]
    public async Task A_class_that_comes_after_its_claim_wakes_it()
    {
        Claim("c", "late");
        // Its turn was over when that of the next one is.
        Claim("mark", uid: "11111111-9d2c-4d5a-8f64-0123456789ab");
        await MadeAsync("pvc-11111111-9d2c-4d5a-8f64-0123456789ab");
        Assert.Null(_api.Find<PersistentVolume>(Volume, ""));

        _api.Put(Class("late", "WaitForFirstConsumer"));

        Assert.Equal("late", (await MadeAsync()).Spec.StorageClassName);
    }

    [Fact]
    public async Task A_node_that_may_be_used_again_wakes_the_claims_that_want_any()
    {
        _api.Change<Node>("n", n => n with { Spec = n.Spec with { Unschedulable = true } }, "");
        _api.Change<Node>("s", n => n with { Spec = n.Spec with { Unschedulable = true } }, "");
        Claim("c", "now", node: "");
        Claim("mark", uid: "11111111-9d2c-4d5a-8f64-0123456789ab");
        await MadeAsync("pvc-11111111-9d2c-4d5a-8f64-0123456789ab");

        _api.Change<Node>("n", n => n with { Spec = n.Spec with { Unschedulable = false } }, "");

        Assert.Equal("n", (await MadeAsync()).Metadata.Annotations["hanbae.dev/node"]);
    }

    [Remote.DiskFact]
    public async Task A_volume_whose_class_has_its_size_enforced_holds_no_more_grows_and_is_mounted_again_when_it_has_to_be()
    {
        _api.Put(Class("strict", "WaitForFirstConsumer") with { Parameters = Map.Of(("sizeLimit", "enforced")) });
        Claim("c", "strict", change: s => s with { Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("16Mi"))) } });
        string path = (await MadeAsync()).Spec.Local!.Path;
        try
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(path));
            Assert.Equal(0x1FFu, VolumeTest.ModeOf(path));
            await File.WriteAllTextAsync(Path.Combine(path, "note"), "kept");
            Assert.Throws<IOException>(() => File.WriteAllBytes(Path.Combine(path, "big"), new byte[20 << 20]));
            File.Delete(Path.Combine(path, "big"));

            _api.Change<PersistentVolumeClaim>("c", c => c with
            {
                Spec = c.Spec with { VolumeName = Volume, Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("40Mi"))) } }, Status = new() { Phase = "Bound", Capacity = Map.Of(("storage", Quantity.Parse("16Mi"))) },
            });
            await _api.UntilAsync(a => a.Find<PersistentVolumeClaim>("c")!.Status.Capacity["storage"] == Quantity.Parse("40Mi"), "growth");
            await File.WriteAllBytesAsync(Path.Combine(path, "big"), new byte[20 << 20]);

            // After the machine was started again: the kubelet mounts it for the next Pod.
            await new KernelMounts().UnmountAsync(Native.RealPath(path), default);
            Assert.Empty(Directory.EnumerateFileSystemEntries(path));
            Assert.Equal("kept", await new LimitedFolder(new(new(), TimeProvider.System)).MountedAsync(path, () => File.ReadAllText(Path.Combine(path, "note")), default));
            Release();
            await _api.UntilAsync(a => a.Find<PersistentVolume>(Volume, "") is null, "volume gone");
            Assert.Empty(Directory.EnumerateFileSystemEntries(Folder));
        }
        finally { await new KernelMounts().UnmountBeneathAsync(Native.RealPath(_root), default); }
    }

    [Fact]
    public async Task A_class_that_asks_for_what_is_not_known_makes_nothing()
    {
        _api.Put(Class("odd", "WaitForFirstConsumer") with { Parameters = Map.Of(("sizeLimit", "maybe")) });
        Claim("c", "odd");
        await _told.UntilAsync("Warning ProvisioningFailed");
        Assert.Null(_api.Find<PersistentVolume>(Volume, ""));
    }

    [Fact]
    public async Task A_volume_that_points_elsewhere_removes_nothing()
    {
        Claim("c");
        string path = (await MadeAsync()).Spec.Local!.Path, precious = Path.Combine(_root, "precious");
        Directory.CreateDirectory(precious);
        _api.Change<PersistentVolume>(Volume, v => v with { Spec = v.Spec with { Local = new() { Path = precious } }, Status = new() { Phase = "Released" } }, "");
        await _told.UntilAsync("Warning VolumeFailedDelete");
        Assert.True(Directory.Exists(precious) && Directory.Exists(path));
        Assert.NotNull(_api.Find<PersistentVolume>(Volume, ""));
    }

    [Theory]
    [InlineData("../escape"), InlineData("pvc-"), InlineData("pvc-" + Uid + "/../x"), InlineData("other"), InlineData("pvc-" + Uid + "\n")]
    public async Task Only_names_that_are_given_here_become_folders(string name)
    {
        var folders = new LocalFolders(Folder);
        await Assert.ThrowsAsync<IOException>(() => folders.MakeAsync(name, 0, default));
        await Assert.ThrowsAsync<IOException>(() => folders.RemoveAsync(name, Path.Combine(Folder, name), default));
    }

    [Fact]
    public async Task A_deleted_volume_leaves_with_its_folder_when_it_is_not_in_use()
    {
        Claim("c", "now", "");
        var made = await MadeAsync();
        Assert.Equal("host-n", made.Spec.NodeAffinity!.Required!.NodeSelectorTerms[0].MatchExpressions[0].Values[0]); // a real node before one that is simulated
        _api.Change<PersistentVolume>(Volume, v => v with { Status = new() { Phase = "Available" } }, "");
        _api.Remove<PersistentVolumeClaim>("c");
        await new ApiClient(_api, TimeProvider.System).DeleteAsync(made, default);
        await _api.UntilAsync(a => a.Find<PersistentVolume>(Volume, "") is null, "volume gone");
        Assert.False(Directory.Exists(made.Spec.Local!.Path));
    }

    [Fact]
    public async Task Simulated_nodes_get_volumes_without_folders_and_others_nodes_are_left_alone()
    {
        Claim("f", node: "foreign", uid: "11111111-9d2c-4d5a-8f64-0123456789ab");
        Claim("waits", node: "", uid: "22222222-9d2c-4d5a-8f64-0123456789ab");
        Claim("c", node: "s");
        Assert.StartsWith("/simulated/", (await MadeAsync()).Spec.Local!.Path);
        Assert.False(Directory.Exists(Folder));
        Release();
        await _api.UntilAsync(a => a.Find<PersistentVolume>(Volume, "") is null, "volume gone");
        Assert.Empty(_api.All<PersistentVolume>());
    }

    [Fact]
    public async Task Where_the_chosen_node_is_gone_another_is_to_be_chosen()
    {
        static string? Chosen(FakeApi api, string claim) => api.Find<PersistentVolumeClaim>(claim)!.Metadata.Annotations["volume.kubernetes.io/selected-node"];
        Claim("never", node: "absent", uid: "11111111-9d2c-4d5a-8f64-0123456789ab");
        Claim("later", node: "foreign", uid: "22222222-9d2c-4d5a-8f64-0123456789ab");
        await _api.UntilAsync(a => Chosen(a, "never") is null, "no choice");
        Assert.Equal("foreign", Chosen(_api, "later"));
        _api.Remove<Node>("foreign", "");
        await _api.UntilAsync(a => Chosen(a, "later") is null, "no choice any more");
    }

    [Fact]
    public async Task What_cannot_be_made_is_told()
    {
        Claim("raw", uid: "33333333-9d2c-4d5a-8f64-0123456789ab", change: s => s with { VolumeMode = "Block" });
        Claim("c");
        await MadeAsync();
        await _told.UntilAsync("volumeMode Block is not supported");
        Assert.Single(_api.All<PersistentVolume>());
    }

    [Fact]
    public async Task A_bound_claim_grows()
    {
        Claim("c");
        await MadeAsync();
        _api.Change<PersistentVolume>(Volume, v => v with { Status = new() { Phase = "Bound" } }, "");
        _api.Change<PersistentVolumeClaim>("c", c => c with
        {
            Spec = c.Spec with { VolumeName = Volume, Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("50Gi"))) } },
            Status = new() { Phase = "Bound", Capacity = Map.Of(("storage", Quantity.Parse("30Gi"))) },
        });
        await _api.UntilAsync(a => a.Find<PersistentVolumeClaim>("c")!.Status.Capacity["storage"].ToString() == "50Gi", "growth");
        Assert.Equal("50Gi", _api.Find<PersistentVolume>(Volume, "")!.Spec.Capacity["storage"].ToString());
    }

    sealed class Told : IRecorder
    {
        readonly System.Threading.Channels.Channel<string> _events = System.Threading.Channels.Channel.CreateUnbounded<string>(); // bounded by the test's few objects

        public void Event(IObject about, string type, string reason, string message, string fieldPath = "") => _events.Writer.TryWrite($"{type} {reason}: {message}");

        public async Task UntilAsync(string part)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (!(await _events.Reader.ReadAsync(limit.Token)).Contains(part, StringComparison.Ordinal)) { }
        }
    }

    sealed class Access(IClient client, InformerFactory informers, IRecorder recorder) : IClusterAccess
    {
        public IClient Client => client;
        public ICache<T> Cache<T>() where T : class, IObject<T> => informers.Cache<T>();
        public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => informers.Cache<T>(part);
        public IRecorder Recorder => recorder;
        public TimeProvider Time => TimeProvider.System;
    }
}
