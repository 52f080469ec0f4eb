using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>Prometheus' Kubernetes service discovery, by the VictoriaMetrics that the distribution packages: it reads kubernetes_sd_configs, which the packaged Prometheus is built without.</summary>
[Collection(ClientCluster.Name)]
public sealed class DiscoveryTests(ClientCluster shared)
{
    static readonly string[] s_roles = ["pod", "node", "service", "endpointslice", "ingress"];
    const string Namespace = "discovery";
    const int Rounds = 8;

    [ClientFact("victoria-metrics")]
    public async Task What_is_discovered_under_churn_is_what_there_is()
    {
        var cluster = shared.Cluster;
        string folder = Path.Combine(cluster.Scratch, "discovery"), address = Loopback.Free();
        Directory.CreateDirectory(folder);
        await cluster.KubectlAsync("create", "namespace", Namespace);
        await cluster.KubectlAsync("create", "clusterrole", "discovery", "--verb=get,list,watch", "--resource=pods,nodes,services,endpoints,endpointslices,ingresses");
        await cluster.KubectlAsync("create", "clusterrolebinding", "discovery", "--clusterrole=discovery", "--serviceaccount=kube-system:default");
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), await cluster.KubectlAsync("-n", "kube-system", "create", "token", "default"));
        string authority = await cluster.KubectlAsync("config", "view", "--raw", "-o", "jsonpath={.clusters[0].cluster.certificate-authority-data}");
        await File.WriteAllBytesAsync(Path.Combine(folder, "ca.pem"), Convert.FromBase64String(authority));
        await File.WriteAllTextAsync(Path.Combine(folder, "scrape.yml"), "scrape_configs:\n" + string.Concat(s_roles.Select(role => $$"""
            - job_name: {{role}}
              scrape_interval: 1h
              kubernetes_sd_configs:
              - role: {{role}}
                api_server: https://127.0.0.1:{{cluster.Port}}
                bearer_token_file: {{folder}}/token
                tls_config: {ca_file: {{folder}}/ca.pem}
                {{(role == "node" ? "" : $"namespaces: {{names: [{Namespace}]}}")}}

            """)));
        using var discoverer = Program.InBackground("victoria-metrics", [$"-promscrape.config={folder}/scrape.yml", $"-storageDataPath={folder}/data", $"-httpListenAddr={address}"],
            new Dictionary<string, string> { ["NO_PROXY"] = "*", ["no_proxy"] = "*" });
        await Until.TrueAsync("the nodes are discovered", async () => (await DiscoveredAsync(address)).Contains("node simulated-0"));

        string manifest = Path.Combine(folder, "web.yaml");
        var random = new Random(7);
        for (int i = 0; i < Rounds; i++)
        {
            await File.WriteAllTextAsync(manifest, Manifest(i, random.Next(6)));
            await cluster.KubectlAsync("apply", "-n", Namespace, "--prune", "-l", "churn=yes", "-f", manifest);
            await cluster.KubectlAsync("delete", "pods", "-n", Namespace, "-l", "app=web" + random.Next(2), "--wait=false");
        }

        SortedSet<string> there = [], discovered = [];
        await Until.Async("what is discovered is what there is", async () =>
        {
            discovered = await DiscoveredAsync(address);
            there = await ThereAsync();
            return there.Count > 0 && there.SetEquals(discovered);
        }, same => same, () => Task.FromResult($"there: {string.Join(", ", there)}\ndiscovered: {string.Join(", ", discovered)}\n{discoverer.Text}"));
    }

    const string Web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web$n, labels: {churn: "yes"}}
        spec:
          replicas: $replicas
          selector: {matchLabels: {app: web$n}}
          template: {metadata: {labels: {app: web$n}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web$n-$some, labels: {churn: "yes"}}
        spec: {selector: {app: web$n}, ports: [{port: 80}]}
        ---

        """;

    const string Ingress = """
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: web-$round, labels: {churn: "yes"}}
        spec: {rules: [{host: host$round.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web0-$some, port: {number: 80}}}}]}}]}
        """;

    /// <summary>Two Deployments, with Services and an Ingress that have other names from round to round, so that the last ones are pruned.</summary>
    static string Manifest(int round, int replicas) =>
        (Web.Replace("$n", "0").Replace("$replicas", $"{replicas}") + Web.Replace("$n", "1").Replace("$replicas", $"{(replicas + 2) % 6}") + Ingress)
            .Replace("$some", $"{round % 3}").Replace("$round", $"{round}");

    /// <summary>By their role and what tells them apart.</summary>
    static async Task<SortedSet<string>> DiscoveredAsync(string address)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        try
        {
            using var answer = JsonDocument.Parse(await client.GetStringAsync($"http://{address}/api/v1/targets?state=active"));
            return [.. answer.RootElement.GetProperty("data").GetProperty("activeTargets").EnumerateArray().Select(target =>
            {
                string Label(string name) => target.GetProperty("discoveredLabels").TryGetProperty("__meta_kubernetes_" + name, out var value) ? value.GetString()! : "";
                string role = target.GetProperty("labels").GetProperty("job").GetString()!;
                return role + " " + role switch
                {
                    "pod" => Label("pod_name") + " " + Label("pod_ip"),
                    "node" => Label("node_name"),
                    "service" => Label("service_name"),
                    "endpointslice" => Label("endpointslice_name") + " " + Label("endpointslice_address_target_name"),
                    _ => Label("ingress_name") + " " + Label("ingress_host"),
                };
            })];
        }
        catch (HttpRequestException) { return []; }
    }

    async Task<SortedSet<string>> ThereAsync()
    {
        async Task<string[]> LinesAsync(string resource, string template) =>
            (await shared.Cluster.KubectlAsync("get", resource, "-n", Namespace, "-o", "go-template={{range .items}}" + template + "{{end}}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return
        [
            .. await LinesAsync("pods", """{{if .status.podIP}}pod {{.metadata.name}} {{.status.podIP}}{{"\n"}}{{end}}"""),
            .. await LinesAsync("nodes", """node {{.metadata.name}}{{"\n"}}"""),
            .. await LinesAsync("services", """service {{.metadata.name}}{{"\n"}}"""),
            .. await LinesAsync("endpointslices", """{{$slice := .metadata.name}}{{range .endpoints}}endpointslice {{$slice}} {{.targetRef.name}}{{"\n"}}{{end}}"""),
            .. await LinesAsync("ingresses", """{{$name := .metadata.name}}{{range .spec.rules}}ingress {{$name}} {{.host}}{{"\n"}}{{end}}"""),
        ];
    }
}
