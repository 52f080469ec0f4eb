using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>The distribution's Prometheus.</summary>
[Collection(ClientCluster.Name)]
public sealed class PrometheusTests(ClientCluster shared)
{
    [ClientFact("prometheus")]
    public async Task Prometheus_scrapes_the_API_server()
    {
        string folder = Path.Combine(shared.Cluster.Scratch, "prometheus"), address = Loopback.Free();
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), await shared.Cluster.KubectlAsync("-n", "kube-system", "create", "token", "default"));
        await shared.Cluster.KubectlAsync("create", "clusterrolebinding", "prometheus", "--clusterrole=system:monitoring", "--serviceaccount=kube-system:default");
        string authority = await shared.Cluster.KubectlAsync("config", "view", "--raw", "-o", "jsonpath={.clusters[0].cluster.certificate-authority-data}");
        await File.WriteAllBytesAsync(Path.Combine(folder, "ca.pem"), Convert.FromBase64String(authority));
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), $$"""
            global: {scrape_interval: 1s}
            scrape_configs:
            - job_name: apiserver
              scheme: https
              authorization: {credentials_file: {{folder}}/token}
              tls_config: {ca_file: {{folder}}/ca.pem}
              static_configs: [{targets: ["127.0.0.1:{{shared.Cluster.Port}}"]}]
            """);
        using var prometheus = Program.InBackground("prometheus", [$"--config.file={folder}/prometheus.yml", $"--storage.tsdb.path={folder}/data", $"--web.listen-address={address}"],
            new Dictionary<string, string> { ["NO_PROXY"] = "*", ["no_proxy"] = "*" });

        await Until.Async("the target is up", () => QueryAsync(address, "up"), v => v == "1", () => Task.FromResult(prometheus.Text));
        Assert.True(double.Parse(await QueryAsync(address, "sum(apiserver_request_total)"), System.Globalization.CultureInfo.InvariantCulture) > 0);
    }

    static async Task<string> QueryAsync(string address, string query)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        try
        {
            var answer = JsonDocument.Parse(await client.GetStringAsync($"http://{address}/api/v1/query?query={Uri.EscapeDataString(query)}")).RootElement;
            var result = answer.GetProperty("data").GetProperty("result");
            return result.GetArrayLength() == 0 ? "" : result[0].GetProperty("value")[1].GetString()!;
        }
        catch (HttpRequestException) { return ""; }
    }
}
