using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Tests.Pods;

public sealed class UserNamespaceTests : IDisposable
{
    readonly PodBench _bench = new(("app:1", FakeProgram.Forever));
    readonly string _etc = Directory.CreateTempSubdirectory("hanbae-etc-").FullName;
    Seq<NodeRuntimeHandler> _handlers = [new() { Name = "", Features = new() { UserNamespaces = true } }, new() { Name = "old", Features = new() { UserNamespaces = false } }];

    public void Dispose()
    {
        _bench.Dispose();
        Directory.Delete(_etc, recursive: true);
    }

    UserNamespaces Make(KubeletOptions? options = null) => new(options ?? _bench.Options with { MaxPods = 2 }, () => _handlers, _etc);

    static Pod Pod(string name, bool? hostUsers = false) => Tests.Make.Pod(new Container { Name = "a", Image = "app:1" }) is var pod
        ? pod with { Metadata = pod.Metadata with { Name = name, Uid = name }, Spec = pod.Spec with { HostUsers = hostUsers } } : null!;

    void Put(string file, string text) => File.WriteAllText(Path.Combine(_etc, file), text);

    [Fact]
    public void Each_Pod_has_ids_of_its_own_also_after_the_kubelet_was_started_again()
    {
        var users = Make();
        Assert.Equal([65536u, 131072u], new[] { "one", "two" }.Select(p => users.For(Pod(p), "")!.Uids[0].HostId));
        Assert.Equal("could not find an empty slot to allocate a user namespace", Assert.Throws<ContainerConfigException>(() => users.For(Pod("three"), "")).Message);
        Assert.Equal("""{"uidMappings":[{"hostId":131072,"containerId":0,"length":65536}],"gidMappings":[{"hostId":131072,"containerId":0,"length":65536}]}""", File.ReadAllText(Path.Combine(_bench.Options.Folders.Pod("two"), "userns")));

        users = Make();
        users.Release("one");
        Assert.Equal((65536u, 131072u), (users.For(Pod("three"), "")!.Gids[0].HostId, users.For(Pod("two"), "")!.Uids[0].HostId));
        Assert.Null(users.For(Pod("host", null), ""));
        Assert.Null(users.For(Pod("host", true), ""));
    }

    [Theory]
    [InlineData("old", "can't set `spec.hostUsers: false`, RuntimeClass handler \"old\" does not support user namespaces")]
    [InlineData("new", "can't set `spec.hostUsers: false`, RuntimeClass handler \"new\" does not support user namespaces: the handler \"new\" is not known")]
    public void A_handler_that_cannot_is_said_to(string handler, string why) => Assert.Equal(why, Assert.Throws<ContainerConfigException>(() => Make().For(Pod("one"), handler)).Message);

    [Fact]
    public async Task A_Pod_that_the_runtime_cannot_give_users_waits_and_says_why()
    {
        _handlers = [new() { Name = "", Features = new() }];
        var worker = new PodWorker(_bench.Context with { UserNamespaces = Make() }, Pod("one"));
        await worker.SyncAsync(default);
        Assert.Equal(["Warning FailedCreatePodSandBox Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces"], _bench.Events.All);
        Assert.Empty(worker.Runtime!.Sandboxes);
    }

    [Fact]
    public async Task Sandbox_containers_and_mounts_have_the_same_ids_until_the_Pod_has_ended()
    {
        var users = Make();
        var worker = new PodWorker(_bench.Context with { UserNamespaces = users }, Pod("one"));
        for (int i = 0; i < 20 && await worker.SyncAsync(default) <= _bench.Time.GetUtcNow(); i++) { }
        Assert.Equal("Running", worker.Status!.Phase);
        var sandbox = (await _bench.Cri.PodSandboxStatusAsync(worker.Runtime!.Sandboxes[0].Id, false, default))!.Status.Linux.Namespaces.Options.UsernsOptions;
        Assert.Equal((65536u, 65536u), (sandbox.Uids[0].HostId, sandbox.Uids[0].Length));
        worker.Remove(0);
        for (int i = 0; i < 20 && !worker.Done; i++)
        {
            await worker.SyncAsync(default);
            _bench.Time.Advance(1);
        }
        Assert.Null(users.Of("one"));
    }

    [Theory]
    [InlineData("kubelet:131072:131072\n", "", null)]
    [InlineData("kubelet:131072:65536\n", "", "kubelet user assigned IDs (65536) are not enough for 2 pods of 65536")]
    [InlineData("kubelet:131073:131072\n", "", "kubelet user assigned ID 131073 is not multiple of 65536")]
    [InlineData("kubelet:0:131072\n", "", "kubelet user assigned ID 0 must be greater or equal to 65536")]
    [InlineData("kubelet:131072:131072\nkubelet:262144:65536\n", "", "kubelet user must have exactly one range in subuid and the same in subgid")]
    [InlineData("kubelet:131072:131072\n", "kubelet:65536:131072\n", "kubelet user must have exactly one range in subuid and the same in subgid")]
    public void The_hosts_range_for_the_kubelet_is_taken(string uids, string gids, string? why)
    {
        Put("passwd", "root:x:0:0::/:/bin/sh\nkubelet:x:999:999::/:/bin/false\n");
        Put("subuid", "somebody:1:1\n" + uids);
        Put("subgid", gids.Length > 0 ? gids : uids);
        if (why is null) Assert.Equal(131072u, Make().For(Pod("one"), "")!.Uids[0].HostId);
        else Assert.Equal(why, Assert.Throws<PlacementSettingsException>(() => Make()).Message);
    }

    [Fact]
    public void A_Pod_can_have_more_ids()
    {
        Assert.Equal((131072u, 131072u), Make(_bench.Options with { IdsPerPod = 131072 }).For(Pod("one"), "")!.Uids[0] is var ids ? (ids.HostId, ids.Length) : default);
        Assert.Throws<PlacementSettingsException>(() => Make(_bench.Options with { IdsPerPod = 1000 }));
    }
}
