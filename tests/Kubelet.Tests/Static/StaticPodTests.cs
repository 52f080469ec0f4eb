using System.Text;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Static;

namespace Hanbae.Kubelet.Tests.Static;

public sealed class StaticPodTests
{
    const string Yaml = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec: {containers: [{name: app, image: 'busybox:1'}]}
        """;

    [Fact]
    public void A_file_becomes_a_Pod_of_the_node()
    {
        var pod = StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml), "/etc/web.yaml", "n1");
        Assert.Equal(("web-n1", "default", "n1"), (pod.Metadata.Name, pod.Metadata.Namespace, pod.Spec.NodeName));
        Assert.Equal("Always", pod.Spec.RestartPolicy); // defaults as the API's
        Assert.True(pod.IsStatic());
        Assert.Contains(pod.Spec.Tolerations, t => t is { Operator: "Exists", Effect: "NoExecute" });
        Assert.Equal(pod.Metadata.Uid, StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml), "/etc/web.yaml", "n1").Metadata.Uid);
        Assert.NotEqual(pod.Metadata.Uid, StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml + "\n"), "/etc/web.yaml", "n1").Metadata.Uid);
    }

    [Theory]
    [InlineData("kind: Service", "the file holds no Pod")]
    [InlineData("[]", "the file holds no object")]
    [InlineData("{kind: Pod, apiVersion: v1}", "the Pod has no name")]
    public void What_is_no_Pod_is_told(string text, string error) =>
        Assert.Equal(error, Assert.Throws<FormatException>(() => StaticPodFiles.Parse(Encoding.UTF8.GetBytes(text), "x", "n1")).Message);

    [Fact]
    public async Task The_Pod_of_a_changed_file_has_the_mirror_while_its_predecessor_is_still_known()
    {
        using var bench = new PodBench(("busybox:1", new()));
        Pod Parsed(string text) => StaticPodFiles.Parse(Encoding.UTF8.GetBytes(text), "/etc/web.yaml", "n1");
        await bench.SettleAsync(Parsed(Yaml));
        var old = bench.Worker;
        Assert.Equal(old.Uid, Assert.Single(StaticPodLoop.Ours([old])).Value.Metadata.Uid);
        old.Remove(grace: 0);
        await bench.SettleAsync();
        Assert.True(old.Done);
        await bench.RunAsync(Parsed(Yaml + "\n"));
        Assert.Equal(bench.Worker.Uid, Assert.Single(StaticPodLoop.Ours([old, bench.Worker])).Value.Metadata.Uid);
    }
}
