using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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

    /// <summary>With a signer as anybody could write one: it reads requests and answers them (KEP-4317).</summary>
    [NodeFact]
    public async Task A_Pod_s_volume_shows_the_certificate_that_a_signer_issued_for_it()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync("--runtime-config", "certificates.k8s.io/v1beta1/podcertificaterequests=true");
        await cluster.ImportBusyboxAsync();
        await cluster.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              terminationGracePeriodSeconds: 0
              volumes: [{name: id, projected: {sources: [{podCertificate: {signerName: example.com/mine, keyType: ECDSAP256, maxExpirationSeconds: 7200, credentialBundlePath: bundle.pem, userAnnotations: {example.com/team: blue}}}]}}]
              containers: [{name: main, image: 'busybox:1', command: [sh, -c, 'cat /id/bundle.pem; sleep 100000'], volumeMounts: [{name: id, mountPath: /id}]}]
            """);
        var asked = (await Until.Async("a request", () => cluster.GetAsync("podcertificaterequests"), all => all.GetProperty("items").GetArrayLength() > 0)).GetProperty("items")[0];
        var spec = asked.GetProperty("spec");
        string name = asked.GetProperty("metadata").GetProperty("name").GetString()!;
        Assert.Equal(("web", "default", "blue"), (spec.GetProperty("podName").GetString(), spec.GetProperty("serviceAccountName").GetString(), spec.GetProperty("unverifiedUserAnnotations").GetProperty("example.com/team").GetString()));
        Assert.Contains("Pending", await cluster.KubectlAsync("get", "podcertificaterequests", name), StringComparison.Ordinal);

        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var from = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var until = from.AddHours(2);
        var request = CertificateRequest.LoadSigningRequest(spec.GetProperty("stubPKCS10Request").GetBytesFromBase64(), HashAlgorithmName.SHA256);
        using var leaf = new CertificateRequest(new X500DistinguishedName("CN=web"), request.PublicKey, HashAlgorithmName.SHA256)
            .Create(new X500DistinguishedName("CN=mine"), X509SignatureGenerator.CreateForECDsa(authority), from, until, [1]);
        static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        string answer = JsonSerializer.Serialize(new
        {
            status = new
            {
                conditions = new[] { new { type = "Issued", status = "True", reason = "Issued", message = "", lastTransitionTime = Of(from) } }, certificateChain = leaf.ExportCertificatePem() + "\n",
                notBefore = Of(from), notAfter = Of(until), beginRefreshAt = Of(from.AddHours(1)),
            },
        });
        await cluster.KubectlAsync("patch", "podcertificaterequests", name, "--subresource", "status", "--type", "merge", "-p", answer);

        string shown = await Until.Async("the certificate", async () => (await cluster.TryKubectlAsync(["logs", "web"])).Out, log => log.Contains("END CERTIFICATE", StringComparison.Ordinal));
        using var there = X509Certificate2.CreateFromPem(shown, shown); // with its key
        Assert.Equal(leaf.Thumbprint, there.Thumbprint);
        Assert.Contains("Issued", await cluster.KubectlAsync("get", "podcertificaterequests", name), StringComparison.Ordinal);
    }
}
