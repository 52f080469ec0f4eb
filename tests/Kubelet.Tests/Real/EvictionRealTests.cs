using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kit.Containerd;
using Hanbae.Kubelet.Eviction;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>Who takes more than he may, or is in the way when a node runs short, ends: with real processes, layers, cgroups and images.</summary>
public sealed class EvictionRealTests(KubeletNode node) : RealKubeletTest(node)
{
    const string Busy = "while :; do sleep 1; done";

    static KubeletOptions Quick(KubeletOptions options) => options with { EvictionPeriod = TimeSpan.FromSeconds(1), VolumeStatsPeriod = TimeSpan.FromSeconds(1), PressureTransition = TimeSpan.FromSeconds(2) };

    Task EvictedAsync(string pod) => Until(pod, s => s is { Phase: "Failed", Reason: "Evicted" }, "evicted");

    Pod With(string name, string script, Func<Container, Container>? change = null, Func<PodSpec, PodSpec>? spec = null)
    {
        var made = Pod(name, change?.Invoke(Shell("main", script)) ?? Shell("main", script));
        made = made with { Spec = spec?.Invoke(made.Spec) ?? made.Spec };
        _api.Put(made);
        return made;
    }

    static Container Asks(Container c, string resource, string amount) => c with { Resources = c.Resources with { Requests = c.Resources.Requests.Set(resource, Quantity.Parse(amount)) } };

    static Container Limited(Container c, string resource, string amount) => c with { Resources = c.Resources with { Limits = c.Resources.Limits.Set(resource, Quantity.Parse(amount)) } };

    [RealFact]
    public async Task A_Pod_that_fills_its_room_beyond_its_limit_is_evicted_and_its_neighbour_is_not()
    {
        Start(Quick);
        PodSpec Room(PodSpec s) => s with
        {
            Volumes = [new() { Name = "room", EmptyDir = new() { SizeLimit = Quantity.Parse("1Mi") } }], Containers = s.Containers.Select(c => c with { VolumeMounts = [new() { Name = "room", MountPath = "/room" }] }).ToSeq(),
        };
        With("modest", "echo little > /room/x; " + Busy, spec: Room);
        With("full", "head -c 3000000 /dev/zero > /room/x; " + Busy, spec: Room);
        await EvictedAsync("full");
        Assert.Equal("Usage of EmptyDir volume \"room\" exceeds the limit \"1Mi\". ", StatusOf("full").Message);
        Assert.Contains("Warning Evicted Usage of EmptyDir volume \"room\" exceeds the limit \"1Mi\". ", _events.All);
        Assert.DoesNotContain(StatusOf("full").Conditions, c => c.Type == "DisruptionTarget");
        Assert.Equal("Running", StatusOf("modest").Phase);
    }

    [RealFact]
    public async Task A_container_that_writes_more_than_its_ephemeral_storage_is_evicted()
    {
        Start(Quick);
        With("writer", "head -c 5000000 /dev/zero > /x; " + Busy, c => Limited(c, "ephemeral-storage", "2Mi"));
        await EvictedAsync("writer");
        Assert.Equal("Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ", StatusOf("writer").Message);
    }

    [RealFact]
    public async Task Under_memory_pressure_Pods_go_one_by_one_in_upstreams_order_and_the_critical_stay()
    {
        // More than there is: the node is short of memory whatever this machine does.
        Start(o => o with { EvictionPeriod = TimeSpan.FromMinutes(10), Eviction = [] });
        static string Uses(int mega) => $"head -c {mega}000000 /dev/zero | tail -c {mega}000000 > /dev/null & x=$(head -c {mega}000000 /dev/zero | tr '\\0' 'x'); echo ready; " + Busy;
        With("critical", Uses(12), spec: s => s with { Priority = 2_000_000_000 });
        With("within", Uses(2), c => Asks(c, "memory", "64Mi"));
        With("little", Uses(2));
        With("much", Uses(24));
        With("important", Uses(36), spec: s => s with { Priority = 100 });
        string[] all = ["critical", "within", "little", "much", "important"];
        foreach (string pod in all) await Until(pod, s => s.ContainerStatuses.Exists(c => c.State.Running is not null), "running");
        await LookAsync("their memory", () => Task.FromResult(Used("much") > 20 << 20 && Used("important") > 30 << 20));
        await StopAsync();

        Start(o => Quick(o) with { Eviction = [new("memory.available", "101%")] });
        await _api.UntilAsync(a => ConditionOf(a, "MemoryPressure") is { Status: "True", Reason: "KubeletHasInsufficientMemory" }, "the node's condition");
        foreach (string pod in (string[])["much", "little", "important", "within"]) await EvictedAsync(pod);
        string[] order = [.. all.Where(p => p != "critical").OrderBy(p => StatusOf(p).Conditions.Find(c => c.Type == "DisruptionTarget")!.LastTransitionTime)];
        Assert.True(order.SequenceEqual(["much", "little", "important", "within"]), string.Join('\n', all.Select(p => $"{p}: {StatusOf(p).Conditions.Find(c => c.Type == "DisruptionTarget")?.LastTransitionTime:O} {StatusOf(p).Message}").Concat(_events.All)));
        Assert.StartsWith("The node was low on resource: memory. Threshold quantity: ", StatusOf("much").Message);
        Assert.Contains("Container main was using ", StatusOf("much").Message);
        Assert.Contains("request is 0, has larger consumption of memory. ", StatusOf("much").Message);
        Assert.DoesNotContain("has larger consumption", StatusOf("within").Message);
        Assert.Equal(("True", "TerminationByKubelet"), StatusOf("much").Conditions.Find(c => c.Type == "DisruptionTarget") is { } target ? (target.Status, target.Reason) : default);
        Assert.Equal("Running", StatusOf("critical").Phase);

        // Who asks for nothing is not let in meanwhile.
        With("late", Busy);
        await EvictedAsync("late");
        Assert.Equal("Pod was rejected: The node had condition: [MemoryPressure]. ", StatusOf("late").Message);

        long Used(string pod)
        {
            string file = $"/sys/fs/cgroup/memory{Node.CgroupRoot}/besteffort/pod{_api.Pod(pod)!.Metadata.Uid}/memory.usage_in_bytes";
            return File.Exists(file) && long.TryParse(File.ReadAllText(file), out long bytes) ? bytes : 0;
        }
    }

    [RealFact]
    public async Task Under_disk_pressure_who_wrote_more_than_it_asked_for_goes_first_and_nobody_else_is_let_in()
    {
        Start(o => o with { EvictionPeriod = TimeSpan.FromMinutes(10), Eviction = [] });
        static string Writes(int mega) => $"head -c {mega}000000 /dev/zero > /x; " + Busy;
        With("critical", Writes(9), spec: s => s with { Priority = 2_000_000_000 });
        With("within", Writes(1), c => Asks(c, "ephemeral-storage", "64Mi"));
        With("little", Writes(2));
        With("much", Writes(6));
        string[] all = ["critical", "within", "little", "much"];
        foreach (string pod in all) await Until(pod, s => s.ContainerStatuses.Exists(c => c.State.Running is not null), "running");
        await LookAsync("what they wrote", async () => await WrittenAsync("much") > 5_000_000 && await WrittenAsync("little") > 1_500_000 && await WrittenAsync("within") > 500_000);
        await StopAsync();
        try
        {
            // The machine's disk is never empty.
            Start(o => Quick(o) with { Eviction = [new("nodefs.available", "100%")] });
            await _api.UntilAsync(a => ConditionOf(a, "DiskPressure") is { Status: "True", Reason: "KubeletHasDiskPressure" }, "the node's condition");
            await InOrderAsync(["much", "little", "within"]);
            Assert.StartsWith("The node was low on resource: ephemeral-storage. Threshold quantity: ", StatusOf("much").Message);
            Assert.Matches("Container main was using [0-9]+Ki, request is 0, has larger consumption of ephemeral-storage. ", StatusOf("much").Message);
            Assert.DoesNotContain("has larger consumption", StatusOf("within").Message);
            await RefusedAsync("DiskPressure");
            Assert.Equal("Running", StatusOf("critical").Phase);
        }
        finally
        {
            // While its Pods end it would take the images of theirs, which the other tests need.
            await StopAsync();
            Start(o => o with { Eviction = [] });
        }

        async Task<ulong> WrittenAsync(string pod) =>
            (await Node.Cri.ListContainerStatsAsync(null, default)).Where(s => s.Attributes.Labels["io.kubernetes.pod.uid"] == _api.Pod(pod)!.Metadata.Uid).Aggregate(0ul, (n, s) => n + (s.WritableLayer?.UsedBytes?.Value ?? 0));
    }

    [RealFact]
    public async Task Under_pressure_of_processes_the_least_important_Pod_with_the_most_of_them_goes_first()
    {
        Start(o => o with { EvictionPeriod = TimeSpan.FromMinutes(10), Eviction = [] });
        static string Forks(int n) => $"i=0; while [ $i -lt {n} ]; do sleep 1000 & i=$((i+1)); done; " + Busy;
        With("critical", Forks(9), spec: s => s with { Priority = 2_000_000_000 });
        With("few", Forks(1), c => Asks(c, "cpu", "10m"));
        With("many", Forks(6));
        With("important", Forks(9), spec: s => s with { Priority = 100 });
        foreach (string pod in (string[])["critical", "few", "many", "important"]) await Until(pod, s => s.ContainerStatuses.Exists(c => c.State.Running is not null), "running");
        await LookAsync("their processes", () => Task.FromResult(Processes("besteffort", "many") > 6 && Processes("besteffort", "important") > 9 && Processes("burstable", "few") > 1));
        await StopAsync();

        Start(o => Quick(o) with { Eviction = [new("pid.available", "100%")] });
        await _api.UntilAsync(a => ConditionOf(a, "PIDPressure") is { Status: "True", Reason: "KubeletHasInsufficientPID" }, "the node's condition");
        await InOrderAsync(["many", "few", "important"]);
        Assert.Matches("^The node was low on resource: pids. Threshold quantity: [0-9]+, available: [0-9]+. $", StatusOf("many").Message);
        await RefusedAsync("PIDPressure");
        Assert.Equal("Running", StatusOf("critical").Phase);

        int Processes(string qos, string pod)
        {
            string folder = $"/sys/fs/cgroup/pids{Node.CgroupRoot}/{qos}/pod{_api.Pod(pod)!.Metadata.Uid}/pids.current";
            return File.Exists(folder) ? int.Parse(File.ReadAllText(folder), System.Globalization.CultureInfo.InvariantCulture) : 0;
        }
    }

    /// <summary>One at a time: each is told of when the one before has gone.</summary>
    async Task InOrderAsync(string[] pods)
    {
        foreach (string pod in pods) await EvictedAsync(pod);
        string[] order = [.. pods.Order(StringComparer.Ordinal).OrderBy(p => StatusOf(p).Conditions.Find(c => c.Type == "DisruptionTarget")!.LastTransitionTime)];
        Assert.True(order.SequenceEqual(pods), string.Join('\n', pods.Select(p => $"{p}: {StatusOf(p).Conditions.Find(c => c.Type == "DisruptionTarget")?.LastTransitionTime:O} {StatusOf(p).Message}").Concat(_events.All)));
    }

    async Task RefusedAsync(string condition)
    {
        With("late", Busy, c => Asks(c, "cpu", "10m"));
        await EvictedAsync("late");
        Assert.Equal($"Pod was rejected: The node had condition: [{condition}]. ", StatusOf("late").Message);
    }

    static NodeCondition? ConditionOf(MemoryApi api, string type) => api.Get<Node>(new("", "n1"))?.Status.Conditions.Find(c => c.Type == type);

    [RealFact]
    public async Task A_static_Pod_that_does_not_fit_takes_the_place_of_others()
    {
        string manifests = Path.Combine(Node.Directory, "manifests-" + Guid.NewGuid().ToString("N")[..6]);
        Directory.CreateDirectory(manifests);
        Start(o => Quick(o) with { StaticPodPath = manifests, StaticPodPeriod = TimeSpan.FromSeconds(1), MaxPods = 3 });
        await _api.UntilAsync(a => a.Get<Node>(new("", "n1"))?.Status.Allocatable["pods"].Value() == 3, "the node");
        With("burstable", Busy, c => Asks(c, "cpu", "10m"));
        With("worker", Busy);
        With("worker-2", Busy, c => Asks(c, "cpu", "10m"));
        foreach (string pod in (string[])["burstable", "worker", "worker-2"]) await Until(pod, s => s.Phase == "Running", "running");
        await File.WriteAllTextAsync(Path.Combine(manifests, "proxy.yaml"), $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: proxy}
            spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: '{{SpecImage.Forever}}', imagePullPolicy: IfNotPresent}]}
            """);
        await Until("worker", s => s is { Phase: "Failed", Reason: "Preempting" }, "preempted");
        Assert.Equal("Preempted in order to admit critical pod", StatusOf("worker").Message);
        Assert.Equal("TerminationByKubelet", StatusOf("worker").Conditions.Find(c => c.Type == "DisruptionTarget")?.Reason);
        await Until("proxy-n1", s => s.Phase == "Running", "running");
        Assert.Equal(["Running", "Running"], new[] { "burstable", "worker-2" }.Select(p => StatusOf(p).Phase));
        File.Delete(Path.Combine(manifests, "proxy.yaml"));
        await _api.UntilAsync(a => a.Pod("proxy-n1") is null or { Metadata.DeletionTimestamp: not null }, "the mirror's end");
    }

    [RealFact]
    public async Task Images_are_removed_for_room_but_none_that_is_used_pinned_the_sandboxes_own_or_nowhere_else_to_be_had()
    {
        await PulledAsync(SpecImage.Forever, SpecImage.Done, SpecImage.Spare, SpecImage.Pause);
        Directory.CreateDirectory(Path.Combine(Node.Directory, "kubelet"));
        await File.WriteAllTextAsync(Path.Combine(Node.Directory, "kubelet", "pinned-images"), SpecImage.Done + "\n");
        Start(o => o with { ImageHighPercent = 101, Eviction = [] });
        With("user", Busy);
        await Until("user", s => s.Phase == "Running", "running");
        await StopAsync();
        // The machine's disk is always fuller than this; of all images only the one that is spare may go.
        Start(o => o with { ImageHighPercent = 1, ImageLowPercent = 0, ImageMinimumAge = TimeSpan.Zero, ImagePeriod = TimeSpan.FromSeconds(1), Eviction = [] });
        try
        {
            async Task<string[]> ThereAsync() => [.. (await Node.Cri.ListImagesAsync(default)).SelectMany(i => i.RepoTags)];
            await LookAsync("the spare image gone", async () => !(await ThereAsync()).Contains(SpecImage.Spare));
            string[] kept = [SpecImage.Forever, SpecImage.Done, SpecImage.Pause, SpecImage.Fails, SpecImage.Stubborn];
            With("again", Busy); // it looked once more, at least, when another Pod has come
            await Until("again", s => s.Phase == "Running", "running");
            Assert.Empty(kept.Except(await ThereAsync()));
        }
        finally
        {
            // While its Pods end it would take the images of theirs, which the other tests need.
            await StopAsync();
            Start(o => o with { Eviction = [] });
        }
    }

    /// <summary>Gives images a name by digest, as a pull does: by it the kubelet knows that a registry has them.</summary>
    async Task PulledAsync(params string[] images)
    {
        string list = await CtrAsync("images", "ls");
        foreach (string image in images)
        {
            string digest = list.Split('\n').First(l => l.StartsWith(image + " ", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
            await CtrAsync("images", "tag", "--force", image, image[..image.LastIndexOf(':')] + "@" + digest);
        }
        await LookAsync("the digests", async () => (await Node.Cri.ListImagesAsync(default)).Count(i => i.RepoDigests.Count > 0) >= images.Length);
    }

    async Task<string> CtrAsync(params string[] arguments)
    {
        using var ctr = Process.Start(new ProcessStartInfo("/usr/bin/ctr", ["-a", Path.Combine(Node.Directory, "c.sock"), "-n", "k8s.io", .. arguments]) { RedirectStandardOutput = true })!;
        string said = await ctr.StandardOutput.ReadToEndAsync();
        await ctr.WaitForExitAsync();
        Assert.Equal(0, ctr.ExitCode);
        return said;
    }
}
