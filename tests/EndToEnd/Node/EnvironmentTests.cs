using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>What containers see in their variables and arguments.</summary>
public sealed class EnvironmentTests(SharedCluster shared) : PodRun(shared)
{
    [NodeFact]
    [Trait("Conformance", "[sig-node] ConfigMap should be consumable as environment variable names with various prefixes [Conformance]")]
    [Trait("Conformance", "[sig-node] ConfigMap should be consumable via environment variable [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Secrets should be consumable as environment variable names variable names with various prefixes [Conformance]")]
    [Trait("Conformance", "[sig-node] Secrets should be consumable from pods in env vars [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Secrets should be consumable via the environment [NodeConformance] [Conformance]")]
    public async Task ConfigMaps_and_Secrets_become_variables_whatever_their_prefix()
    {
        await KubectlAsync("create", "configmap", "settings", "--from-literal=data-1=value-1", "--from-literal=data-2=value-2");
        await KubectlAsync("create", "secret", "generic", "hidden", "--from-literal=data-1=secret-1", "--from-literal=data-2=secret-2");
        string log = await ScriptAsync("env", "cat /proc/1/environ | tr '\\0' '\\n'; true", """
            envFrom:
            - {configMapRef: {name: settings}}
            - {prefix: 'p-1_', configMapRef: {name: settings}}
            - {prefix: '1-', configMapRef: {name: settings}}
            - {prefix: '$_-', configMapRef: {name: settings}}
            - {prefix: 's-1_', secretRef: {name: hidden}}
            - {prefix: '2#', secretRef: {name: hidden}}
            - {prefix: 'x_', secretRef: {name: none, optional: true}}
            env:
            - {name: ONE, valueFrom: {configMapKeyRef: {name: settings, key: data-1}}}
            - {name: TWO, valueFrom: {secretKeyRef: {name: hidden, key: data-1}}}
            - {name: LACKING, valueFrom: {configMapKeyRef: {name: settings, key: none, optional: true}}}
            """);
        foreach (string line in (string[])["data-1=value-1", "data-2=value-2", "p-1_data-1=value-1", "1-data-2=value-2", "$_-data-1=value-1", "s-1_data-2=secret-2", "2#data-1=secret-1", "ONE=value-1", "TWO=secret-1"])
            Assert.Contains(line + "\n", log);
        Assert.DoesNotContain("LACKING", log);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Downward API should provide container's limits.cpu/memory and requests.cpu/memory as env vars [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Downward API should provide default limits.cpu/memory from node allocatable [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Downward API should provide host IP as an env var [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Downward API should provide hostIPs as an env var [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Downward API should provide pod UID as env vars [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Downward API should provide pod name, namespace and IP address as env vars [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Pods should get a host IP [NodeConformance] [Conformance]")]
    public async Task A_Pod_learns_about_itself_from_its_variables()
    {
        string log = await ScriptAsync("self", "env", """
            resources: {requests: {cpu: 250m, memory: 32Mi}, limits: {cpu: 1250m, memory: 64Mi}}
            env:
            - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: NS, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
            - {name: PODUID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
            - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
            - {name: HOST, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
            - {name: HOSTS, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}
            - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
            - {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
            - {name: CPU_LIMIT, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
            - {name: MEMORY_LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
            - {name: CPU_REQUEST, valueFrom: {resourceFieldRef: {resource: requests.cpu}}}
            - {name: MEMORY_REQUEST, valueFrom: {resourceFieldRef: {resource: requests.memory}}}
            - {name: MILLI, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
            """, metadata: "labels: {app: me}");
        string uid = await ReadAsync("pod/self", ".metadata.uid"), ip = await ReadAsync("pod/self", ".status.podIP"), host = await ReadAsync("pod/self", ".status.hostIP");
        Assert.NotEmpty(host);
        foreach (string line in (string[])["NAME=self", $"NS={Namespace}", "PODUID=" + uid, "IP=" + ip, "HOST=" + host, "HOSTS=" + host, "LABEL=me", "CPU_LIMIT=2", "MEMORY_LIMIT=67108864", "CPU_REQUEST=1", "MEMORY_REQUEST=33554432", "MILLI=1250"])
            Assert.Contains("\n" + line + "\n", "\n" + log);

        string unlimited = await ScriptAsync("unlimited", "echo $CPU $MEMORY", """
            env:
            - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
            - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
            """);
        string[] node = (await Cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].status.allocatable.cpu} {.items[0].status.allocatable.memory}")).Split(' ');
        long bytes = node[1].EndsWith("Ki") ? long.Parse(node[1][..^2]) * 1024 : long.Parse(node[1]);
        Assert.Equal($"{node[0]} {bytes}\n", unlimited);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Containers should be able to override the image's default arguments (container cmd) [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Containers should be able to override the image's default command (container entrypoint) [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Containers should be able to override the image's default command and arguments [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Containers should use the image defaults if command and args are blank [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Variable Expansion should allow composing env vars into new env vars [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Variable Expansion should allow substituting values in a container's args [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Variable Expansion should allow substituting values in a container's command [NodeConformance] [Conformance]")]
    public async Task Commands_and_arguments_come_from_the_image_or_the_Pod_and_know_the_variables()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: commands}
            spec:
              restartPolicy: Never
              containers:
              - {name: blank, image: 'busybox:1'}
              - {name: args, image: 'busybox:1', args: [echo, from, args]}
              - {name: command, image: 'busybox:1', command: [echo, from, command]}
              - {name: both, image: 'busybox:1', command: [echo], args: ['$(FIRST)', '$(BOTH)', '$$(FIRST)', '$(NONE)'], env: [{name: FIRST, value: a}, {name: SECOND, value: b}, {name: BOTH, value: '$(FIRST);;$(SECOND)'}]}
              - {name: expanded, image: 'busybox:1', command: [sh, -c, 'echo $(WHO)'], env: [{name: WHO, value: test-value}]}
            """);
        await UntilAsync("pod/commands", ".status.phase", "Succeeded"); // the image's own is a shell, which ends where there is no input
        Assert.Equal("from args\n", await KubectlAsync("logs", "commands", "-c", "args"));
        Assert.Equal("from command\n", await KubectlAsync("logs", "commands", "-c", "command"));
        Assert.Equal("a a;;b $(FIRST) $(NONE)\n", await KubectlAsync("logs", "commands", "-c", "both"));
        Assert.Equal("test-value\n", await KubectlAsync("logs", "commands", "-c", "expanded"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods should contain environment variables for services [NodeConformance] [Conformance]")]
    public async Task Services_that_are_there_before_a_Pod_are_in_its_variables()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: Service
            metadata: {name: fooservice}
            spec: {selector: {name: none}, ports: [{port: 8765, targetPort: 8080}]}
            """);
        string address = await ReadAsync("service/fooservice", ".spec.clusterIP");
        string log = await Until.Async("the Service in variables of new Pods", async () =>
        {
            await TryAsync("delete", "pod", "client", "--ignore-not-found", "--grace-period=0", "--force");
            return await ScriptAsync("client", "env");
        }, l => l.Contains("FOOSERVICE_SERVICE_HOST"));
        foreach (string line in (string[])[$"FOOSERVICE_SERVICE_HOST={address}", "FOOSERVICE_SERVICE_PORT=8765", $"FOOSERVICE_PORT=tcp://{address}:8765", "FOOSERVICE_PORT_8765_TCP_PORT=8765", "FOOSERVICE_PORT_8765_TCP_PROTO=tcp", $"FOOSERVICE_PORT_8765_TCP_ADDR={address}"])
            Assert.Contains(line + "\n", log);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Variable Expansion should allow substituting values in a volume subpath [Conformance]")]
    [Trait("Conformance", "[sig-node] Variable Expansion should fail substituting values in a volume subpath with absolute path [Conformance]")]
    [Trait("Conformance", "[sig-node] Variable Expansion should fail substituting values in a volume subpath with backticks [Conformance]")]
    [Trait("Conformance", "[sig-node] Variable Expansion should succeed in writing subpaths in container [Conformance]")]
    [Trait("Conformance", "[sig-node] Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle of a container [Slow] [Conformance]")]
    public async Task Subpaths_are_made_of_variables_but_lead_nowhere_else()
    {
        const string Mounts = "volumeMounts: [{name: work, mountPath: /logscontainer, subPathExpr: $(POD_NAME)}, {name: work, mountPath: /testcontainer}]", Work = "volumes: [{name: work, emptyDir: {}}]";
        Assert.Equal("x\n", await ScriptAsync("right", "echo x > /logscontainer/test.txt; cat /testcontainer/foo/test.txt", Mounts + "\nenv: [{name: POD_NAME, value: foo}]", Work));
        foreach (var (name, value) in (IEnumerable<(string, string)>)[("absolute", "/tmp"), ("upward", ".."), ("upward-deep", "a/../../b")])
        {
            await ApplyAsync(Script(name, "true", Mounts + $"\nenv: [{{name: POD_NAME, value: '{value}'}}]", Work));
            await UntilAsync("pod/" + name, ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError");
        }
        await ApplyAsync(Script("later", "touch /logscontainer/here; ls /testcontainer/mypath; sleep 100000", Mounts + "\nenv: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: \"metadata.annotations['mysubpath']\"}}}]", Work, "annotations: {notmysubpath: mypath}"));
        await UntilAsync("pod/later", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError");
        await KubectlAsync("annotate", "pod", "later", "mysubpath=mypath");
        await UntilAsync("pod/later", ".status.phase", "Running");
        await LogAsync("later", "here");
        await KubectlAsync("annotate", "pod", "later", "--overwrite", "mysubpath=mynewpath"); // what is mounted stays
        await KubectlAsync("exec", "later", "--", "test", "-f", "/testcontainer/mypath/here");
    }
}
