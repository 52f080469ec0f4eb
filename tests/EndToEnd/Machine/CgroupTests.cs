using System.Text.Json;
using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Rig;
using Hanbae.Kit;

namespace Hanbae.EndToEnd.Machine;

/// <summary>cgroup v2 and systemd, which the machines that run tests rarely have: in a machine that has them.</summary>
public sealed class CgroupTests
{
    const string Hanbae = "DOTNET_TieredPGO=0 /payload/*/hanbae", Data = "--data-dir /var/h";

    // What a Pod asks for, and what v2's files then say: cpu.weight, cpu.max, memory.max, pids.max.
    static readonly (string Name, string Resources, string Files)[] s_pods =
    [
        ("guaranteed", "{limits: {cpu: 500m, memory: 64Mi}}", "20|50000 100000|67108864|16384"),
        ("burstable", "{requests: {cpu: 50m, memory: 32Mi}, limits: {memory: 128Mi}}", "2|max 100000|134217728|16384"),
        ("besteffort", "{}", "1|max 100000|max|16384"),
    ];

    [VirtualMachineFact]
    public async Task Both_drivers_limit_pods_on_v2_adopt_them_and_leave_nothing()
    {
        await using var machine = await VirtualMachine.BootAsync(Path.GetDirectoryName(Prerequisites.Hanbae)!, Path.Combine(Repository.Root, "examples/images/busybox.sh"));
        (await machine.RunAsync("/payload/busybox.sh /root/busybox")).Ok();
        foreach (string driver in (string[])["systemd", "cgroupfs"]) await WithDriverAsync(machine, driver);
        await machine.PowerOffAsync();
    }

    static async Task WithDriverAsync(VirtualMachine machine, string driver)
    {
        (await machine.RunAsync($"""
            cat >/root/kubelet.yaml <<EOF
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            cgroupDriver: {driver}
            kubeReserved: {"{"}memory: 100Mi{"}"}
            shutdownGracePeriod: 20s
            shutdownGracePeriodCriticalPods: 5s
            EOF
            # Emulated, containerd may need longer to start than the program waits: the next one finds it running.
            n=0
            until {Hanbae} up --detach --port 6443 --kubelet-config /root/kubelet.yaml {Data}; do n=$((n+1)); [ $n -lt 4 ] || exit 1; done
            {Hanbae} image from-rootfs /root/busybox --name busybox:1 --cmd sh {Data}
            """)).Ok();
        using var api = await ApiAsync(machine);
        var pods = new Objects(api, "v1", "pods", "default");
        await Until.Async("the account of Pods", () => new Objects(api, "v1", "serviceaccounts", "default").FindAsync("default"), found => found is not null);
        foreach (var (name, resources, _) in s_pods) await pods.CreateAsync(PodOf(name, resources));
        var running = await Until.Async("three Pods that run", () => Task.WhenAll(s_pods.Select(p => pods.GetAsync(p.Name))), all => all.All(p => p.Text("status.phase") == "Running"), () => EventsAsync(api));

        await LimitsAsync(machine, running, driver);
        await FiguresAsync(api);
        // A real logind holds the shutdown up for this kubelet.
        if (driver == "systemd")
            Assert.Contains("kubelet", await Until.Async("the lock of logind", async () => (await machine.RunAsync("busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListInhibitors")).Ok(), said => said.Contains("kubelet")));

        // Killed, the next one goes on with what runs.
        (await machine.RunAsync($"kill -9 $(cut -d' ' -f1 /run/hanbae/*/hanbae.process) && {Hanbae} up --detach {Data}")).Ok();
        var after = await Until.Async("the Pods adopted", () => Task.WhenAll(s_pods.Select(p => pods.GetAsync(p.Name))), all => all.All(p => p.Condition("Ready")?.Text("status") == "True"));
        Assert.Equal(running.Select(p => p.Text("status.containerStatuses.0.containerID")), after.Select(p => p.Text("status.containerStatuses.0.containerID")));
        Assert.All(after, p => Assert.Equal(0, p.Number("status.containerStatuses.0.restartCount")));

        await WrongDriverAsync(machine, api, pods, driver);
        (await machine.RunAsync($"{Hanbae} reset {Data}")).Ok();
        Assert.Equal("", (await machine.RunAsync("find /sys/fs/cgroup -name '*hanbae*' -o -name 'cri-containerd*'; systemctl list-units --all --plain --no-legend 'hanbae*' 'cri-containerd*'")).Ok());
    }

    static async Task LimitsAsync(VirtualMachine machine, JsonNode[] running, string driver)
    {
        foreach (var (pod, (_, _, files)) in running.Zip(s_pods))
        {
            // systemd's names have no dash of their own.
            string said = (await machine.RunAsync($"""
                cd "$(find /sys/fs/cgroup -type d -name '*pod{pod.Text("metadata.uid").Replace('-', '?')}*' | head -1)" && echo "$(cat cpu.weight)|$(cat cpu.max)|$(cat memory.max)|$(cat pids.max)" && pwd && ls -d */ | wc -l
                """)).Ok();
            string[] lines = said.TrimEnd().Split('\n');
            Assert.Equal(files, lines[0]);
            Assert.Equal(driver == "systemd", lines[1].EndsWith(".slice", StringComparison.Ordinal));
            Assert.Equal("2", lines[2].Trim()); // the sandbox's and the container's
        }
        string above = (await machine.RunAsync("""
            root=$(find /sys/fs/cgroup -type d -name '*kubepods*' | head -1)
            echo "$(( $(sed -n 's/MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024 - $(cat $root/memory.max) ))|$(cat $root/*burstable*/cpu.weight)|$(cat $root/*besteffort*/cpu.weight)"
            """)).Ok();
        Assert.Equal($"{100 << 20}|2|1", above.TrimEnd());
        if (driver == "systemd")
            Assert.Equal("6\n", (await machine.RunAsync("systemctl list-units --type=scope --state=running --plain --no-legend 'cri-containerd-*' | wc -l")).Ok());
    }

    static async Task FiguresAsync(RawApi api)
    {
        var summary = await Until.Async("figures of three Pods", async () => JsonNode.Parse((await api.AskAsync(HttpMethod.Get, "/api/v1/nodes/machine/proxy/stats/summary")).Body)!, s => s.Items("pods").Count() == 3);
        Assert.True(summary.At("node.cpu.psi.some.total")!.GetValue<long>() > 0);
        foreach (var pod in summary.Items("pods"))
        {
            Assert.True(pod.At("cpu.usageCoreNanoSeconds")!.GetValue<long>() > 0);
            Assert.True(pod.At("memory.workingSetBytes")!.GetValue<long>() > 0);
            foreach (string kind in (string[])["cpu", "memory", "io"]) Assert.NotNull(pod.At(kind + ".psi.full.total"));
            Assert.True(pod.At("containers.0.memory.workingSetBytes")!.GetValue<long>() > 0);
        }
    }

    /// <summary>Somebody changes the runtime's file: the next Pod says what is wrong, and where.</summary>
    static async Task WrongDriverAsync(VirtualMachine machine, RawApi api, Objects pods, string driver)
    {
        string other = driver == "systemd" ? "false" : "true", own = driver == "systemd" ? "true" : "false";
        (await machine.RunAsync($"""
            sed -i 's/SystemdCgroup = {own}/SystemdCgroup = {other}/' /var/h/containerd/config.toml
            kill $(cut -d' ' -f1 /run/hanbae/*/containerd.process)
            """)).Ok(); // it is started again, with the file as it is now
        await pods.CreateAsync(PodOf("late", "{}"));
        string said = await Until.Async("an event about the drivers", () => EventsAsync(api), all => all.Contains("CgroupDriverMismatch", StringComparison.Ordinal));
        Assert.Contains($"the kubelet's cgroup driver is {driver}, that of containerd is {(driver == "systemd" ? "cgroupfs" : "systemd")}", said);
        Assert.Contains($"set SystemdCgroup = {own} under", said);
        // Put right, or nothing could be removed by it.
        (await machine.RunAsync($"""
            sed -i 's/SystemdCgroup = {other}/SystemdCgroup = {own}/' /var/h/containerd/config.toml
            kill $(cut -d' ' -f1 /run/hanbae/*/containerd.process)
            """)).Ok();
    }

    static string PodOf(string name, string resources) => $"""
        apiVersion: v1
        kind: Pod
        metadata: {"{"}name: {name}{"}"}
        spec:
          terminationGracePeriodSeconds: 0
          containers: [{"{"}name: main, image: 'busybox:1', command: [sleep, '100000'], resources: {resources}{"}"}]
        """;

    static async Task<string> EventsAsync(RawApi api) =>
        string.Join('\n', JsonNode.Parse((await api.AskAsync(HttpMethod.Get, "/api/v1/namespaces/default/events")).Body)!.Items("items").Select(e => $"{e.Text("reason")}: {e.Text("message")}"));

    static async Task<RawApi> ApiAsync(VirtualMachine machine)
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, (await machine.RunAsync("cat /var/h/kubeconfig")).Ok());
            string config = (await Program.RunAsync(Kubectl.Newest, ["--kubeconfig", file, "config", "view", "--raw", "-o", "json"])).Ok();
            return RawApi.Of(JsonDocument.Parse(config).RootElement, $"https://127.0.0.1:{machine.Port}");
        }
        finally { File.Delete(file); }
    }
}
