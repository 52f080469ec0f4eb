using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>What containers may do, who they are, and what they share with the node.</summary>
public sealed class SecurityTests(SharedCluster shared) : PodRun(shared)
{
    [NodeFact]
    [Trait("Conformance", "[sig-node] Security Context When creating a container with runAsUser should run the container with uid 65534 [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Security Context When creating a pod with privileged should run the container as unprivileged when false [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Security Context When creating a pod with readOnlyRootFilesystem should run the container with writable rootfs when readOnlyRootFilesystem=false [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]")]
    [Trait("Conformance", "[sig-node] Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]")]
    [Trait("Conformance", "[sig-node] Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege escalation when false [LinuxOnly] [NodeConformance] [Conformance]")]
    public async Task Users_groups_and_rights_are_those_of_the_security_context()
    {
        Assert.Equal("65534\n", await ScriptAsync("uid", "id -u", "securityContext: {runAsUser: 65534}"));
        Assert.Equal("1001 2002\n", await ScriptAsync("own", "echo $(id -u) $(id -g)", "securityContext: {runAsUser: 1001, runAsGroup: 2002}"));
        Assert.Equal("1001 2002 2002 3003\n", await ScriptAsync("pod", "echo $(id -u) $(id -g) $(id -G)", "", "securityContext: {runAsUser: 1001, runAsGroup: 2002, supplementalGroups: [3003]}"));
        Assert.Contains("not permitted", await ScriptAsync("unprivileged", "ip link add br9 type bridge 2>&1; true", "securityContext: {privileged: false}"));
        Assert.Equal("x\n", await ScriptAsync("writable", "echo x > /file; cat /file", "securityContext: {readOnlyRootFilesystem: false}"));
        Assert.Equal("NoNewPrivs:\t1\n", await ScriptAsync("no-escalation", "grep NoNewPrivs /proc/self/status", "securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false}"));
        Assert.Equal("NoNewPrivs:\t0\n", await ScriptAsync("escalation", "grep NoNewPrivs /proc/self/status", "securityContext: {runAsUser: 1000, allowPrivilegeEscalation: true}"));
        Assert.Equal("CapEff:\t0000000000000400\n", await ScriptAsync("capable", "grep CapEff /proc/self/status", "securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}"));
        Assert.Equal("Seccomp:\t2\n", await ScriptAsync("filtered", "grep Seccomp: /proc/self/status", "securityContext: {seccompProfile: {type: RuntimeDefault}}"));
        await ApplyAsync(Script("root", "true", "securityContext: {runAsNonRoot: true}"));
        await UntilAsync("pod/root", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError");
        Assert.Contains("container has runAsNonRoot and image will run as root", await ReadAsync("pod/root", ".status.containerStatuses[0].state.waiting.message"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Sysctls [LinuxOnly] [NodeConformance] should support sysctls [Environment:NotInUserNS] [Conformance]")]
    [Trait("Conformance", "[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [Conformance]")]
    public async Task Safe_sysctls_are_set_and_others_are_refused()
    {
        Assert.Equal("1\n", await ScriptAsync("safe", "cat /proc/sys/kernel/shm_rmid_forced", "", "securityContext: {sysctls: [{name: kernel.shm_rmid_forced, value: '1'}]}"));
        await ApplyAsync(Script("unsafe", "true", "", "securityContext: {sysctls: [{name: kernel.msgmax, value: '10000000000'}]}"));
        await UntilAsync("pod/unsafe", ".status.reason", "SysctlForbidden");
        Assert.Equal("Failed", await ReadAsync("pod/unsafe", ".status.phase"));
        Assert.Equal("Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted", await ReadAsync("pod/unsafe", ".status.message"));
        string refused = (await WithInputAsync(Script("invalid", "true", "", "securityContext: {sysctls: [{name: foo-, value: bar}, {name: kernel.shmmax, value: '100'}, {name: safe-and-unsafe, value: '1'}, {name: bar.., value: '42'}]}"), "apply", "-f", "-")).Fails();
        Assert.Contains("foo-", refused);
        Assert.Contains("bar..", refused);
        Assert.DoesNotContain("kernel.shmmax", refused);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] KubeletManagedEtcHosts should test kubelet managed /etc/hosts file [NodeConformance] [Conformance]")]
    public async Task Etc_hosts_is_the_kubelets_unless_the_Pod_brings_its_own()
    {
        string log = await ScriptAsync("aliases", "cat /etc/hosts; hostname", "", "hostname: me\nsubdomain: them\nhostAliases: [{ip: 123.45.67.89, hostnames: [foo, bar]}]");
        string ip = await ReadAsync("pod/aliases", ".status.podIP");
        Assert.StartsWith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n", log);
        Assert.Contains($"{ip}\tme.them.{Namespace}.svc.cluster.local\tme\n", log);
        Assert.EndsWith("\n# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\nme\n", log);
        Assert.Equal($"me.them.{Namespace}.svc.cluster.local\n", await ScriptAsync("fqdn", "hostname", "", "hostname: me\nsubdomain: them\nsetHostnameAsFQDN: true"));
        Assert.DoesNotContain("Kubernetes-managed", await ScriptAsync("own", "cat /etc/hosts", "volumeMounts: [{name: hosts, mountPath: /etc/hosts}]", "volumes: [{name: hosts, hostPath: {path: /etc/hosts, type: File}}]"));
        Assert.StartsWith("# Kubernetes-managed hosts file (host network).\n", await ScriptAsync("host", "cat /etc/hosts", "", "hostNetwork: true"));
    }

    [NodeFact]
    public async Task Namespaces_are_the_nodes_or_shared_when_asked_for()
    {
        string Links(string pid) => $"for n in net pid ipc; do readlink /proc/{pid}/ns/$n; done";
        string[] node = (await Program.RunAsync("/bin/sh", ["-c", Links(Cluster.Pid()!.Value.ToString())])).Ok().Split('\n');
        string[] own = (await ScriptAsync("own", Links("self"))).Split('\n'), host = (await ScriptAsync("host", Links("self"), "", "hostNetwork: true\nhostPID: true\nhostIPC: true")).Split('\n');
        for (int i = 0; i < 3; i++)
        {
            Assert.NotEqual(node[i], own[i]);
            Assert.Equal(node[i], host[i]);
        }
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: shared}
            spec:
              shareProcessNamespace: true
              terminationGracePeriodSeconds: 0
              containers: [{name: one, image: 'busybox:1', command: [sleep, '98765']}, {name: two, image: 'busybox:1', command: [sleep, '100000']}]
            """);
        await ReadyAsync("shared");
        Assert.Contains("sleep 98765", await KubectlAsync("exec", "shared", "-c", "two", "--", "ps"));
        Assert.Contains("nameserver 192.0.2.1\nsearch example.org\noptions ndots:2 edns0", (await ScriptAsync("dns", "cat /etc/resolv.conf", "",
            "dnsPolicy: None\ndnsConfig: {nameservers: [192.0.2.1], searches: [example.org], options: [{name: ndots, value: '2'}, {name: edns0}]}")).ReplaceLineEndings("\n").Replace("search example.org\nnameserver 192.0.2.1", "nameserver 192.0.2.1\nsearch example.org"));
        Assert.Contains($"search {Namespace}.svc.cluster.local svc.cluster.local cluster.local", await ScriptAsync("cluster-dns", "cat /etc/resolv.conf"));
    }
}
