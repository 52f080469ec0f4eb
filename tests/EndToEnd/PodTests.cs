using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

public sealed class PodTests(SharedCluster shared) : NamespaceTest(shared)
{
    [NodeFact]
    public async Task Two_containers_share_localhost_and_a_folder()
    {
        await ApplyExampleAsync("two-containers.yaml");
        await ReadyAsync("pair");
        await Until.Async("the writer served by the server", () => KubectlAsync("logs", "pair", "-c", "writer"), log => log.Contains("served"));
        Assert.Equal(await KubectlAsync("exec", "pair", "-c", "server", "--", "stat", "-c", "%i", "/data"), await KubectlAsync("exec", "pair", "-c", "writer", "--", "stat", "-c", "%i", "/data"));
        Assert.Equal(await KubectlAsync("exec", "pair", "-c", "server", "--", "hostname"), await KubectlAsync("exec", "pair", "-c", "writer", "--", "hostname"));
        await KubectlAsync("delete", "pod", "pair", "--grace-period=1");
    }

    [NodeFact]
    public async Task A_host_folder_outlives_its_Pod_and_an_emptyDir_does_not()
    {
        string folder = Path.Combine(Cluster.Scratch, Namespace + "-host");
        async Task<string> RunAsync(string name, string script)
        {
            await ApplyAsync($$$"""
                apiVersion: v1
                kind: Pod
                metadata: {name: {{{name}}}}
                spec:
                  restartPolicy: Never
                  volumes: [{name: host, hostPath: {path: {{{folder}}}, type: DirectoryOrCreate}}, {name: empty, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]
                  containers:
                  - {name: main, image: 'busybox:1', command: [sh, -c, '{{{script}}}'], volumeMounts: [{name: host, mountPath: /host}, {name: empty, mountPath: /empty}]}
                """);
            await UntilAsync("pod/" + name, ".status.phase", "Succeeded");
            string log = await KubectlAsync("logs", name);
            await KubectlAsync("delete", "pod", name);
            return log;
        }
        Assert.Contains("tmpfs", await RunAsync("first", "echo kept > /host/file; echo lost > /empty/file; grep \" /empty \" /proc/mounts"));
        Assert.Equal("kept\n", await File.ReadAllTextAsync(Path.Combine(folder, "file")));
        Assert.Equal("kept\n0\n", await RunAsync("second", "cat /host/file; ls /empty | wc -l"));
        Assert.True(File.Exists(Path.Combine(folder, "file")));
    }

    [NodeFact]
    public async Task A_container_beyond_its_memory_is_killed_and_started_again_and_so_is_one_that_fails_its_liveness_probe()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: hungry}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - {name: main, image: 'busybox:1', command: [sh, -c, 'echo eating; exec tail /dev/zero'], resources: {limits: {memory: 20Mi}}}
              - {name: modest, image: 'busybox:1', command: [sleep, '100000'], resources: {limits: {memory: 20Mi}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: stuck}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: main
                image: busybox:1
                command: [sleep, '100000']
                livenessProbe: {exec: {command: ['false']}, periodSeconds: 1, failureThreshold: 2}
            """);
        const string Hungry = ".status.containerStatuses[?(@.name=='main')]", Modest = ".status.containerStatuses[?(@.name=='modest')]";
        await UntilAsync("pod/hungry", Hungry + ".lastState.terminated.reason", "OOMKilled");
        Assert.Equal("137", await ReadAsync("pod/hungry", Hungry + ".lastState.terminated.exitCode"));
        await UntilAsync("pod/hungry", Hungry + ".restartCount", n => int.Parse("0" + n) >= 1);
        Assert.Equal("0", await ReadAsync("pod/hungry", Modest + ".restartCount"));
        await UntilAsync("pod/hungry", Hungry + ".state.waiting.reason", "CrashLoopBackOff");

        await UntilAsync("pod/stuck", ".status.containerStatuses[0].restartCount", n => int.Parse("0" + n) >= 1);
        await Until.Async("its event", () => KubectlAsync("get", "events", "--field-selector=involvedObject.name=stuck"), e => e.Contains("Liveness probe failed") && e.Contains("failed liveness probe, will be restarted"));
    }

    [NodeFact]
    public async Task Init_containers_run_in_order_and_sidecars_stay_until_the_others_have_ended()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: staged}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 2
              volumes: [{name: log, emptyDir: {}}]
              initContainers:
              - {name: one, image: 'busybox:1', command: [sh, -c, 'echo one >> /log/all'], volumeMounts: [{name: log, mountPath: /log}]}
              - name: side
                image: busybox:1
                restartPolicy: Always
                command: [sh, -c, 'echo side >> /log/all; trap "echo side ends; exit 0" TERM; touch /log/up; while true; do sleep 0.2; done']
                startupProbe: {exec: {command: [test, -e, /log/up]}, periodSeconds: 1}
                volumeMounts: [{name: log, mountPath: /log}]
              - {name: two, image: 'busybox:1', command: [sh, -c, 'echo two >> /log/all'], volumeMounts: [{name: log, mountPath: /log}]}
              containers:
              - {name: main, image: 'busybox:1', command: [sh, -c, 'echo main >> /log/all; cat /log/all'], volumeMounts: [{name: log, mountPath: /log}]}
            """);
        await UntilAsync("pod/staged", ".status.phase", "Succeeded");
        Assert.Equal("one\nside\ntwo\nmain\n", await KubectlAsync("logs", "staged", "-c", "main"));
        Assert.Equal("side ends\n", await KubectlAsync("logs", "staged", "-c", "side"));
        Assert.Equal("Completed Completed Completed", await ReadAsync("pod/staged", ".status.initContainerStatuses[*].state.terminated.reason"));
    }

    [NodeFact]
    public async Task A_Pod_that_is_deleted_has_its_hook_run_and_its_grace()
    {
        string folder = Path.Combine(Cluster.Scratch, Namespace + "-end");
        Directory.CreateDirectory(folder);
        await ApplyAsync($$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: polite}
            spec:
              terminationGracePeriodSeconds: 60
              volumes: [{name: out, hostPath: {path: {{{folder}}}}}]
              containers:
              - name: main
                image: busybox:1
                command: [sh, -c, 'trap "echo asked >> /out/log; exit 0" TERM; touch /tmp/up; while true; do sleep 0.2; done']
                readinessProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1}
                lifecycle:
                  postStart: {exec: {command: [sh, -c, 'echo began >> /out/log']}}
                  preStop: {exec: {command: [sh, -c, 'echo hook >> /out/log']}}
                volumeMounts: [{name: out, mountPath: /out}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: deaf}
            spec:
              terminationGracePeriodSeconds: 1
              containers: [{name: main, image: 'busybox:1', command: [sleep, '100000']}]
            """);
        await ReadyAsync("polite", "deaf");
        await KubectlAsync("delete", "pod", "polite", "deaf", "--timeout=50s");
        Assert.Equal("began\nhook\nasked\n", await File.ReadAllTextAsync(Path.Combine(folder, "log")));
        Assert.Contains("NotFound", (await TryAsync("get", "pod", "polite")).Fails());
    }
}
