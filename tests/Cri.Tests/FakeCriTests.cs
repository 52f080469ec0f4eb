using Hanbae.Kit.Containerd;
using Hanbae.Cri.Fake;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;

namespace Hanbae.Cri.Tests;

/// <summary>A fake whose scripts do what the spec's busybox commands do.</summary>
sealed class SpecFake
{
    public ManualTime Time { get; } = new();

    public FakeCri Cri { get; }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("hanbae-cri-fake-").FullName;

    public SpecFake() => Cri = new(new()
    {
        Time = Time,
        PodCidrs = ["10.244.1.0/24", "fd10:244:0:1::/64"],
        Streaming = request => "http://127.0.0.1:1/" + request switch { ExecRequest => "exec", AttachRequest => "attach", _ => "portforward" } + "/token",
        Images = new Dictionary<string, FakeImage>
        {
            [SpecImage.Pause] = new(FakeProgram.Forever, Present: true, Pinned: true),
            [SpecImage.Forever] = new(new() { Output = [new("stdout", "up")], Exec = Exec }, Present: true),
            [SpecImage.Stubborn] = new(new() { ExitCodeOnStop = null, Output = [new("stdout", "up")] }, Present: true),
            [SpecImage.Done] = new(FakeProgram.Exits(0) with { Output = [new("stdout", "hello"), new("stderr", "trouble")] }, Present: true),
            [SpecImage.Fails] = new(FakeProgram.Exits(3, TimeSpan.FromSeconds(0.3)), Present: true),
            [SpecImage.NoSuchProgram] = new(
                new() { StartError = "exec: \"/no-such-program\": stat /no-such-program: no such file or directory" }, Present: true),
            [SpecImage.Spare] = new(FakeProgram.Forever, Present: true),
        },
    });

    public Task PassAsync()
    {
        Time.Advance(TimeSpan.FromMilliseconds(100));
        return Task.Delay(1); // so that calls over the wire get on
    }

    static FakeExec Exec(IReadOnlyList<string> command) => command switch
    {
        ["sh", "-c", "echo hi; echo no >&2; exit 7"] => new("hi\n", "no\n", 7),
        ["sleep", var seconds] => new(Takes: TimeSpan.FromSeconds(int.Parse(seconds))),
        ["/nope"] => new(StartError: "exec: \"/nope\": stat /nope: no such file or directory"),
        _ => new(),
    };
}

/// <summary>The spec, and what only a fake can be asked.</summary>
public sealed class FakeCriTests : CriSpec
{
    readonly SpecFake _fake = new();

    protected override ICri Cri => _fake.Cri;

    protected override string Directory => _fake.Directory;

    protected override Task PassAsync() => _fake.PassAsync();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _fake.Cri.Dispose();
        System.IO.Directory.Delete(_fake.Directory, recursive: true);
    }

    [Fact]
    public async Task Programs_end_on_the_given_clock_only()
    {
        var (_, id) = await StartAsync(SpecImage.Fails);
        _fake.Time.Advance(TimeSpan.FromSeconds(0.29));
        Assert.Equal(ContainerState.ContainerRunning, (await StatusAsync(id)).State);
        _fake.Time.Advance(TimeSpan.FromSeconds(0.01));
        var exited = await StatusAsync(id);
        Assert.Equal(ContainerState.ContainerExited, exited.State);
        Assert.Equal(300_000_000, exited.FinishedAt - exited.StartedAt);
    }

    [Fact]
    public async Task Events_tell_a_pods_life_in_order()
    {
        await using var events = Cri.GetContainerEventsAsync(Never).GetAsyncEnumerator();
        var first = events.MoveNextAsync(); // subscribed from here on
        var (sandbox, container) = await StartAsync(SpecImage.Forever);
        _fake.Cri.Exit(container, 2, oomKilled: true);
        await Cri.RemovePodSandboxAsync(sandbox, Never);

        var seen = new List<(string, ContainerEventType)>();
        for (bool more = await first; more && seen.Count < 8; more = seen.Count < 8 && await events.MoveNextAsync())
        {
            seen.Add((events.Current.ContainerId, events.Current.ContainerEventType));
            Assert.Equal(sandbox, events.Current.PodSandboxStatus.Id);
            if (seen[^1] == (container, ContainerEventType.ContainerStoppedEvent))
                Assert.Equal((2, "OOMKilled"), (events.Current.ContainersStatuses[0].ExitCode, events.Current.ContainersStatuses[0].Reason));
        }
        Assert.Equal(
            [
                (sandbox, ContainerEventType.ContainerCreatedEvent), (sandbox, ContainerEventType.ContainerStartedEvent),
                (container, ContainerEventType.ContainerCreatedEvent), (container, ContainerEventType.ContainerStartedEvent),
                (container, ContainerEventType.ContainerStoppedEvent), (sandbox, ContainerEventType.ContainerStoppedEvent),
                (container, ContainerEventType.ContainerDeletedEvent), (sandbox, ContainerEventType.ContainerDeletedEvent),
            ], seen);
    }

    [Fact]
    public async Task A_subscriber_too_far_behind_is_ended_not_thinned()
    {
        await using var events = Cri.GetContainerEventsAsync(Never).GetAsyncEnumerator();
        var first = events.MoveNextAsync();
        for (int i = 0; i < 260; i++) await Cri.RemovePodSandboxAsync(await RunAsync(Pod("p" + i)), Never); // four events each
        int told = await first ? 1 : 0;
        var error = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            while (await events.MoveNextAsync()) told++;
        });
        Assert.Equal(GrpcStatus.ResourceExhausted, error.Status);
        Assert.InRange(told, 1000, 1001);
    }

    [Fact]
    public async Task Both_families_get_an_address_and_give_it_back()
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < 600; i++) // more than the range holds
        {
            string id = await Cri.RunPodSandboxAsync(Pod("p" + i), "", Never);
            var network = (await Cri.PodSandboxStatusAsync(id, false, Never))!.Status.Network;
            seen.Add(network.Ip);
            Assert.StartsWith("fd10:244:0:1::", Assert.Single(network.AdditionalIps).Ip);
            await Cri.RemovePodSandboxAsync(id, Never);
        }
        Assert.Equal(253, seen.Count);
        Assert.DoesNotContain("10.244.1.1", seen);
    }

    [Fact]
    public async Task A_full_range_refuses_and_recovers()
    {
        using var small = new FakeCri(new() { PodCidrs = ["10.0.0.0/30"] });
        string id = await small.RunPodSandboxAsync(Pod("a"), "", Never);
        var refused = Pod("b");
        var error = await Assert.ThrowsAsync<GrpcException>(() => small.RunPodSandboxAsync(refused, "", Never));
        Assert.EndsWith("failed to allocate for range 0: no IP addresses available in range set: 10.0.0.2-10.0.0.2", error.Detail);
        await small.StopPodSandboxAsync(id, Never);
        await small.RunPodSandboxAsync(refused, "", Never); // its name was not left reserved
    }

    [Fact]
    public async Task Without_a_pod_range_the_network_is_not_ready_until_told()
    {
        using var bare = new FakeCri();
        Assert.False((await bare.StatusAsync(false, Never)).Status.Conditions.Single(c => c.Type == "NetworkReady").Status);
        await Assert.ThrowsAsync<GrpcException>(() => bare.RunPodSandboxAsync(Pod(), "", Never));
        await bare.UpdateRuntimeConfigAsync("10.5.0.0/24", Never);
        Assert.True((await bare.StatusAsync(false, Never)).Status.Conditions.Single(c => c.Type == "NetworkReady").Status);
        await bare.RunPodSandboxAsync(Pod(), "", Never);
    }

    [Fact]
    public async Task Pulls_know_their_registry()
    {
        await Cri.RemoveImageAsync(new() { Image = SpecImage.Spare }, Never);
        string id = await Cri.PullImageAsync(new() { Image = "spec/spare:1" }, null, null, Never);
        Assert.Equal(id, (await Cri.ImageStatusAsync(new() { Image = SpecImage.Spare }, false, Never)).Image.Id);
        await FailsAsync(
            GrpcStatus.NotFound, "failed to pull and unpack image \"docker.io/library/none:1\": " +
            "failed to resolve reference \"docker.io/library/none:1\": docker.io/library/none:1: not found",
            () => Cri.PullImageAsync(new() { Image = "none:1" }, null, null, Never));
    }

    [Fact]
    public async Task A_fault_takes_a_calls_place()
    {
        _fake.Cri.Fault = call => call == "RunPodSandbox" ? new(GrpcStatus.Unavailable, "gone for lunch") : null;
        await FailsAsync(GrpcStatus.Unavailable, "gone for lunch", () => Cri.RunPodSandboxAsync(Pod(), "", Never));
        await Cri.VersionAsync(Never);
    }

    [Fact]
    public async Task What_is_handed_out_is_the_callers_own()
    {
        var pod = Pod();
        string id = await RunAsync(pod);
        pod.Labels["app"] = "changed";
        (await Cri.PodSandboxStatusAsync(id, false, Never))!.Status.Labels["app"] = "changed too";
        Assert.Equal("pod", (await Cri.PodSandboxStatusAsync(id, false, Never))!.Status.Labels["app"]);
    }

    [Fact]
    public async Task Many_kubelet_workers_at_once_leave_it_consistent()
    {
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            var pod = Pod("w" + i);
            string sandbox = await Cri.RunPodSandboxAsync(pod, "", Never);
            string container = await Cri.CreateContainerAsync(sandbox, Container(SpecImage.Forever), pod, Never);
            await Cri.StartContainerAsync(container, Never);
            if (i % 2 == 0) await Cri.RemovePodSandboxAsync(sandbox, Never);
        })));
        var left = await Cri.ListPodSandboxAsync(null, Never);
        Assert.Equal(100, left.Count);
        Assert.Equal(100, (await Cri.ListContainersAsync(new() { State = new() { State = ContainerState.ContainerRunning } }, Never)).Count);
        var ips = await Task.WhenAll(left.Select(async s => (await Cri.PodSandboxStatusAsync(s.Id, false, Never))!.Status.Network.Ip));
        Assert.Equal(100, ips.Distinct().Count());
    }
}

/// <summary>The spec through both ends of the wire: client, server, fake.</summary>
public sealed class FakeCriOverGrpcTests : CriSpec
{
    readonly SpecFake _fake = new();
    GrpcServer? _server;
    GrpcChannel? _channel;
    CriClient? _cri;

    protected override ICri Cri => _cri!;

    protected override string Directory => _fake.Directory;

    protected override Task PassAsync() => _fake.PassAsync();

    public override async Task InitializeAsync()
    {
        _server = await GrpcServer.StartAsync($"unix://{_fake.Directory}/cri.sock", CriServer.Service(_fake.Cri));
        _channel = new(_server.Address);
        _cri = new(_channel);
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _channel?.Dispose();
        if (_server is not null) await _server.DisposeAsync();
        _fake.Cri.Dispose();
        System.IO.Directory.Delete(_fake.Directory, recursive: true);
    }

    [Fact]
    public async Task Events_come_over_the_wire()
    {
        await using var events = Cri.GetContainerEventsAsync(Never).GetAsyncEnumerator();
        var first = events.MoveNextAsync().AsTask();
        for (int i = 0; !first.IsCompleted; i++) // the subscription has no answer of its own to wait for
        {
            await RunAsync(Pod("p" + i));
            await PassAsync();
        }
        Assert.True(await first);
        Assert.Equal(ContainerEventType.ContainerCreatedEvent, events.Current.ContainerEventType);
    }
}
