using System.Security.Authentication;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Checks.Cis;

/// <summary>The kubelet and the proxy: asked by a stranger, by somebody without rights, and for their own account of themselves.</summary>
static class CisNode
{
    public static IEnumerable<CisItem> All { get; } =
    [
        Item("4.2.1", "The kubelet answers nobody it does not know", async (s, kubelet, ct) =>
        {
            int code = (await s.AskAsync(kubelet, "/pods", "", ct)).Code;
            return CisFinding.Of(code == 401, $"/pods is answered {code} to a stranger", "turn anonymous access to the kubelet off");
        }),
        Item("4.2.2", "The kubelet asks the cluster what somebody may", async (s, kubelet, ct) =>
        {
            var account = await s.Client.GetAsync<ServiceAccount>(new("default", "default"), ct);
            int code = (await s.AskAsync(kubelet, "/pods", await CisApiServer.TokenAsync(s, account, ct), ct)).Code;
            return CisFinding.Of(code == 403, $"/pods is answered {code} to a service account without roles", "set the kubelet's authorization mode to Webhook");
        }),
        Item("4.2.3", "Clients of the kubelet come from the cluster's authority", async (s, kubelet, ct) =>
        {
            int stranger = await s.AskAsStrangerAsync(kubelet, "/configz", ct);
            bool holds = (await s.KubeletAsync(ct)).Count > 0 && stranger is 0 or 401 or 403;
            return CisFinding.Of(holds, holds ? "the API server's certificate is believed, another authority's is not"
                : $"an administrator by another authority's certificate is answered {stranger}", "give the kubelet the cluster's authority");
        }),
        Item("4.2.4", "No port tells of Pods without being asked who asks", async (s, kubelet, ct) =>
        {
            var open = await s.AskAsync(new Uri($"http://{kubelet.Host}:10255"), "/pods", "", ct);
            return CisFinding.Of(open.Code == 0, open.Code == 0 ? "port 10255 is closed" : $"port 10255 answers {open.Code}", "close the kubelet's read-only port");
        }),
        Item("4.2.5", "Sessions in which nothing moves end", async (s, _, ct) =>
        {
            string text = Text(await s.KubeletAsync(ct), "streamingConnectionIdleTimeout");
            bool ends = Duration.TryParse(text, out var idle) && idle.Nanoseconds > 0;
            return CisFinding.Of(ends, ends ? $"after {text}" : "never", "set streamingConnectionIdleTimeout");
        }),
        Item("4.2.6", "The node's firewall rules are kept", async (s, _, ct) =>
        {
            string table = s.Paths.NftTable + "_services";
            bool there = (await Tool.RunAsync("nft", ["list", "tables"], ct: ct)).Output.Contains(table, StringComparison.Ordinal);
            return CisFinding.Of(there, there ? $"the proxy keeps the nft table {table}" : $"there is no nft table {table}", "see the log for what the kernel refused");
        }),
        Item("4.2.7", "The node goes by its own name", async (s, _, ct) => (await s.NodeAsync(ct))!.Value.Node is { } node && node.Metadata.Labels["kubernetes.io/hostname"] == s.Settings.NodeName
            ? CisFinding.Pass($"it is {s.Settings.NodeName}, which its certificate says too") : CisFinding.Manual("the Node's label kubernetes.io/hostname is not its name", "remove the override")),
        Item("4.2.8", "Events of the node are not cut off", (_, _, _) => Task.FromResult(CisFinding.Manual(
            "the kubelet counts repeated events together, and writes 25 about one object, then one in five minutes (client-go's numbers)",
            "send events elsewhere where all of them count"))),
        Item("4.2.9", "The kubelet serves by TLS, with a certificate of the cluster's authority", async (s, kubelet, ct) =>
        {
            bool tls = await CisSight.ShakesAsync(kubelet, SslProtocols.Tls13, ct) && (await s.KubeletAsync(ct)).Count > 0;
            return CisFinding.Of(tls, tls ? "TLS 1.3, and the API server believes it" : "no TLS 1.3, or the API server does not believe it", "hanbae certs rotate");
        }),
        Item("4.2.10", "The kubelet's client certificate is renewed by itself", async (s, _, ct) =>
            CisFinding.Of(Text(await s.KubeletAsync(ct), "rotateCertificates") == "true", "rotateCertificates is on", "turn rotateCertificates on")),
        Item("4.2.11", "So is the one by which it serves", async (s, kubelet, ct) =>
        {
            var left = await CisSight.EndAsync(kubelet, ct) - TimeProvider.System.GetUtcNow();
            return CisFinding.Of(left > TimeSpan.Zero && CisComponents.Renews(s), $"the one it shows lasts {left.TotalDays:0} days, and is made anew before", "hanbae certs rotate");
        }),
        Item("4.2.12", "Weak ciphers and old TLS are refused by the kubelet", (s, kubelet, ct) => CisApiServer.CiphersAsync(kubelet, ct)),
        Item("4.2.13", "A Pod cannot take all process ids", async (s, _, ct) =>
        {
            string limit = Text(await s.KubeletAsync(ct), "podPidsLimit");
            return CisFinding.Of(long.TryParse(limit, out long most) && most > 0, $"each Pod has at most {limit}", "set podPidsLimit");
        }),
        Item("4.2.14", "Containers that say nothing run under the runtime's seccomp profile", async (s, _, ct) =>
            CisFinding.Of(Text(await s.KubeletAsync(ct), "seccompDefault") == "true", "seccompDefault is " + Text(await s.KubeletAsync(ct), "seccompDefault"), "turn seccompDefault on")),
        Item("4.3.1", "The proxy's figures are not open to others", (s, _, ct) => CisComponents.PortsAsync(s, ct)),
    ];

    static CisItem Item(string id, string asks, Func<CisSight, Uri, CancellationToken, Task<CisFinding>> look) =>
        new(id, asks, async (s, ct) => await s.NodeAsync(ct) is { } node ? await look(s, node.Kubelet, ct) : CisFiles.NoNode);

    static string Text(JsonObject of, string name) => of[name] switch { JsonString text => text.Value, { } other => other.ToString() ?? "", null => "" };
}
