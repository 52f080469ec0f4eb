using System.Text.RegularExpressions;

namespace Hanbae.Bench.Load;

/// <summary>What the kubelets of many nodes write all the time: each renews its Lease every ten seconds, and tells its node's and its Pods' status when these change.</summary>
static partial class Kubelets
{
    public static async Task RunAsync(Scene s)
    {
        int nodes = s.Options.Nodes;
        var time = TimeProvider.System;
        const string leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
        await s.Run.EachAsync("nodes", nodes, s.Options.Conc, i => s.Api.SendAsync(HttpMethod.Post, "/api/v1/nodes", Objects.Node(i)));
        // A kubelet renews the Lease as it was last answered to it.
        string[] versions = new string[nodes];
        async Task<Api.Answer> RenewAsync(int i, HttpMethod method, string path)
        {
            var answer = await s.Api.SendAsync(method, path, Objects.Lease(i, time.GetUtcNow(), versions[i]), keep: true);
            if (answer.Code < 300) versions[i] = Revision().Match(answer.Text).Groups[1].Value;
            return answer;
        }
        await s.Run.EachAsync("leases", nodes, s.Options.Conc, i => RenewAsync(i, HttpMethod.Post, leases));
        await s.Run.EachAsync("renew", nodes, s.Options.Conc, i => RenewAsync(i, HttpMethod.Put, $"{leases}/load-{i}"));
        await s.Run.EachAsync("nodestatus", nodes, s.Options.Conc, i => s.Api.SendAsync(HttpMethod.Patch, $"/api/v1/nodes/load-{i}/status", Objects.NodeStatus(time.GetUtcNow()), Api.StrategicPatch));
        int pods = Math.Min(nodes, s.Options.Pods);
        await s.Run.EachAsync("podstatus", pods, s.Options.Conc, i => s.Api.SendAsync(HttpMethod.Patch, $"{s.Pods}/p-{i:D6}/status", Objects.PodStatus(i), Api.StrategicPatch));
        // Ten seconds of the cluster: every lease, a thirtieth of the nodes, as many Pods.
        int some = Math.Max(1, nodes / 30);
        await s.Run.EachAsync("kubelets", nodes + 2 * some, s.Options.Conc, i =>
            i < nodes ? RenewAsync(i, HttpMethod.Put, $"{leases}/load-{i}")
            : i < nodes + some ? s.Api.SendAsync(HttpMethod.Patch, $"/api/v1/nodes/load-{i - nodes}/status", Objects.NodeStatus(time.GetUtcNow()), Api.StrategicPatch)
            : s.Api.SendAsync(HttpMethod.Patch, $"{s.Pods}/p-{(i - nodes - some) % pods:D6}/status", Objects.PodStatus(i), Api.StrategicPatch));
    }

    [GeneratedRegex("\"resourceVersion\":\"(\\d+)\"")]
    private static partial Regex Revision();
}
