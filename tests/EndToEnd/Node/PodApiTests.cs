using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>Pods through the API while the node works on them.</summary>
public sealed class PodApiTests(SharedCluster shared) : PodRun(shared)
{
    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete [Conformance]")]
    public async Task A_generation_begins_with_one_and_a_deletion_is_a_change()
    {
        await ApplyAsync(Script("set", "trap '' TERM; while true; do sleep 1; done", "", "", "generation: 100").Replace("terminationGracePeriodSeconds: 1", "terminationGracePeriodSeconds: 600"));
        Assert.Equal("1", await ReadAsync("pod/set", ".metadata.generation"));
        await ReadyAsync("set");
        await KubectlAsync("delete", "pod", "set", "--wait=false");
        Assert.Equal("2", await ReadAsync("pod/set", ".metadata.generation"));
        await UntilAsync("pod/set", ".status.observedGeneration", "2");
        await KubectlAsync("delete", "pod", "set", "--grace-period=1", "--timeout=60s");
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods should delete a collection of pods [Conformance]")]
    [Trait("Conformance", "[sig-node] Pods should patch a pod status [Conformance]")]
    [Trait("Conformance", "[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu [Conformance]")]
    public async Task Pods_are_patched_and_deleted_by_the_dozen()
    {
        using var api = await RawApi.OfAsync(Cluster);
        string pods = $"/api/v1/namespaces/{Namespace}/pods";
        for (int i = 1; i <= 3; i++) await ApplyAsync(Script($"many-{i}", "sleep 100000", "resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 10m, memory: 16Mi}}", "", "labels: {type: Testing}"));
        Assert.Equal("Guaranteed", await ReadAsync("pod/many-1", ".status.qosClass"));
        await ReadyAsync("many-1", "many-2", "many-3");
        var (code, patched) = await api.SendAsync(HttpMethod.Patch, pods + "/many-1/status", """{"metadata":{"annotations":{"patchedstatus":"true"}},"status":{"message":"Patched by e2e test","reason":"E2E"}}""", "application/strategic-merge-patch+json");
        Assert.Equal((200, "Patched by e2e test", "E2E"), (code, patched.GetProperty("status").GetProperty("message").GetString(), patched.GetProperty("status").GetProperty("reason").GetString()));
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Delete, pods + "?labelSelector=type%3DTesting")).Code);
        await Until.TrueAsync("no Pods left", async () => (await KubectlAsync("get", "pods", "-l", "type=Testing", "-o", "name")).Length == 0);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods should support remote command execution over websockets [NodeConformance] [Conformance]")]
    public async Task Commands_go_over_websockets()
    {
        await ApplyAsync(Script("talker", "echo container is alive; sleep 100000"));
        await LogAsync("talker", "alive");
        Assert.Equal("remote execution test\n", await SayAsync($"exec?container=main&stdout=1&stderr=1&command=echo&command=remote%20execution%20test", "v4.channel.k8s.io"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods should support retrieving logs from the container over websockets [NodeConformance] [Conformance]")]
    public async Task Logs_come_over_websockets()
    {
        await ApplyAsync(Script("talker", "echo container is alive; sleep 100000"));
        await LogAsync("talker", "alive");
        Assert.Equal("container is alive\n", await SayAsync("log?container=main", "binary.k8s.io", channels: false));
    }

    /// <summary>What comes until the websocket closes: all of it, or what is on the channel of stdout.</summary>
    async Task<string> SayAsync(string path, string protocol, bool channels = true)
    {
        var config = JsonDocument.Parse(await Cluster.KubectlAsync("config", "view", "--raw", "--flatten", "-o", "json")).RootElement;
        var user = config.GetProperty("users")[0].GetProperty("user");
        string Pem(string name) => Encoding.UTF8.GetString(user.GetProperty(name + "-data").GetBytesFromBase64());
        using var pem = X509Certificate2.CreateFromPem(Pem("client-certificate"), Pem("client-key"));
        using var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(protocol);
        socket.Options.ClientCertificates = [certificate];
        socket.Options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await socket.ConnectAsync(new($"wss://127.0.0.1:{Cluster.Port}/api/v1/namespaces/{Namespace}/pods/talker/{path}"), patience.Token);
        using var said = new MemoryStream();
        byte[] buffer = new byte[8192];
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer, patience.Token);
            if (got.MessageType == WebSocketMessageType.Close) break;
            if (!channels) said.Write(buffer, 0, got.Count);
            else if (got.Count > 1 && buffer[0] == 1) said.Write(buffer, 1, got.Count - 1);
        }
        return Encoding.UTF8.GetString(said.ToArray());
    }
}
