using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Host.Tests.Images;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Host.Tests.Runtime;

/// <summary>One containerd at a time: the host's shared parts are compared before and after.</summary>
[Collection("real node")]
public sealed class NodeRuntimeTests
{
    [ContainerFact]
    public async Task A_reset_leaves_nothing_of_a_node_with_pods()
    {
        await using var node = new RealNode();
        var ready = await node.StartAsync();
        Assert.StartsWith("containerd ", ready.Version);
        string sandbox = await node.RunSandboxAsync("web", hostPort: 20000 + Random.Shared.Next(20000));
        await node.UntilPausedAsync(sandbox);
        Assert.NotEmpty(await Traces.OfAsync(node.Paths));
        Assert.Equal("1", File.ReadAllText($"/sys/class/net/{node.Paths.Bridge}/bridge/nf_call_iptables").Trim());
        string ip = Path.GetFileName(Assert.Single(Directory.EnumerateFiles($"{node.Paths.CniIpam}/{node.Paths.CniNetwork}", "10.*")));
        var ping = await Tool.RunAsync("busybox", ["ping", "-c", "1", "-W", "5", ip]);
        Assert.True(ping.Succeeded, ping.Complaint);
        Assert.Equal(PodBridge.Address(node.Paths), File.ReadAllText($"/sys/class/net/{node.Paths.Bridge}/address").Trim());

        var report = await node.ResetAsync();

        Assert.Empty(report.LeftThings);
        Assert.Empty(await Traces.OfAsync(node.Paths));
        Assert.Contains("1 pods", report.RemovedThings);
        Assert.Contains("bridge " + node.Paths.Bridge, report.RemovedThings);
        Assert.Empty((await node.ResetAsync()).RemovedThings);
    }

    [ContainerFact]
    public async Task A_reset_leaves_nothing_when_containerd_was_killed_and_is_broken()
    {
        await using var node = new RealNode();
        await node.StartAsync();
        string sandbox = await node.RunSandboxAsync("web", hostPort: 20000 + Random.Shared.Next(20000));
        var identity = ProcessIdentity.Of(node.PidOf(sandbox))!;
        string[] sockets = [.. Shims.Sockets(node.Paths.ContainerdState)];
        Assert.NotEmpty(sockets);
        await ProcessIdentity.Read(node.Paths.ContainerdProcess)!.StopAsync(TimeSpan.Zero, TimeProvider.System, default);
        File.WriteAllText(node.Paths.ContainerdConfig, "no TOML at all");

        var report = await node.ResetAsync();

        Assert.Empty(report.LeftThings);
        Assert.Empty(await Traces.OfAsync(node.Paths));
        Assert.False(identity.IsAlive);
        string rules = (await Tool.RunAsync("nft", ["list", "ruleset"])).Output;
        Assert.DoesNotContain(sandbox, rules);
        Assert.DoesNotContain(sockets, File.Exists);
        Assert.DoesNotContain(Directory.Exists("/var/lib/cni/results") ? Directory.EnumerateFiles("/var/lib/cni/results") : [], f => f.Contains(sandbox, StringComparison.Ordinal));
    }

    [ContainerFact]
    public async Task Pods_outlive_containerd_and_it_is_adopted_when_it_still_runs()
    {
        await using var node = new RealNode();
        await node.StartAsync();
        var pause = ProcessIdentity.Of(node.PidOf(await node.RunSandboxAsync("web")))!;
        var containerd = ProcessIdentity.Read(node.Paths.ContainerdProcess)!;
        await node.StartAsync();
        Assert.Equal(containerd, ProcessIdentity.Read(node.Paths.ContainerdProcess));

        await containerd.StopAsync(TimeSpan.Zero, TimeProvider.System, default);
        await node.StartAsync();

        Assert.True(pause.IsAlive);
        using var runtime = new NodeCri(node.Paths.Endpoint);
        Assert.Equal(node.Uid, Assert.Single(await runtime.SandboxesAsync(default)).PodUid);
    }

    [ContainerFact]
    public async Task Down_ends_pods_and_containerd_and_up_starts_the_same_node_again()
    {
        await using var node = new RealNode();
        await node.StartAsync();
        var pause = ProcessIdentity.Of(node.PidOf(await node.RunSandboxAsync("web")))!;
        using var scratch = new Scratch();
        File.WriteAllText(scratch / "file", "years");
        string volume = Directory.CreateDirectory(node.Paths.Kubelet + "/pods/x/volume-subpaths/y/0").FullName;
        await Tool.RunAsync("mount", ["--bind", scratch.Folder, volume]);

        Assert.True(await new Teardown(node.Paths, TimeProvider.System).StopAsync(null, Assert.Fail, default));

        Assert.False(pause.IsAlive);
        // Who deletes the data folder now deletes nothing else.
        Assert.Empty(MountTable.Read().Beneath(node.Paths.Data));
        Assert.True(File.Exists(scratch / "file"));
        Assert.Empty(Shims.Of(node.Paths.Socket));
        Assert.False(new Containerd(node.Paths, TimeProvider.System).IsRunning);
        await node.StartAsync();
        Assert.Contains(await new ImageStore(node.Paths.Endpoint).ListAsync(default), i => i.Names.Contains(PauseImage.Name));
    }

    [ContainerFact]
    public async Task Two_nodes_run_side_by_side_and_resetting_one_leaves_the_other()
    {
        await using var one = new RealNode();
        await using var two = new RealNode();
        await Task.WhenAll(one.StartAsync(), two.StartAsync());
        await one.RunSandboxAsync("web");
        var kept = ProcessIdentity.Of(two.PidOf(await two.RunSandboxAsync("web", hostPort: 20000 + Random.Shared.Next(20000))))!;

        await one.ResetAsync();

        Assert.Empty(await Traces.OfAsync(one.Paths));
        Assert.True(kept.IsAlive);
        using var runtime = new NodeCri(two.Paths.Endpoint);
        Assert.Single(await runtime.SandboxesAsync(default));
    }

    [ContainerFact]
    public async Task A_reset_takes_only_its_own_pods_from_a_runtime_that_was_there_before()
    {
        await using var others = new RealNode();
        await others.StartAsync();
        await using var node = new RealNode();
        var ready = await new NodeRuntime(node.Paths, TimeProvider.System).UseAsync(others.Paths.Endpoint, PauseImage.Name, default);
        Assert.Equal(others.Paths.Endpoint, ready.Endpoint);
        Directory.CreateDirectory($"{node.Paths.Kubelet}/pods/{node.Uid}");
        string kept = await others.RunSandboxAsync("theirs");
        await others.RunSandboxAsync("ours", uid: node.Uid);

        var report = await new Reset(node.Paths, TimeProvider.System).RunAsync(others.Paths.Endpoint, _ => { }, default);

        Assert.Empty(report.LeftThings);
        Assert.Empty(await Traces.OfAsync(node.Paths));
        using var runtime = new NodeCri(others.Paths.Endpoint);
        Assert.Equal(kept, Assert.Single(await runtime.SandboxesAsync(default)).Id);
    }

    [ContainerFact]
    public async Task An_endpoint_where_nobody_answers_is_refused_in_words()
    {
        await using var node = new RealNode();
        var refusal = await Assert.ThrowsAsync<RuntimeException>(() => new NodeRuntime(node.Paths, TimeProvider.System).UseAsync("unix:///run/nobody.sock", PauseImage.Name, default));
        Assert.Contains("there is no container runtime at unix:///run/nobody.sock", refusal.Message);
    }

    [ContainerFact]
    public async Task A_mount_made_in_a_container_reaches_the_kubelets_folder()
    {
        await using var node = new RealNode();
        await node.StartAsync();
        await node.ImportBusyboxAsync();
        string volume = Directory.CreateDirectory(node.Paths.Kubelet + "/pods/x/volumes/v").FullName, inner = Directory.CreateDirectory(volume + "/inner").FullName;

        // Bidirectional propagation, as containerd hands it to runc.
        var ran = await node.RunAsync(["--privileged", "--rootfs-propagation", "rshared", "--mount", $"type=bind,src={volume},dst=/v,options=rbind:rw:rshared"], "mount -t tmpfs mine /v/inner");

        Assert.True(ran.Succeeded, ran.Complaint);
        Assert.Equal("tmpfs", MountTable.Read().At(inner)?.Type);
    }

    [ContainerFact]
    public async Task Crun_keeps_to_memory_limits_on_this_host()
    {
        if (Tool.Find("crun") is null) return;
        await using var node = new RealNode();
        await node.StartAsync();
        await node.ImportBusyboxAsync();
        string crun = File.Exists(ContainerdConfig.CrunWrapper(node.Paths)) ? ContainerdConfig.CrunWrapper(node.Paths) : Tool.Find("crun")!;

        var ran = await node.RunAsync(["--runc-binary", crun, "--memory-limit", "33554432"], "dd if=/dev/zero of=/dev/null bs=64M count=1");

        Assert.False(ran.Succeeded);
        var small = await node.RunAsync(["--runc-binary", crun, "--memory-limit", "33554432"], "dd if=/dev/zero of=/dev/null bs=1M count=1");
        Assert.True(small.Succeeded, small.Complaint);
    }

    [ContainerFact]
    public async Task Every_runtime_that_is_installed_is_a_handler()
    {
        await using var node = new RealNode();
        await node.StartAsync();
        foreach (string handler in ((string[])["runc", "crun"]).Where(h => Tool.Find(h) is not null))
            await node.UntilPausedAsync(await node.RunSandboxAsync("by-" + handler, handler: handler));
    }
}
