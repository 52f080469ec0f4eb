using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>Who changed this, and back.</summary>
[Collection(ClientCluster.Name)]
public sealed class HistoryTests(ClientCluster shared)
{
    [ClientFact]
    public async Task Every_version_says_who_made_it_and_can_be_put_back()
    {
        var cluster = shared.Cluster;
        async Task<string> HistoryAsync(params string[] options) => (await cluster.HanbaeAsync(["history", "configmap/story", .. options])).Ok();

        await cluster.KubectlAsync("create", "configmap", "story", "--from-literal=a=1");
        await cluster.KubectlAsync("patch", "cm", "story", "-p", """{"data":{"a":"2"}}""", "--as=ann", "--as-group=system:masters");

        string[] lines = (await HistoryAsync()).TrimEnd().Split('\n');
        Assert.Matches("^REVISION +TIME +USER +VERB +MANAGER +CHANGED$", lines[0]);
        Assert.Matches(@"^\d+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +kubernetes-admin +create +kubectl-create$", lines[1]);
        Assert.Matches(@"^\d+ .* ann +patch +kubectl-patch +\.data\.a$", lines[2]);
        Assert.Contains("-  a: \"1\"\n+  a: \"2\"\n", await HistoryAsync("--diff"));

        string undone = (await cluster.HanbaeAsync("undo", "cm/story")).Ok();
        Assert.Matches(@"undone: patch by ann with kubectl-patch at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, revision \d+\n", undone);
        Assert.Equal("1", await cluster.KubectlAsync("get", "cm", "story", "-o", "jsonpath={.data.a}"));
        await cluster.KubectlAsync("delete", "cm", "story");
        Assert.Contains("configmap/story is as it was at revision", (await cluster.HanbaeAsync("undo", "cm/story")).Ok());
        Assert.Equal("1", await cluster.KubectlAsync("get", "cm", "story", "-o", "jsonpath={.data.a}"));
        Assert.Contains("delete", await HistoryAsync());
        Assert.Contains("configmaps \"none\" not found", (await cluster.HanbaeAsync("history", "cm/none")).Fails());
    }
}
