using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>kubeclient for Ruby, as the distribution packages it.</summary>
[Collection(ClientCluster.Name)]
public sealed class RubyTests(ClientCluster shared)
{
    const string Ruby = "/usr/bin/ruby", Library = "/usr/share/rubygems-integration/all/gems/kubeclient-*/lib/kubeclient.rb";

    [ClientFact(Ruby, Library)]
    public async Task The_ruby_client_writes_patches_applies_watches_and_reads_errors()
    {
        await shared.Cluster.KubectlAsync("create", "namespace", "ruby");
        var ran = await Program.RunAsync(Ruby, [Installed.Script("client.rb"), "ruby"], environment: new Dictionary<string, string> { ["KUBECONFIG"] = shared.Cluster.Kubeconfig });
        Assert.Equal("""
            created a 1
            updated 2
            merge-patched {:x=>"2", :y=>"3"}
            409 true
            404 pods "nope" not found
            applied ["ruby"]
            listed ["d"]
            ADDED MODIFIED MODIFIED DELETED

            """, ran.Ok());
    }
}
