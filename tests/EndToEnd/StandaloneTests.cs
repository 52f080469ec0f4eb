using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>A scheduler and the controllers in processes of their own work for a control plane in another, and take over from each other.</summary>
[Collection(OwnClusters.Name)]
public sealed class StandaloneTests
{
    static readonly string[] s_quick = ["--leader-elect-lease-duration", "10s", "--leader-elect-renew-deadline", "8s", "--leader-elect-retry-period", "1s"];

    static async Task<Background> LeaderAsync(RealCluster cluster, string lease, params string[] arguments)
    {
        var started = Program.InBackground(Prerequisites.Hanbae, [.. arguments, "--kubeconfig", cluster.Kubeconfig, .. s_quick]);
        await Until.Async($"a holder of {lease}", async () => (await HolderAsync(cluster, lease)).Holder, holder => holder.Length > 0);
        return started;
    }

    static async Task<(string Holder, string Transitions)> HolderAsync(RealCluster cluster, string lease)
    {
        string[] said = (await cluster.TryKubectlAsync(["-n", "kube-system", "get", "lease", lease, "-o", "jsonpath={.spec.holderIdentity};{.spec.leaseTransitions}"])).Out.Split(';');
        return (said[0], said.Length > 1 ? said[1] : "");
    }

    static Task SpreadAsync(RealCluster cluster, int replicas) =>
        Until.Async($"{replicas} Pods run", () => cluster.KubectlAsync("get", "deployment", "web", "-o", "jsonpath={.status.availableReplicas}"), said => said == $"{replicas}");

    [Fact]
    public async Task The_scheduler_and_the_controllers_run_alone_and_another_instance_takes_over()
    {
        await using var cluster = RealCluster.Plan();
        // What stays within makes no Pods; nobody there knows the profile that these ask for.
        await cluster.UpAsync("--control-plane-only", "--simulated-nodes", "2", "--controllers", "namespace-controller");
        string profile = Path.Combine(cluster.Scratch, "scheduler.yaml");
        await File.WriteAllTextAsync(profile, "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{schedulerName: second}]\n");
        // One of each shows how it is: two would want the same port.
        int figures = RealCluster.FreePort();
        string[] schedule = ["scheduler", "--secure-port", "0", "--config", profile, "--leader-elect-resource-name", "second-scheduler"], control = ["controller-manager", "--use-service-account-credentials", "--secure-port"];
        var firstScheduler = await LeaderAsync(cluster, "second-scheduler", schedule);
        var firstControllers = await LeaderAsync(cluster, "kube-controller-manager", [.. control, $"{figures}"]);
        using var otherScheduler = await LeaderAsync(cluster, "second-scheduler", schedule);
        using var otherControllers = await LeaderAsync(cluster, "kube-controller-manager", [.. control, "0"]);
        string[] before;
        using (firstScheduler)
        using (firstControllers)
        {
            await cluster.ApplyAsync("""
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web, namespace: default}
                spec:
                  replicas: 3
                  selector: {matchLabels: {app: web}}
                  template:
                    metadata: {labels: {app: web}}
                    spec: {schedulerName: second, containers: [{name: web, image: "web:1"}]}
                """);
            await SpreadAsync(cluster, 3);
            await FiguresAsync(cluster, figures);
            before = [(await HolderAsync(cluster, "second-scheduler")).Holder, (await HolderAsync(cluster, "kube-controller-manager")).Holder];
        }
        await cluster.KubectlAsync("scale", "deployment/web", "--replicas=5");
        await SpreadAsync(cluster, 5);
        var (scheduler, controllers) = (await HolderAsync(cluster, "second-scheduler"), await HolderAsync(cluster, "kube-controller-manager"));
        Assert.DoesNotContain(scheduler.Holder, before);
        Assert.DoesNotContain(controllers.Holder, before);
        Assert.Equal("kube-controller-manager", await cluster.KubectlAsync("get", "replicasets", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.managedFields[0].manager}"));
        Assert.Contains("deployment-controller", await cluster.KubectlAsync("-n", "kube-system", "get", "serviceaccounts", "-o", "name"), StringComparison.Ordinal);
        Assert.Contains("second", await cluster.KubectlAsync("get", "events", "--field-selector", "reason=Scheduled", "-o", "jsonpath={.items[*].reportingComponent}"));
    }

    /// <summary>Health is for everybody, figures are for who has a right to them.</summary>
    static async Task FiguresAsync(RealCluster cluster, int port)
    {
        string stranger = await cluster.KubectlAsync("-n", "kube-system", "create", "token", "default");
        await cluster.KubectlAsync("create", "clusterrolebinding", "figures", "--clusterrole=system:monitoring", "--serviceaccount=default:default");
        string watcher = await cluster.KubectlAsync("-n", "default", "create", "token", "default");
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
        using var http = new HttpClient(handler) { BaseAddress = new($"https://127.0.0.1:{port}") };
        Assert.Equal("ok", await http.GetStringAsync("/healthz"));
        Assert.Contains("cannot get path", await SaidAsync("/metrics", stranger), StringComparison.Ordinal);
        string said = await SaidAsync("/metrics", watcher);
        Assert.Contains("workqueue_adds_total{name=\"deployment\"}", said, StringComparison.Ordinal);
        Assert.Contains("leader_election_master_status{name=\"kube-controller-manager\"} 1", said, StringComparison.Ordinal);

        async Task<string> SaidAsync(string path, string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new("Bearer", token) } };
            using var response = await http.SendAsync(request);
            return await response.Content.ReadAsStringAsync();
        }
    }

    [Theory]
    [InlineData("go together", "controller-manager", "--tls-cert-file", "tls.crt")]
    [InlineData("--bind-address here is no address", "scheduler", "--bind-address", "here")]
    [InlineData("go together", "controller-manager", "--cluster-signing-cert-file", "ca.crt")]
    [InlineData("--allocate-node-cidrs needs --cluster-cidr", "controller-manager", "--allocate-node-cidrs")]
    [InlineData("\"nosuch\" is not in the list of known controllers", "controller-manager", "--controllers", "nosuch")]
    [InlineData("LeaseDuration must be greater than RenewDeadline", "scheduler", "--leader-elect-renew-deadline", "20s")]
    [InlineData("--leader-elect-retry-period soon is no time", "scheduler", "--leader-elect-retry-period", "soon")]
    [InlineData("--config /nosuch", "scheduler", "--config", "/nosuch")]
    public async Task What_cannot_be_is_one_line(string says, params string[] arguments)
    {
        string folder = Directory.CreateTempSubdirectory("hanbae-standalone-").FullName;
        try
        {
            string kubeconfig = Path.Combine(folder, "config");
            await File.WriteAllTextAsync(kubeconfig, "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\nusers: [{name: u, user: {}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n");
            string said = (await Program.RunAsync(Prerequisites.Hanbae, [.. arguments, "--kubeconfig", kubeconfig])).Fails();
            Assert.Contains(says, said, StringComparison.Ordinal);
            Assert.Single(said.TrimEnd('\n').Split('\n'));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }
}
