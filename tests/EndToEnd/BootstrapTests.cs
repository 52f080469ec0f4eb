using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>A kubelet in a process of its own joins a control plane in another by a bootstrap token (TLS bootstrapping).</summary>
[Collection(OwnClusters.Name)]
public sealed class BootstrapTests
{
    [Fact]
    public async Task A_kubelet_joins_by_a_bootstrap_token_and_serves_by_a_certificate_that_was_approved()
    {
        await using var cluster = RealCluster.Plan();
        await using var node = RealCluster.Plan();
        await cluster.UpAsync("--control-plane-only");
        await cluster.ApplyAsync("""
            apiVersion: v1
            kind: Secret
            metadata: {name: bootstrap-token-abcdef, namespace: kube-system}
            type: bootstrap.kubernetes.io/token
            stringData: {token-id: abcdef, token-secret: 0123456789abcdef, usage-bootstrap-authentication: "true", auth-extra-groups: "system:bootstrappers:nodes"}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: join}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:node-bootstrapper"}
            subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:bootstrappers:nodes"}]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: approve-join}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient"}
            subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:bootstrappers:nodes"}]
            """);
        string bootstrap = Path.Combine(node.Scratch, "bootstrap.kubeconfig");
        string authority = Convert.ToBase64String(await File.ReadAllBytesAsync(Path.Combine(cluster.DataDir, "pki", "ca.crt")));
        await File.WriteAllTextAsync(bootstrap, $$$"""
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:{{{cluster.Port}}}", certificate-authority-data: {{{authority}}} } }]
            users: [{name: u, user: {token: abcdef.0123456789abcdef}}]
            contexts: [{name: x, context: {cluster: c, user: u}}]
            current-context: x
            """);
        using (node.HanbaeInBackground("kubelet", "--bootstrap-kubeconfig", bootstrap, "--hostname-override", "joined", "--port", "0"))
        {
            await Until.Async("the node is Ready", async () => (await cluster.TryKubectlAsync(["get", "node", "joined", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}"])).Out, said => said == "True");
            Assert.True(File.Exists(Path.Combine(node.DataDir, "pki", "kubelet-client-current.pem")));
            Assert.DoesNotContain("abcdef", await File.ReadAllTextAsync(Path.Combine(node.DataDir, "kubelet.kubeconfig")));
            Assert.Equal("system:bootstrap:abcdef", await cluster.KubectlAsync("get", "csr", "-o", "jsonpath={.items[?(@.spec.signerName=='kubernetes.io/kube-apiserver-client-kubelet')].spec.username}"));

            // Nobody serves before somebody has said that the node has its names.
            Assert.NotEqual(0, (await cluster.TryKubectlAsync(["get", "--raw", "/api/v1/nodes/joined/proxy/healthz"])).Code);
            string serving = await Until.Async("a request for the serving certificate", async () => (await cluster.TryKubectlAsync(["get", "csr", "-o", "jsonpath={.items[?(@.spec.signerName=='kubernetes.io/kubelet-serving')].metadata.name}"])).Out, name => name.Length > 0);
            Assert.Equal("system:node:joined", await cluster.KubectlAsync("get", "csr", serving, "-o", "jsonpath={.spec.username}"));
            await cluster.KubectlAsync("certificate", "approve", serving);
            await Until.Async("the kubelet serves", async () => (await cluster.TryKubectlAsync(["get", "--raw", "/api/v1/nodes/joined/proxy/healthz"])).Out, said => said == "ok");
        }
        // Another start needs no token any more.
        await cluster.KubectlAsync("-n", "kube-system", "delete", "secret", "bootstrap-token-abcdef");
        string before = await cluster.KubectlAsync("-n", "kube-node-lease", "get", "lease", "joined", "-o", "jsonpath={.spec.renewTime}");
        using (node.HanbaeInBackground("kubelet", "--hostname-override", "joined", "--port", "0"))
            await Until.Async("the lease is renewed", () => cluster.KubectlAsync("-n", "kube-node-lease", "get", "lease", "joined", "-o", "jsonpath={.spec.renewTime}"), renewed => renewed != before);
    }
}
