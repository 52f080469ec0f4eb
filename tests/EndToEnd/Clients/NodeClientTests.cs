using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>@kubernetes/client-node, as npm has it.</summary>
[Collection(ClientCluster.Name)]
public sealed class NodeClientTests(ClientCluster shared)
{
    /// <summary>Where CI installs the package: <c>npm install --prefix .out/npm @kubernetes/client-node</c>.</summary>
    static readonly string s_modules = Path.Combine(Hanbae.Kit.Repository.Root, ".out/npm/node_modules");

    [NodeClientFact]
    public async Task The_node_client_lists_patches_watches_and_runs_its_informer()
    {
        await shared.Cluster.KubectlAsync("create", "namespace", "node-client");
        // A module is looked for beside the script that asks for it.
        string script = Path.Combine(Path.GetDirectoryName(s_modules)!, "client.mjs");
        File.Copy(Installed.Script("client.mjs"), script, overwrite: true);
        var ran = await Program.RunAsync("node", [script, "node-client"], environment: new Dictionary<string, string> { ["KUBECONFIG"] = shared.Cluster.Kubeconfig });
        Assert.Equal("""
            created cm
            json patch 2
            merge patch {"a":"2","b":"3"}
            informer add:cm update:cm delete:cm
            watch ADDED cm2
            404 NotFound

            """, ran.Ok());
    }

    sealed class NodeClientFactAttribute : FactAttribute
    {
        public NodeClientFactAttribute() => Skip = Prerequisites.MissingForControlPlane
            ?? (Program.Find("node") is null ? "needs node" : !Directory.Exists(Path.Combine(s_modules, "@kubernetes/client-node")) ? "needs @kubernetes/client-node: npm install --prefix .out/npm @kubernetes/client-node" : null);
    }
}
