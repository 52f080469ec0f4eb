using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Services of all types as Pods and the node reach them, and what becomes of them when the type changes.</summary>
public sealed class ServiceTypeTests(SharedCluster shared) : Servants(shared)
{
    const string External = "{type: ExternalName, externalName: foo.example.com}";

    static string Plain(string selects, string type = "ClusterIP", string more = "") =>
        $"{{type: {type}, selector: {{name: {selects}}}, ports: [{{name: http, port: 80, targetPort: 9376, protocol: TCP}}]{(more.Length > 0 ? ", " + more : "")}}}";

    Task<JsonNode> ServiceAsync(string name, string spec) => Services.CreateAsync($"{{metadata: {{name: {name}}}, spec: {spec}}}");

    /// <summary>All Pods answer, and nobody else, at every address the Service has.</summary>
    async Task ReachableAsync(string name, string[] pods)
    {
        string asker = await AskerAsync();
        var service = await Services.GetAsync(name);
        await AllAnswerAsync(asker, name, pods);
        await AllAnswerAsync(asker, service.Text("spec.clusterIP"), pods);
        if (service.Text("spec.type") != "NodePort") return;
        string outside = $"{await NodeAddressAsync()}:{service.Number("spec.ports.0.nodePort")}";
        await AllAnswerAsync(asker, outside, pods);
        // From the node itself, too.
        await AllAnswerAsync(await AskerAsync("neighbour", "hostNetwork: true"), outside, pods);
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should be able to create a functioning NodePort service [Conformance]")]
    public async Task A_node_port_leads_to_all_Pods()
    {
        var made = await ServiceAsync("outside", Plain("web", "NodePort"));
        Assert.Equal("NodePort", made.Text("spec.type"));
        Assert.InRange(made.Number("spec.ports.0.nodePort"), 30000, 32767);
        await ReachableAsync("outside", await ReplicasAsync("web", 2, "http:9376", 9376));
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should be able to change the type from ExternalName to ClusterIP [Conformance]")]
    public Task A_name_can_become_an_address() => BecomesAsync("ClusterIP");

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should be able to change the type from ExternalName to NodePort [Conformance]")]
    public Task A_name_can_become_a_node_port() => BecomesAsync("NodePort");

    async Task BecomesAsync(string type)
    {
        var external = await ServiceAsync("fickle", External);
        Assert.Equal(("ExternalName", "foo.example.com", ""), (external.Text("spec.type"), external.Text("spec.externalName"), external.Text("spec.clusterIP")));
        string[] pods = await ReplicasAsync("fickle", 2, "http:9376", 9376);
        var changed = await Services.ChangeAsync("fickle", s =>
        {
            var spec = s["spec"]!.AsObject();
            (spec["type"], spec["externalName"], spec["selector"], spec["ports"]) = (type, "", Objects.Read("{name: fickle}"), Objects.Read("[{port: 80, name: http, protocol: TCP, targetPort: 9376}]"));
        });
        Assert.Equal((type, "", type == "NodePort"), (changed.Text("spec.type"), changed.Text("spec.externalName"), changed.Number("spec.ports.0.nodePort") > 0));
        Assert.NotEmpty(changed.Text("spec.clusterIP"));
        await ReachableAsync("fickle", pods);
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should be able to change the type from ClusterIP to ExternalName [Conformance]")]
    public Task An_address_can_become_a_name() => BecomesNameAsync("ClusterIP");

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should be able to change the type from NodePort to ExternalName [Conformance]")]
    public Task A_node_port_can_become_a_name() => BecomesNameAsync("NodePort");

    async Task BecomesNameAsync(string type)
    {
        var before = await ServiceAsync("fickle", Plain("other", type));
        var target = await ServiceAsync("other", Plain("other"));
        string[] pods = await ReplicasAsync("other", 2, "http:9376", 9376);
        string name = $"other.{Namespace}.svc.cluster.local";
        var changed = await Services.ChangeAsync("fickle", s =>
        {
            var spec = s["spec"]!.AsObject();
            // What a name has no use for is the server's to drop.
            (spec["type"], spec["externalName"]) = ("ExternalName", name);
        });
        Assert.Equal(("ExternalName", name), (changed.Text("spec.type"), changed.Text("spec.externalName")));
        Assert.Null(changed.At("spec.clusterIP"));
        string asker = await AskerAsync();
        await Until.Async("the other's address", () => RunAsync(asker, $"nslookup fickle.{Namespace}.svc.cluster.local"), seen => seen.Contains(target.Text("spec.clusterIP")));
        await AllAnswerAsync(asker, "fickle", pods);
        // The address and the port are free for others.
        await ServiceAsync("next", $"{{clusterIP: {before.Text("spec.clusterIP")}, ports: [{{port: 80}}]}}");
    }

    /// <summary>Asks sixteen times at once until the answers are as wanted.</summary>
    async Task AffineAsync(string asker, string address, bool same) =>
        await Until.Async($"{(same ? "one Pod" : "several Pods")} at {address}", () => RunAsync(asker, Ask(address, 16)),
            seen => seen.Split('\n', StringSplitOptions.RemoveEmptyEntries) is { Length: 16 } lines && lines.Distinct().Count() > 1 != same);

    async Task<(string Asker, string Address)> AffineServiceAsync(string type)
    {
        var service = await ServiceAsync("sticky", Plain("sticky", type, "sessionAffinity: ClientIP"));
        string[] pods = await ReplicasAsync("sticky", 3, "http:9376", 9376);
        string asker = await AskerAsync(), address = type == "NodePort" ? $"{await NodeAddressAsync()}:{service.Number("spec.ports.0.nodePort")}" : service.Text("spec.clusterIP");
        await Until.Async("the endpoints", () => Of("discovery.k8s.io/v1", "endpointslices").ListAsync("kubernetes.io/service-name=sticky"), s => s.Sum(e => e.Items("endpoints").Count(p => p.Text("conditions.ready") == "true")) == pods.Length);
        return (asker, address);
    }

    [ServantTheory, InlineData("ClusterIP"), InlineData("NodePort")]
    [Trait("Conformance", "[sig-network] Services should have session affinity work for service with type clusterIP [LinuxOnly] [Conformance]")]
    [Trait("Conformance", "[sig-network] Services should have session affinity work for NodePort service [LinuxOnly] [Conformance]")]
    public async Task A_client_is_kept_with_its_Pod(string type)
    {
        var (asker, address) = await AffineServiceAsync(type);
        await AffineAsync(asker, address, same: true);
    }

    [ServantTheory, InlineData("ClusterIP"), InlineData("NodePort")]
    [Trait("Conformance", "[sig-network] Services should be able to switch session affinity for service with type clusterIP [LinuxOnly] [Conformance]")]
    [Trait("Conformance", "[sig-network] Services should be able to switch session affinity for NodePort service [LinuxOnly] [Conformance]")]
    public async Task Keeping_a_client_with_its_Pod_can_be_switched_on_and_off(string type)
    {
        var (asker, address) = await AffineServiceAsync(type);
        await AffineAsync(asker, address, same: true);
        await Services.ChangeAsync("sticky", s => s["spec"]!["sessionAffinity"] = "None");
        await AffineAsync(asker, address, same: false);
        await Services.ChangeAsync("sticky", s => s["spec"]!["sessionAffinity"] = "ClientIP");
        await AffineAsync(asker, address, same: true);
    }
}
