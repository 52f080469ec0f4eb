using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>How containers begin, end, are asked how they are, and what is told of it.</summary>
public sealed class LifecycleTests(SharedCluster shared) : PodRun(shared)
{
    [NodeFact]
    [Trait("Conformance", "[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart exec hook properly [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart http hook properly [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop exec hook properly [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop http hook properly [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] PreStop should call prestop when killing a pod [Conformance]")]
    public async Task Hooks_are_run_inside_and_over_http()
    {
        // Writes down each request line that comes.
        await ApplyAsync(Script("handler", "while true; do nc -l -p 8080 -e sh -c 'read line; echo \"$line\" >> /log; printf \"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\"'; done"));
        await ReadyAsync("handler");
        string ip = await ReadAsync("pod/handler", ".status.podIP");
        async Task CalledAsync(string path) => await Until.Async("call of " + path, async () => (await TryAsync("exec", "handler", "--", "cat", "/log")).Out, log => log.Contains("GET " + path));
        string Ask(string path) => $"exec: {{command: [sh, -c, 'printf \"GET {path} HTTP/1.0\\r\\n\\r\\n\" | nc -w 2 {ip} 8080']}}";
        string Get(string path) => $"httpGet: {{host: {ip}, port: 8080, path: {path}}}";
        await ApplyAsync(Script("hooked-exec", "trap 'exit 0' TERM; while true; do sleep 0.1; done", $"lifecycle: {{postStart: {{{Ask("/start-exec")}}}, preStop: {{{Ask("/stop-exec")}}}}}").Replace("terminationGracePeriodSeconds: 1", "terminationGracePeriodSeconds: 60"));
        await ReadyAsync("hooked-exec");
        await CalledAsync("/start-exec");
        await KubectlAsync("delete", "pod", "hooked-exec");
        await CalledAsync("/stop-exec");
        await ApplyAsync(Script("hooked-http", "trap 'exit 0' TERM; while true; do sleep 0.1; done", $"lifecycle: {{postStart: {{{Get("/start-http")}}}, preStop: {{{Get("/stop-http")}}}}}").Replace("terminationGracePeriodSeconds: 1", "terminationGracePeriodSeconds: 60"));
        await ReadyAsync("hooked-http");
        await CalledAsync("/start-http");
        await KubectlAsync("delete", "pod", "hooked-http");
        await CalledAsync("/stop-http");
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Container Runtime blackbox test on terminated container should report termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Container Runtime blackbox test on terminated container should report termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Container Runtime blackbox test on terminated container should report termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Container Runtime blackbox test on terminated container should report termination message if TerminationMessagePath is set as non-root user and at a non-default path [NodeConformance] [Conformance]")]
    public async Task Containers_have_a_last_word()
    {
        async Task<string> WordAsync(string name, string script, string container)
        {
            await ApplyAsync(Script(name, script, container));
            await UntilAsync("pod/" + name, ".status.containerStatuses[0].state.terminated.reason", r => r.Length > 0);
            return await ReadAsync("pod/" + name, ".status.containerStatuses[0].state.terminated.message");
        }
        Assert.Equal("", await WordAsync("empty", "echo DONE; exit 0", "terminationMessagePolicy: FallbackToLogsOnError"));
        Assert.Equal("OK", await WordAsync("file", "echo DONE; echo -n OK > /dev/termination-log", "terminationMessagePolicy: FallbackToLogsOnError\nterminationMessagePath: /dev/termination-log"));
        Assert.Equal("DONE", await WordAsync("log", "echo -n DONE; exit 1", "terminationMessagePolicy: FallbackToLogsOnError"));
        Assert.Equal("DONE", await WordAsync("path", "echo -n DONE > /dev/termination-custom-log", "terminationMessagePath: /dev/termination-custom-log\nsecurityContext: {runAsUser: 1000}"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Container Runtime blackbox test when starting a container that exits should run with the expected status [NodeConformance] [Conformance]")]
    public async Task What_ends_is_restarted_as_its_policy_says_and_counted()
    {
        const string Count = "c=$(cat /x/n 2>/dev/null || echo 0); echo $((c + 1)) > /x/n; ";
        string With(string name, string policy, string script) =>
            Script(name, Count + script, "volumeMounts: [{name: x, mountPath: /x}]", "volumes: [{name: x, emptyDir: {}}]").Replace("restartPolicy: Never", "restartPolicy: " + policy);
        await ApplyAsync(With("always", "Always", "if [ $c -ge 2 ]; then sleep 100000; fi; exit 1"));
        await ApplyAsync(With("on-failure", "OnFailure", "if [ $c -ge 1 ]; then exit 0; fi; exit 1"));
        await ApplyAsync(With("never", "Never", "exit 1"));
        async Task IsAsync(string pod, string count, string phase, string ready, string state)
        {
            await UntilAsync("pod/" + pod, ".status.containerStatuses[0].restartCount", count);
            await UntilAsync("pod/" + pod, ".status.phase", phase);
            await UntilAsync("pod/" + pod, ".status.containerStatuses[0].ready", ready);
            Assert.Contains(state, await ReadAsync("pod/" + pod, ".status.containerStatuses[0].state"));
        }
        await IsAsync("never", "0", "Failed", "false", "\"exitCode\":1");
        await IsAsync("on-failure", "1", "Succeeded", "false", "\"exitCode\":0");
        await IsAsync("always", "2", "Running", "true", "running");
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartAlways pod [Conformance]")]
    [Trait("Conformance", "[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartNever pod [Conformance]")]
    [Trait("Conformance", "[sig-node] InitContainer [NodeConformance] should not start app containers and fail the pod if init containers fail on a RestartNever pod [Conformance]")]
    [Trait("Conformance", "[sig-node] InitContainer [NodeConformance] should not start app containers if init containers fail on a RestartAlways pod [Conformance]")]
    public async Task App_containers_wait_for_init_containers()
    {
        const string Good = "initContainers: [{name: init1, image: 'busybox:1', command: ['true']}, {name: init2, image: 'busybox:1', command: ['true']}]", Bad = "initContainers: [{name: init1, image: 'busybox:1', command: ['false']}, {name: init2, image: 'busybox:1', command: ['true']}]";
        await ScriptAsync("good-never", "true", spec: Good);
        Assert.Equal("True", await ReadAsync("pod/good-never", ".status.conditions[?(@.type=='Initialized')].status"));
        await ApplyAsync(Script("good-always", "sleep 100000", spec: Good).Replace("restartPolicy: Never", "restartPolicy: Always"));
        await ReadyAsync("good-always");
        Assert.Equal("0 0", await ReadAsync("pod/good-always", ".status.initContainerStatuses[*].state.terminated.exitCode"));

        await ApplyAsync(Script("bad-never", "true", spec: Bad));
        await UntilAsync("pod/bad-never", ".status.phase", "Failed");
        Assert.Equal("False ContainersNotInitialized", await ReadAsync("pod/bad-never", ".status.conditions[?(@.type=='Initialized')].status") + " " + await ReadAsync("pod/bad-never", ".status.conditions[?(@.type=='Initialized')].reason"));
        Assert.Contains("waiting", await ReadAsync("pod/bad-never", ".status.containerStatuses[0].state"));
        await ApplyAsync(Script("bad-always", "true", spec: Bad).Replace("restartPolicy: Never", "restartPolicy: Always"));
        await UntilAsync("pod/bad-always", ".status.initContainerStatuses[0].restartCount", n => int.Parse("0" + n) >= 2);
        Assert.Equal("Pending", await ReadAsync("pod/bad-always", ".status.phase"));
        Assert.Equal("PodInitializing", await ReadAsync("pod/bad-always", ".status.containerStatuses[0].state.waiting.reason"));
        Assert.Contains("waiting", await ReadAsync("pod/bad-always", ".status.initContainerStatuses[1].state"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Kubelet when scheduling a busybox command in a pod should print the output to logs [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Kubelet when scheduling a read only busybox container should not write to root filesystem [LinuxOnly] [NodeConformance] [Conformance]")]
    public async Task Simple_commands_do_as_expected()
    {
        Assert.Equal("Hello World\n", await ScriptAsync("hello", "echo 'Hello World'"));
        await ApplyAsync(Script("fails", "exit 3").Replace("restartPolicy: Never", "restartPolicy: Always"));
        await UntilAsync("pod/fails", ".status.containerStatuses[0]", s => s.Contains("\"reason\":\"Error\""));
        await KubectlAsync("delete", "pod", "fails", "--timeout=60s");
        Assert.Contains("Read-only file system", await ScriptAsync("read-only", "echo x > /file 2>&1; sleep 0.2; true", "securityContext: {readOnlyRootFilesystem: true}"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Probing container should *not* be restarted with a /healthz http liveness probe [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container should *not* be restarted with a exec \"cat /tmp/health\" liveness probe [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container should *not* be restarted with a tcp:8080 liveness probe [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container should be restarted with a /healthz http liveness probe [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container should be restarted with a exec \"cat /tmp/health\" liveness probe [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container should have monotonically increasing restart count [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container with readiness probe should not be ready before initial delay and never restart [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container with readiness probe that fails should never be ready and never restart [NodeConformance] [Conformance]")]
    public async Task Probes_restart_the_sick_and_leave_the_healthy_alone()
    {
        string Always(string name, string script, string container) => Script(name, script, container).Replace("restartPolicy: Never", "restartPolicy: Always");
        const string Serve = "mkdir /tmp/www; echo ok > /tmp/www/healthz; touch /tmp/health; httpd -f -p 8080 -h /tmp/www";
        await ApplyAsync(Always("well", Serve, """
            livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1, failureThreshold: 10}
            readinessProbe: {exec: {command: [cat, /tmp/health]}, periodSeconds: 1}
            """));
        await ApplyAsync(Always("well-tcp", Serve, "livenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1, failureThreshold: 10}\nreadinessProbe: {httpGet: {path: /healthz, port: 8080}, initialDelaySeconds: 3, periodSeconds: 1}"));
        await ApplyAsync(Always("well-exec", Serve, "livenessProbe: {exec: {command: [cat, /tmp/health]}, periodSeconds: 1, failureThreshold: 10}"));
        await ApplyAsync(Always("sick-http", "mkdir /tmp/www; echo ok > /tmp/www/healthz; (sleep 2; rm /tmp/www/healthz) & exec httpd -f -p 8080 -h /tmp/www", "livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1, failureThreshold: 2}"));
        await ApplyAsync(Always("sick-exec", "touch /tmp/health; sleep 2; rm /tmp/health; sleep 100000", "livenessProbe: {exec: {command: [cat, /tmp/health]}, periodSeconds: 1, failureThreshold: 2}"));
        await ApplyAsync(Always("never-ready", "sleep 100000", "readinessProbe: {exec: {command: ['false']}, periodSeconds: 1}"));
        await UntilAsync("pod/sick-http", ".status.containerStatuses[0].restartCount", n => int.Parse("0" + n) >= 1);
        int last = 0;
        await UntilAsync("pod/sick-exec", ".status.containerStatuses[0].restartCount", n =>
        {
            int now = int.Parse("0" + n);
            Assert.True(now >= last, "the count went back");
            return (last = now) >= 3;
        });
        await ReadyAsync("well", "well-tcp", "well-exec");
        Assert.Equal("0 0 0 0", string.Join(' ', await Task.WhenAll(((string[])["well", "well-tcp", "well-exec", "never-ready"]).Select(p => ReadAsync("pod/" + p, ".status.containerStatuses[0].restartCount")))));
        Assert.Equal("false", await ReadAsync("pod/never-ready", ".status.containerStatuses[0].ready"));
        // The second of a time in an API object is whole: the delay is kept within one.
        var started = DateTimeOffset.Parse(await ReadAsync("pod/well-tcp", ".status.containerStatuses[0].state.running.startedAt"));
        var ready = DateTimeOffset.Parse(await ReadAsync("pod/well-tcp", ".status.conditions[?(@.type=='Ready')].lastTransitionTime"));
        Assert.True(ready - started >= TimeSpan.FromSeconds(2), $"started {started}, ready {ready}");
    }

    [NodeFact]
    public async Task Stop_signals_restart_rules_and_sleeping_hooks_are_honoured()
    {
        string folder = Path.Combine(Cluster.Scratch, Namespace + "-signal");
        Directory.CreateDirectory(folder);
        await ApplyAsync($$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: rules}
            spec:
              restartPolicy: Never
              volumes: [{name: out, hostPath: {path: {{{folder}}}}}]
              containers:
              - name: again
                image: busybox:1
                restartPolicy: Never
                restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]
                command: [sh, -c, 'if [ -e /out/was ]; then exit 0; fi; touch /out/was; exit 42']
                volumeMounts: [{name: out, mountPath: /out}]
            """);
        await UntilAsync("pod/rules", ".status.phase", "Succeeded");
        Assert.Equal("1", await ReadAsync("pod/rules", ".status.containerStatuses[0].restartCount"));

        await ApplyAsync($$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: slow}
            spec:
              terminationGracePeriodSeconds: 30
              volumes: [{name: out, hostPath: {path: {{{folder}}}}}]
              containers:
              - name: main
                image: busybox:1
                command: [sh, -c, 'trap "date +%s > /out/term; exit 0" TERM; touch /tmp/up; while true; do sleep 0.1; done']
                readinessProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1}
                lifecycle: {preStop: {sleep: {seconds: 2} } }
                volumeMounts: [{name: out, mountPath: /out}]
            """);
        await ReadyAsync("slow");
        long began = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        await KubectlAsync("delete", "pod", "slow", "--timeout=60s");
        Assert.True(long.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "term"))) - began >= 1, "the signal came before the hook's sleep was over");
    }
}
