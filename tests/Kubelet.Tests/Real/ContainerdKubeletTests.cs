using Hanbae.Kit.Containerd;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>The whole kubelet on a real containerd, with real processes, cgroups, probes and streams.</summary>
public sealed class ContainerdKubeletTests(KubeletNode node) : RealKubeletTest(node)
{
    [RealFact]
    public async Task A_pod_runs_is_probed_and_goes_with_its_cgroup()
    {
        Start();
        var web = Shell("web", "echo hello > /tmp/x; exec busybox httpd -f -p 8080 -h /tmp") with
        {
            ReadinessProbe = new() { HttpGet = new() { Path = "/x", Port = new(8080) }, PeriodSeconds = 1, FailureThreshold = 1 },
            Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse("100m")), ("memory", Quantity.Parse("32Mi"))), Limits = Map.Of(("memory", Quantity.Parse("64Mi"))) },
        };
        var pod = Pod("web", web);
        _api.Put(pod);
        await Until("web", s => s.Conditions.Find(c => c.Type == "Ready")?.Status == "True", "ready");
        Assert.Equal("Running", StatusOf("web").Phase);
        Assert.StartsWith("10.213.", StatusOf("web").PodIP);
        string cgroup = $"/sys/fs/cgroup/memory{Node.CgroupRoot}/burstable/pod{pod.Metadata.Uid}";
        Assert.Equal((64L << 20).ToString(), File.ReadAllText(cgroup + "/memory.limit_in_bytes").Trim());

        await _api.UntilAsync(a => a.Get<Lease>(new("kube-node-lease", "n1")) is not null, "lease");
        await _api.UntilAsync(a => a.Get<Node>(new("", "n1"))?.Status.Conditions.Find(c => c.Type == "Ready")?.Status == "True", "node ready");
        Assert.StartsWith("containerd://1.", _api.Get<Node>(new("", "n1"))!.Status.NodeInfo.ContainerRuntimeVersion);

        _api.MarkDeleted("web", 1);
        await _api.UntilAsync(a => a.Pod("web") is null, "deleted");
        Assert.False(Directory.Exists(cgroup));
        Assert.False(Directory.Exists(Path.Combine(Node.Directory, "kubelet", "pods", pod.Metadata.Uid)));
    }

    [RealFact]
    public async Task Too_much_memory_ends_as_OOMKilled_with_137()
    {
        Start();
        var pod = Pod("greedy", Shell("greedy", "exec busybox tail /dev/zero") with { Resources = new() { Limits = Map.Of(("memory", Quantity.Parse("16Mi"))) } });
        _api.Put(pod with { Spec = pod.Spec with { RestartPolicy = "Never" } });
        await Until("greedy", s => s.Phase == "Failed", "failed");
        var ended = StatusOf("greedy").ContainerStatuses[0].State.Terminated!;
        Assert.Equal((137, "OOMKilled"), (ended.ExitCode, ended.Reason));
    }

    [RealFact]
    public async Task What_a_container_leaves_to_say_is_its_termination_message()
    {
        Start();
        var pod = Pod("last", Shell("words", "echo from file > /dev/termination-log; exit 3"), Shell("log", "echo first; echo from log; exit 4") with { TerminationMessagePolicy = "FallbackToLogsOnError" });
        _api.Put(pod with { Spec = pod.Spec with { RestartPolicy = "Never" } });
        await Until("last", s => s.Phase == "Failed", "failed");
        Assert.Equal("from file\n", StatusOf("last").ContainerStatuses[0].State.Terminated!.Message);
        Assert.Equal("first\nfrom log\n", StatusOf("last").ContainerStatuses[1].State.Terminated!.Message);
    }

    [RealFact]
    public async Task Volumes_variables_and_names_reach_the_processes()
    {
        Start();
        _api.Put(new ConfigMap { Metadata = new() { Name = "settings", Namespace = "default" }, Data = Map.Of(("color", "green")) });
        var mounts = Seq.ToSeq<VolumeMount>([new() { Name = "shared", MountPath = "/shared" }, new() { Name = "settings", MountPath = "/settings", ReadOnly = true }]);
        var init = Shell("init", "echo from-init > /shared/file") with { VolumeMounts = mounts };
        var app = Shell("app", "read a < /shared/file; read b < /settings/color; echo $a $b $IP; busybox hostname; busybox tail -1 /etc/hosts; busybox id -G; busybox grep NoNewPrivs /proc/self/status") with
        {
            VolumeMounts = mounts, Env = [new() { Name = "IP", ValueFrom = new() { FieldRef = new() { ApiVersion = "v1", FieldPath = "status.podIP" } } }],
            SecurityContext = new() { RunAsUser = 1000, RunAsGroup = 1001, AllowPrivilegeEscalation = false }, TerminationMessagePolicy = "FallbackToLogsOnError",
        };
        app = app with { Command = ["sh", "-c", app.Command[2] + "; exit 1"] };
        var pod = Pod("whole", app);
        _api.Put(pod with
        {
            Spec = pod.Spec with
            {
                RestartPolicy = "Never", InitContainers = [init], Hostname = "me", SecurityContext = new() { SupplementalGroups = [3000] },
                Volumes = [new() { Name = "shared", EmptyDir = new() }, new() { Name = "settings", ConfigMap = new() { Name = "settings" } }],
            },
        });
        await Until("whole", s => s.Phase == "Failed", "ended");
        var status = StatusOf("whole");
        Assert.Equal($"from-init green {status.PodIP}\nme\n{status.PodIP}\tme\n1001 3000\nNoNewPrivs:\t1\n", status.ContainerStatuses[0].State.Terminated!.Message);
    }

    [RealFact]
    public async Task A_new_kubelet_takes_over_the_containers_of_a_killed_one()
    {
        Start();
        _api.Put(Pod("kept", Shell("app", "sleep 1000")));
        await Until("kept", s => s.Phase == "Running", "running");
        string id = StatusOf("kept").ContainerStatuses[0].ContainerID;
        await StopAsync();

        Start();
        var annotated = _api.Pod("kept")!;
        _api.Put(annotated with { Metadata = annotated.Metadata with { Generation = 2 } }); // the new one answers with the generation it saw
        await Until("kept", s => s.ObservedGeneration == 2, "seen by the new kubelet");
        Assert.Equal(id, StatusOf("kept").ContainerStatuses[0].ContainerID);
        Assert.Equal(0, StatusOf("kept").ContainerStatuses[0].RestartCount);
    }

    [RealFact]
    public async Task A_failed_liveness_probe_restarts_the_container()
    {
        Start();
        _api.Put(Pod("sick", Shell("app", "sleep 1000") with { LivenessProbe = new() { Exec = new() { Command = ["false"] }, PeriodSeconds = 1, FailureThreshold = 1, TerminationGracePeriodSeconds = 1 } }));
        await Until("sick", s => s.ContainerStatuses is [{ RestartCount: > 0 }], "restarted");
        Assert.Contains("Normal Killing Container app failed liveness probe, will be restarted", _events.All);
        Assert.Contains("Warning Unhealthy Liveness probe failed: ", _events.All);
    }

    [RealFact]
    public async Task The_api_sends_a_log_while_it_grows_and_refuses_strangers()
    {
        using var pki = new TestPki();
        var kubelet = Start(o => o with { ServingCertificate = pki.Server, ClientCAs = [pki.Authority] });
        var pod = Pod("talker", Shell("app", "i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); sleep 0.2; done; echo bad >&2"));
        _api.Put(pod with { Spec = pod.Spec with { RestartPolicy = "Never" } });
        await Until("talker", s => s.Phase is "Running" or "Succeeded", "running");

        string url = $"https://127.0.0.1:{await kubelet.Port}";
        using var apiServer = pki.Client("kube-apiserver-kubelet-client");
        string log = await apiServer.GetStringAsync($"{url}/containerLogs/default/talker/app?follow=true");
        Assert.Equal("line 0\nline 1\nline 2\nline 3\nline 4\nbad\n", log);
        Assert.Equal("line 4\nbad\n", await apiServer.GetStringAsync($"{url}/containerLogs/default/talker/app?tailLines=2"));
        Assert.Contains("\"name\":\"talker\"", await apiServer.GetStringAsync($"{url}/pods"));

        using var stranger = pki.Client("somebody");
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.GetAsync($"{url}/pods")).StatusCode);
        using var nobody = pki.Client(null);
        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.GetAsync($"{url}/pods")).StatusCode);
    }

    [RealFact]
    public async Task The_api_runs_commands_in_containers()
    {
        using var pki = new TestPki();
        var kubelet = Start(o => o with { ServingCertificate = pki.Server, ClientCAs = [pki.Authority] });
        _api.Put(Pod("shell", Shell("app", "sleep 1000")));
        await Until("shell", s => s.Phase == "Running", "running");
        using var socket = new System.Net.WebSockets.ClientWebSocket();
        socket.Options.AddSubProtocol("v4.channel.k8s.io");
        socket.Options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        socket.Options.ClientCertificates.Add(pki.Issue("kube-apiserver-kubelet-client"));
        await socket.ConnectAsync(new($"wss://127.0.0.1:{await kubelet.Port}/exec/default/shell/app?command=echo&command=hi&output=1&error=1"), default);
        var (text, buffer) = ("", new byte[1024]);
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer, default);
            if (got.MessageType == System.Net.WebSockets.WebSocketMessageType.Close) break;
            if (got.Count > 1) text += $"{buffer[0]}:{System.Text.Encoding.UTF8.GetString(buffer, 1, got.Count - 1)}";
        }
        Assert.Contains("1:hi\n", text);
        Assert.Contains("3:{\"metadata\":{},\"status\":\"Success\"}", text);
    }
}
