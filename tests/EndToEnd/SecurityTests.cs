using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

[Collection(OwnClusters.Name)]
public sealed class SecurityTests
{
    [Fact]
    public async Task Certificates_are_asked_for_rotated_and_retired_while_the_cluster_runs()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync("--control-plane-only");
        string before = Path.Combine(cluster.Scratch, "before");
        File.Copy(cluster.Kubeconfig, before);
        await cluster.KubectlAsync("create", "secret", "generic", "keys", "--from-literal=password=hush");
        async Task<Ran> WithOldAsync() => await Program.RunAsync(Kubectl.Newest, ["--kubeconfig", before, $"--cache-dir={cluster.Scratch}/cache", "get", "secret", "keys", "-o", "jsonpath={.data.password}"]);

        string old = Authority((await cluster.HanbaeAsync("certs", "-o", "json")).Ok());
        Assert.Contains("the running cluster has them", (await cluster.HanbaeAsync("certs", "rotate", "--ca")).Ok());
        Assert.NotEqual(old, Authority((await cluster.HanbaeAsync("certs", "-o", "json")).Ok()));
        // Who knows only the old authority, and was signed by it, goes on; so does who has the new kubeconfig.
        Assert.Equal("aHVzaA==", (await WithOldAsync()).Ok());
        await Until.Async("both authorities are published", () => cluster.KubectlAsync("get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.data.ca\\.crt}"), pem => pem.Split("BEGIN CERTIFICATE").Length == 3);
        Assert.Equal("aHVzaA==", await cluster.KubectlAsync("get", "secret", "keys", "-o", "jsonpath={.data.password}"));

        // A Secret of an account has the authorities of now, too.
        await cluster.ApplyAsync("apiVersion: v1\nkind: Secret\nmetadata: {name: legacy, annotations: {kubernetes.io/service-account.name: default}}\ntype: kubernetes.io/service-account-token\n");
        await Until.Async("the authorities in the Secret", () => cluster.KubectlAsync("get", "secret", "legacy", "-o", "go-template={{index .data \"ca.crt\" | base64decode}}"), pem => pem.Split("BEGIN CERTIFICATE").Length == 3);
        string token = (await cluster.KubectlAsync("create", "token", "default")).Trim();
        async Task<int> WithTokenAsync() => (await Program.RunAsync(Kubectl.Newest, ["--kubeconfig", "/dev/null", "--server", $"https://127.0.0.1:{cluster.Port}", "--insecure-skip-tls-verify", "--token", token, "auth", "whoami"])).Code;
        (await cluster.HanbaeAsync("certs", "rotate", "--service-account-key")).Ok();
        Assert.Equal(2, (await cluster.KubectlAsync("get", "--raw", "/openid/v1/jwks")).Split("\"kid\"").Length - 1);
        Assert.Equal(0, await WithTokenAsync());
        (await cluster.HanbaeAsync("certs", "retire", "--service-account-key")).Ok();
        Assert.NotEqual(0, await WithTokenAsync());
        token = (await cluster.KubectlAsync("create", "token", "default")).Trim();
        Assert.Equal(0, await WithTokenAsync());

        Assert.Contains("encrypted anew", (await cluster.HanbaeAsync("certs", "rotate", "--encryption-key")).Ok());
        Assert.Equal("aHVzaA==", await cluster.KubectlAsync("get", "secret", "keys", "-o", "jsonpath={.data.password}"));

        (await cluster.HanbaeAsync("certs", "retire")).Ok();
        Assert.NotEqual(0, (await WithOldAsync()).Code);
        await Until.Async("the kubeconfig is good", async () => (await cluster.TryKubectlAsync(["get", "secret", "keys"])).Code.ToString(), code => code == "0");
        // All of it lasts over a restart.
        (await cluster.HanbaeAsync("down")).Ok();
        await cluster.UpAsync();
        Assert.Equal("aHVzaA==", await cluster.KubectlAsync("get", "secret", "keys", "-o", "jsonpath={.data.password}"));
    }

    static string Authority(string json) => JsonDocument.Parse(json).RootElement.EnumerateArray().First(c => c.GetProperty("name").GetString() == "ca").GetProperty("sha1").GetString()!;

    [Fact]
    public async Task Whom_to_believe_at_the_API_server_is_published_where_beta_APIs_are_asked_for()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync("--control-plane-only", "--runtime-config", "certificates.k8s.io/v1beta1/clustertrustbundles=true");
        async Task<string> BundleAsync() => (await cluster.TryKubectlAsync(["get", "clustertrustbundles", "--field-selector", "spec.signerName=kubernetes.io/kube-apiserver-serving", "-o", "jsonpath={.items[*].spec.trustBundle}"])).Out.Trim();
        async Task<string> AuthorityAsync() => (await File.ReadAllTextAsync(Path.Combine(cluster.DataDir, "pki", "ca.crt"))).Trim();
        string first = await AuthorityAsync();
        await Until.Async("the bundle", BundleAsync, bundle => bundle == first);
        (await cluster.HanbaeAsync("certs", "rotate", "--ca")).Ok();
        string second = await AuthorityAsync();
        Assert.NotEqual(first, second);
        await Until.Async("both authorities in the bundle", BundleAsync, bundle => bundle == second);
        Assert.DoesNotContain("podcertificaterequests", await cluster.KubectlAsync("api-resources", "--api-group", "certificates.k8s.io"));
    }
}
