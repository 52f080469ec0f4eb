using System.Net;
using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>What the kubelet's API tells of use, and to whom.</summary>
public sealed class FiguresTests(KubeletNode node) : RealKubeletTest(node)
{
    [RealFact]
    public async Task Figures_come_from_the_kernel_under_the_names_that_dashboards_know()
    {
        using var pki = new TestPki();
        var kubelet = Start(o => o with { ServingCertificate = pki.Server, ClientCAs = [pki.Authority], UsagePeriod = TimeSpan.FromSeconds(6) });
        var pod = Pod("busy", Shell("app", "while true; do :; done") with { Resources = new() { Limits = Map.Of(("cpu", Quantity.Parse("200m")), ("memory", Quantity.Parse("64Mi"))) } });
        _api.Put(pod);
        await Until("busy", s => s.Phase == "Running", "running");
        using var client = pki.Client("kube-apiserver-kubelet-client");
        string url = $"https://127.0.0.1:{await kubelet.Port}";

        // A reading is good for some seconds: the first may be older than the container.
        string cadvisor = "";
        await LookAsync("figures of the container", async () => (cadvisor = await client.GetStringAsync(url + "/metrics/cadvisor")).Contains("container=\"app\""));
        string labels = $"container=\"app\",id=\"{Node.CgroupRoot}/";
        foreach (string metric in (string[])["container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_memory_rss", "container_spec_cpu_quota", "container_spec_memory_limit_bytes", "container_start_time_seconds", "container_fs_usage_bytes", "container_processes", "container_file_descriptors", "container_threads_max"])
            Assert.Contains(metric + "{" + labels, cadvisor);
        Assert.Contains("container_spec_memory_limit_bytes{container=\"\",id=\"", cadvisor); // the Pod as a whole
        Assert.Contains("container_network_receive_bytes_total{container=\"\"", cadvisor);
        Assert.Contains("interface=\"eth0\"", cadvisor);
        Assert.Contains(",namespace=\"default\",pod=\"busy\"} 67108864", cadvisor);
        Assert.Contains("machine_cpu_cores{", cadvisor);

        string resource = await client.GetStringAsync(url + "/metrics/resource");
        Assert.Contains("container_cpu_usage_seconds_total{container=\"app\",namespace=\"default\",pod=\"busy\"}", resource);
        Assert.Contains("pod_memory_working_set_bytes{namespace=\"default\",pod=\"busy\"}", resource);
        Assert.Contains("resource_scrape_error 0", resource);
        Assert.Contains("kubelet_running_pods 1", await client.GetStringAsync(url + "/metrics"));
        Assert.Contains("\"maxPods\":110", await client.GetStringAsync(url + "/configz"));
        Assert.Contains("\"name\":\"busy\"", await client.GetStringAsync(url + "/runningpods/"));
        Assert.Equal("ok", await client.GetStringAsync(url + "/healthz"));

        var summary = JsonDocument.Parse(await client.GetStringAsync(url + "/stats/summary")).RootElement;
        Assert.Equal("n1", summary.GetProperty("node").GetProperty("nodeName").GetString());
        var app = summary.GetProperty("pods").EnumerateArray().Single(p => p.GetProperty("podRef").GetProperty("name").GetString() == "busy").GetProperty("containers")[0];
        Assert.True(app.GetProperty("memory").GetProperty("workingSetBytes").GetInt64() > 0);
        Assert.True(app.GetProperty("cpu").GetProperty("usageCoreNanoSeconds").GetInt64() > 0);
        foreach (string disk in (string[])["rootfs", "logs"])
            Assert.True(app.GetProperty(disk).GetProperty("capacityBytes").GetInt64() > app.GetProperty(disk).GetProperty("usedBytes").GetInt64());
        Assert.True(app.GetProperty("swap").TryGetProperty("swapUsageBytes", out _));
        Assert.True(summary.GetProperty("node").GetProperty("memory").GetProperty("pageFaults").GetInt64() > 0);
        Assert.True(summary.GetProperty("node").GetProperty("runtime").GetProperty("containerFs").GetProperty("inodes").GetInt64() > 0);

        // For kubectl top: after two readings.
        await LookAsync("figures of use", () => Task.FromResult(kubelet.Usage.Pods.Exists(p => p.Metadata.Name == "busy")));
        var use = kubelet.Usage.Pods.Find(p => p.Metadata.Name == "busy")!.Containers[0];
        Assert.InRange(use.Usage["cpu"].MilliValue(), 1, 1000);
        Assert.True(use.Usage["memory"].Value() > 0);
        Assert.True(kubelet.Usage.Node!.Usage["memory"].Value() > 1 << 20);
    }

    [RealFact]
    public async Task Who_may_look_is_asked_of_the_cluster()
    {
        using var pki = new TestPki();
        // The cluster knows one token, whose owner may look at metrics and nothing else.
        _api.OnCreate = o => o switch
        {
            TokenReview r => r with { Status = r.Spec.Token == "good" ? new() { Authenticated = true, User = new() { Username = "prometheus", Groups = ["monitors"] } } : new() },
            SubjectAccessReview r => r with { Status = new() { Allowed = r.Spec is { User: "prometheus", ResourceAttributes: { Verb: "get", Resource: "nodes", Name: "n1", Subresource: "metrics" or "healthz" } } } },
            _ => null,
        };
        var kubelet = Start(o => o with { ServingCertificate = pki.Server, ClientCAs = [pki.Authority] });
        string url = $"https://127.0.0.1:{await kubelet.Port}";
        async Task<HttpResponseMessage> AskAsync(string path, string token)
        {
            using var client = pki.Client(null);
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
            return await client.GetAsync(url + path);
        }
        Assert.Equal(HttpStatusCode.OK, (await AskAsync("/metrics/resource", "good")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync("/healthz", "good")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync("/metrics", "bad")).StatusCode);
        var refused = await AskAsync("/pods", "good");
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal("Forbidden (user=prometheus, verb=get, resource=nodes, subresource(s)=[pods proxy])", await refused.Content.ReadAsStringAsync());
    }

    [RealFact]
    public async Task Pods_of_a_folder_run_are_mirrored_and_go_with_their_file()
    {
        string folder = Path.Combine(Node.Directory, "manifests-" + Guid.NewGuid().ToString("N")[..6]);
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, "web.yaml");
        string Yaml(string text) => $"apiVersion: v1\nkind: Pod\nmetadata: {{name: fixed}}\nspec:\n  terminationGracePeriodSeconds: 1\n  dnsPolicy: Default\n  containers: [{{name: app, image: '{Hanbae.Kit.Containerd.SpecImage.Forever}', imagePullPolicy: IfNotPresent, command: [sh, -c, '{text}; sleep 1000']}}]\n";
        await File.WriteAllTextAsync(file, Yaml("echo one"));
        Start(o => o with { StaticPodPath = folder, StaticPodPeriod = TimeSpan.FromSeconds(1) });
        await Until("fixed-n1", s => s.Phase == "Running", "mirrored and running");
        var mirror = _api.Pod("fixed-n1")!;
        Assert.Equal("file", mirror.Metadata.Annotations["kubernetes.io/config.source"]);
        Assert.True(mirror.Metadata.Annotations.ContainsKey("kubernetes.io/config.mirror"));

        // A mirror is only an image: taken away, it comes back, and the container runs on.
        string id = mirror.Status.ContainerStatuses[0].ContainerID;
        await _api.DeleteAsync<Pod>(new("default", "fixed-n1"), new(), default);
        await Until("fixed-n1", s => s.Phase == "Running", "mirrored again");
        Assert.NotEqual(mirror.Metadata.Uid, _api.Pod("fixed-n1")!.Metadata.Uid);
        Assert.Equal(id, _api.Pod("fixed-n1")!.Status.ContainerStatuses[0].ContainerID);

        await File.WriteAllTextAsync(file, Yaml("echo two"));
        await Until("fixed-n1", s => s.Phase == "Running" && s.ContainerStatuses[0].ContainerID != id, "running anew");
        File.Delete(file);
        await _api.UntilAsync(a => a.Pod("fixed-n1") is null, "gone with its file");
    }
}
