using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Pods and Services behind the API server's own proxy.</summary>
public sealed class ProxyTests(SharedCluster shared) : Servants(shared)
{
    static readonly string[] s_verbs = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

    string Base => $"/api/v1/namespaces/{Namespace}/";

    /// <summary>A Pod and a Service of it, both of which say which method they were asked by.</summary>
    async Task<string[]> TellersAsync()
    {
        await ReadyServantAsync("teller", "json:80=foo", container: "readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}");
        await Services.CreateAsync("{metadata: {name: tellers}, spec: {selector: {name: teller}, ports: [{port: 80, targetPort: 80, protocol: TCP}]}}");
        return [Base + "pods/teller/proxy", Base + "services/tellers/proxy"];
    }

    async Task TellsAsync(string verb, string path)
    {
        var reply = await Until.Async($"{verb} {path}", () => Api.AskAsync(new(verb), path), r => r.Code == 200);
        if (verb == "HEAD") Assert.Empty(reply.Body);
        else Assert.Equal((verb, "foo"), (JsonNode.Parse(reply.Body).Text("Method"), JsonNode.Parse(reply.Body).Text("Body")));
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service Proxy [Conformance]")]
    [Trait("Conformance", "[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath [Conformance]")]
    public async Task Every_method_is_passed_on_and_what_reads_a_root_without_its_slash_is_sent_there()
    {
        foreach (string at in await TellersAsync())
        {
            foreach (string verb in s_verbs) await TellsAsync(verb, $"{at}/some/path/with/{verb}");
            foreach (string verb in s_verbs.Except(["GET", "HEAD"])) await TellsAsync(verb, $"{at}?method={verb}");
            foreach (string verb in (string[])["GET", "HEAD"])
            {
                var reply = await Api.AskAsync(new(verb), $"{at}?method={verb}");
                Assert.Equal((301, $"{at}/?method={verb}"), (reply.Code, reply.Location));
                await TellsAsync(verb, reply.Location);
            }
        }
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] Proxy version v1 should proxy through a service and a pod [Conformance]")]
    public async Task Ports_are_meant_by_name_or_number_plain_or_with_TLS_and_links_in_pages_lead_back()
    {
        // A name that begins like the subresource.
        const string Name = "proxy-service";
        await ReadyServantAsync(Name, "http:80=<a+href=\"/rewriteme\">test</a> http:1080=<a+href=\"/rewriteme\">test</a> http:160=foo http:162=bar https:443=<a+href=\"/tlsrewriteme\">test</a> https:460=tls+baz https:462=tls+qux",
            container: $"env: [{{name: PEM, value: {JsonValue.Create(Pem()).ToJsonString()}}}], readinessProbe: {{tcpSocket: {{port: 80}}, periodSeconds: 1}}, "
                + "ports: [{name: dest1, containerPort: 160}, {name: dest2, containerPort: 162}, {name: tlsdest1, containerPort: 460}, {name: tlsdest2, containerPort: 462}]");
        await Services.CreateAsync($$"""
            metadata: {name: {{Name}}}
            spec:
              selector: {name: {{Name}}}
              ports:
              - {name: portname1, port: 80, targetPort: dest1}
              - {name: portname2, port: 81, targetPort: dest2}
              - {name: tlsportname1, port: 443, targetPort: tlsdest1}
              - {name: tlsportname2, port: 444, targetPort: tlsdest2}
            """);
        async Task SaysAsync(string path, string words)
        {
            var reply = await Until.Async(path, () => Api.AskAsync(HttpMethod.Get, Base + path), r => r.Code == 200);
            Assert.Equal(words, reply.Body);
        }
        foreach (string scheme in (string[])["", "http:"])
        {
            await SaysAsync($"services/{scheme}{Name}:portname1/proxy/", "foo");
            await SaysAsync($"services/{scheme}{Name}:portname2/proxy/", "bar");
            await SaysAsync($"services/{scheme}{Name}:80/proxy/", "foo");
            await SaysAsync($"services/{scheme}{Name}:81/proxy/", "bar");
            await SaysAsync($"pods/{scheme}{Name}:160/proxy/", "foo");
            await SaysAsync($"pods/{scheme}{Name}:162/proxy/", "bar");
            await SaysAsync($"pods/{scheme}{Name}:1080/proxy/", $"<a href=\"{Base}pods/{scheme}{Name}:1080/proxy/rewriteme\">test</a>");
        }
        await SaysAsync($"pods/{Name}/proxy/", "foo"); // the first port of the Pod
        foreach (string port in (string[])["tlsportname1", "443"]) await SaysAsync($"services/https:{Name}:{port}/proxy/", "tls baz");
        foreach (string port in (string[])["tlsportname2", "444"]) await SaysAsync($"services/https:{Name}:{port}/proxy/", "tls qux");
        await SaysAsync($"pods/https:{Name}:460/proxy/", "tls baz");
        await SaysAsync($"pods/https:{Name}:462/proxy/", "tls qux");
        await SaysAsync($"pods/https:{Name}:443/proxy/", $"<a href=\"{Base}pods/https:{Name}:443/proxy/tlsrewriteme\">test</a>");
    }

    [ServantFact]
    [Trait("Conformance", "[sig-apps] ReplicaSet should serve a basic image on each replica with a public image [Conformance]")]
    public async Task Each_Pod_of_a_ReplicaSet_answers_for_itself()
    {
        await Cluster.ImportServantAsync();
        var sets = Of("apps/v1", "replicasets");
        await sets.CreateAsync($$"""
            metadata: {name: basic}
            spec: {replicas: 2, selector: {matchLabels: {name: basic} }, template: {metadata: {labels: {name: basic} }, spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: 'servant:1', command: [python3, -I, /servant.py, 'http:9376'], ports: [{containerPort: 9376}]}]} } }
            """);
        await sets.UntilAsync("basic", s => s.Number("status.readyReplicas") == 2);
        var pods = await Pods.ListAsync("name=basic");
        Assert.Equal(2, pods.Count);
        foreach (var pod in pods) await Until.Async("the name of " + pod.Text("metadata.name"), () => Api.AskAsync(HttpMethod.Get, $"{Base}pods/{pod.Text("metadata.name")}/proxy/"), r => r.Code == 200 && r.Body == pod.Text("metadata.name"));
    }

    /// <summary>A certificate that nobody can judge, with its key.</summary>
    static string Pem()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=servant", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(9));
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }
}
