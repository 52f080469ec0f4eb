using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>python3-kubernetes, as the distribution packages it.</summary>
[Collection(ClientCluster.Name)]
public sealed class PythonTests(ClientCluster shared)
{
    const string Python = "/usr/bin/python3", Library = "/usr/lib/python3/dist-packages/kubernetes/__init__.py";

    [ClientFact(Python, Library)]
    public async Task The_python_client_writes_watches_and_reads_errors()
    {
        await shared.Cluster.KubectlAsync("create", "namespace", "python");
        var ran = await Program.RunAsync(Python, [Installed.Script("client.py"), "python"], environment: new Dictionary<string, string> { ["KUBECONFIG"] = shared.Cluster.Kubeconfig });
        Assert.Equal("""
            created web 2
            ADDED web-0 MODIFIED web-0 DELETED web-0
            replaced 4
            scaled 3
            404 NotFound pods "nope" not found
            409 AlreadyExists deployments.apps "web" already exists
            deleted

            """, ran.Ok());
    }
}
