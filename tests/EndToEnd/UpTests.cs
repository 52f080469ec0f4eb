using System.Net;
using System.Net.Sockets;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>An `up` that does not come to its end says why, and what to do.</summary>
[Collection(OwnClusters.Name)]
public sealed class UpTests
{
    [NodeFact]
    public async Task What_cannot_be_had_is_told_in_a_sentence()
    {
        await using var cluster = RealCluster.Plan();
        string nowhere = Path.Combine(cluster.Scratch, "nobody.sock");
        string refusal = (await cluster.HanbaeAsync("up", "--port", $"{cluster.Port}", "--kubelet-port", "0", "--runtime-endpoint", nowhere)).Fails();
        Assert.StartsWith($"hanbae: there is no container runtime at {nowhere}: ", refusal);
        Assert.Single(refusal.Split('\n', StringSplitOptions.RemoveEmptyEntries));

        using var other = new TcpListener(IPAddress.Any, 0);
        other.Start();
        int taken = ((IPEndPoint)other.LocalEndpoint).Port;
        var ran = await cluster.HanbaeAsync("up", "--detach", "--port", $"{cluster.Port}", "--kubelet-port", $"{taken}");
        Assert.Equal(1, ran.Code);
        Assert.StartsWith($"hanbae: --kubelet-port {taken} cannot be had: another program has it; ", ran.Out); // as its log has it
        Assert.Equal(3, (await cluster.HanbaeAsync("status")).Code);
    }

    [NodeFact]
    public async Task A_start_that_is_interrupted_says_how_to_go_on()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync("--control-plane-only");
        (await cluster.HanbaeAsync("down")).Ok();
        Assert.StartsWith("as asked for before: --control-plane-only (--control-plane-only=false for a node)\n", await cluster.UpAsync());
        (await cluster.HanbaeAsync("down")).Ok();

        // Whoever makes certificates waits for this, so that no start gets further.
        using (new FileStream(Path.Combine(cluster.DataDir, "pki/.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            using (var front = cluster.HanbaeInBackground("up"))
            {
                await BegunAsync(front);
                Assert.Equal(130, await front.InterruptAsync());
                Assert.Contains("hanbae: interrupted before the cluster was ready: ", front.Text);
            }
            using var behind = cluster.HanbaeInBackground("up", "--detach");
            await BegunAsync(behind);
            Assert.Equal(130, await behind.InterruptAsync());
            Assert.Contains("hanbae: interrupted, and the cluster goes on starting: ", behind.Text);
        }
        await Until.TrueAsync("the cluster that went on", async () => (await cluster.HanbaeAsync("status")).Code == 0);
    }

    static Task BegunAsync(Background up) => Until.TrueAsync("a start", () => Task.FromResult(up.Text.Contains("Hanbae in ", StringComparison.Ordinal)));
}
