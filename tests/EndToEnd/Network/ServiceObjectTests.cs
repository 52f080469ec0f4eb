using System.Diagnostics;
using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Apps;
using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Services and what controllers write about them, as objects: nothing here is sent over any wire.</summary>
public sealed class ServiceObjectTests(ClientCluster shared) : Workloads(shared)
{
    Objects Services => Of("v1", "services");
    Objects Endpoints => Of("v1", "endpoints");
    Objects Slices => Of("discovery.k8s.io/v1", "endpointslices");

    static string OfService(string name) => "kubernetes.io/service-name=" + name;

    [ClientFact]
    [Trait("Conformance", "[sig-network] Services should complete a service status lifecycle [Conformance]")]
    public async Task A_status_is_read_patched_replaced_and_watched()
    {
        using var watch = await Services.WatchAsync("kind=static");
        await Services.CreateAsync("{metadata: {name: test, labels: {kind: static}}, spec: {type: LoadBalancer, loadBalancerClass: example.com/internal-vip, ports: [{name: http, protocol: TCP, port: 80, targetPort: 80}]}}");
        await watch.UntilAsync("ADDED");
        Assert.Equal("{\"loadBalancer\":{}}", (await Services.GetAsync("test", "status")).At("status")!.ToJsonString());

        var patched = await Services.PatchAsync("test", "{metadata: {annotations: {patchedstatus: 'true'}}, status: {loadBalancer: {ingress: [{ip: 203.0.113.1}]}}}", Objects.Merge, "status");
        Assert.Equal(("true", "203.0.113.1"), (patched.Text("metadata.annotations.patchedstatus"), patched.Text("status.loadBalancer.ingress.0.ip")));
        await watch.UntilAsync("MODIFIED", s => s.Text("metadata.annotations.patchedstatus") == "true" && s.Text("status.loadBalancer.ingress.0.ip") == "203.0.113.1");

        await Services.ChangeAsync("test", s => s.AddCondition("{type: StatusUpdate, status: 'True', reason: E2E, message: Set from e2e test, lastTransitionTime: '2030-01-01T00:00:00Z'}"), "status");
        await watch.UntilAsync("MODIFIED", s => s.Condition("StatusUpdate") is { } c && (c.Text("status"), c.Text("reason"), c.Text("message")) == ("True", "E2E", "Set from e2e test"));

        await Services.PatchAsync("test", "{metadata: {labels: {test-service: patched}}}");
        var seen = await watch.UntilAsync("MODIFIED", s => s.Text("metadata.labels.test-service") == "patched");
        Assert.Equal("203.0.113.1", seen.Text("status.loadBalancer.ingress.0.ip"));
        await Services.DeleteAsync("test");
        await watch.UntilAsync("DELETED");
    }

    [ClientFact]
    [Trait("Conformance", "[sig-network] Services should delete a collection of services [Conformance]")]
    public async Task Those_with_a_label_are_deleted_together()
    {
        string Service(string name, string kind) => $"{{metadata: {{name: {name}, labels: {{kind: {kind}}}}}, spec: {{type: ClusterIP, ports: [{{name: http, port: 80, targetPort: 80}}]}}}}";
        await Services.CreateAsync(Service("one", "doomed"));
        await Services.CreateAsync(Service("two", "doomed"));
        await Services.CreateAsync(Service("three", "kept"));
        Assert.Equal(3, (await Services.ListAsync()).Count);
        await Services.DeleteAllAsync("kind=doomed");
        Assert.Equal("three", Assert.Single(await Services.ListAsync()).Text("metadata.name"));
    }

    [ClientFact]
    [Trait("Conformance", "[sig-network] Services should find a service from listing all namespaces [Conformance]")]
    [Trait("Conformance", "[sig-network] API Server should provide secure master service [Conformance]")]
    public async Task The_API_server_is_a_Service_among_all_others()
    {
        Assert.Single(await Everywhere("v1", "services").ListAsync(), s => (s.Text("metadata.name"), s.Text("metadata.namespace")) == ("kubernetes", "default"));
        var service = await new Objects(Api, "v1", "services", "default").GetAsync("kubernetes");
        Assert.Equal(("https", 443), (service.Text("spec.ports.0.name"), service.Number("spec.ports.0.port")));
    }

    [ClientFact]
    [Trait("Conformance", "[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods [Conformance]")]
    [Trait("Conformance", "[sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods [Conformance]")]
    public async Task A_Service_without_Pods_has_empty_endpoints_as_long_as_it_is_there()
    {
        var made = await Services.CreateAsync("{metadata: {name: lonely, labels: {a: b}}, spec: {selector: {does-not-match-anything: should-still-be-created}, ports: [{name: example, port: 80, protocol: TCP}]}}");
        var endpoints = (await Until.Async("Endpoints", () => Endpoints.FindAsync("lonely"), e => e is not null))!;
        Assert.Null(endpoints.At("subsets"));
        Assert.Equal("b", endpoints.Text("metadata.labels.a"));
        var slice = (await Until.Async("a slice", () => Slices.ListAsync(OfService("lonely")), s => s.Count == 1))[0];
        Assert.Empty(slice.Items("endpoints"));
        Assert.Equal(("endpointslice-controller.k8s.io", "Service", "lonely", made.Text("metadata.uid")), (slice["metadata"]!["labels"]!["endpointslice.kubernetes.io/managed-by"]!.ToString(),
            slice.Text("metadata.ownerReferences.0.kind"), slice.Text("metadata.ownerReferences.0.name"), slice.Text("metadata.ownerReferences.0.uid")));
        Assert.Equal("lonely", slice["metadata"]!["labels"]!["kubernetes.io/service-name"]!.ToString());
        await Services.DeleteAsync("lonely");
        await Endpoints.GoneAsync("lonely");
        await Until.Async("the end of the slice", () => Slices.ListAsync(OfService("lonely")), s => s.Count == 0);
    }

    [ClientFact]
    [Trait("Conformance", "[sig-network] EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service [Conformance]")]
    [Trait("Conformance", "[sig-network] EndpointsController should create Endpoints for Pods matching a Service [Conformance]")]
    public async Task Endpoints_show_matching_Pods_by_the_ports_they_have()
    {
        await Services.CreateAsync("{metadata: {name: by-number}, spec: {selector: {one: x}, publishNotReadyAddresses: true, ports: [{name: example, port: 80, targetPort: 8080, protocol: TCP}]}}");
        await Services.CreateAsync("{metadata: {name: by-name}, spec: {selector: {both: x}, publishNotReadyAddresses: true, ports: [{name: http, port: 80, targetPort: example-name, protocol: TCP}]}}");
        await Services.CreateAsync("{metadata: {name: no-match}, spec: {selector: {three: x}, publishNotReadyAddresses: true, ports: [{name: example, port: 80, targetPort: 8080, protocol: TCP}]}}");
        string Pod(string name, int port) => $"{{metadata: {{name: {name}, labels: {{{name}: x, both: x}}}}, spec: {{containers: [{{name: c, image: 'busybox:1', ports: [{{name: example-name, containerPort: {port}, protocol: TCP}}]}}]}}}}";
        await Pods.CreateAsync(Pod("one", 3000));
        await Pods.CreateAsync(Pod("two", 3001));
        var one = await Pods.UntilAsync("one", p => p.Text("status.podIP").Length > 0);
        var two = await Pods.UntilAsync("two", p => p.Text("status.podIP").Length > 0);

        await ShowsAsync("by-number", (one, 8080, "example"));
        await ShowsAsync("by-name", (one, 3000, "http"), (two, 3001, "http"));
        await ShowsAsync("no-match");
    }

    /// <summary>Endpoints and slices tell the same: one subset and one slice for each port, whose addresses are the Pods'.</summary>
    async Task ShowsAsync(string service, params (JsonNode Pod, int Port, string Name)[] wanted)
    {
        string[] all = [.. wanted.Select(w => $"{w.Pod.Text("status.podIP")} Pod {Namespace}/{w.Pod.Name()} {w.Pod.Text("metadata.uid")} {w.Name}/TCP:{w.Port}").Order(StringComparer.Ordinal)];
        string Line(string ip, JsonNode? of, JsonNode port) => $"{ip} {of.Text("kind")} {of.Text("namespace")}/{of.Text("name")} {of.Text("uid")} {port.Text("name")}/{port.Text("protocol")}:{port.Number("port")}";
        await Until.Async("subsets of " + service, async () => (await Endpoints.FindAsync(service)).Items("subsets").ToList(), subsets => subsets.Count == wanted.Length
            && subsets.SelectMany(s => s.Items("addresses").SelectMany(a => s.Items("ports").Select(p => Line(a.Text("ip"), a["targetRef"], p)))).Order(StringComparer.Ordinal).SequenceEqual(all));
        var slices = await Until.Async("slices of " + service, () => Slices.ListAsync(OfService(service)), found => found.Count == Math.Max(1, wanted.Length)
            && found.SelectMany(s => s.Items("endpoints").SelectMany(e => s.Items("ports").Select(p => Line(e.Text("addresses.0"), e["targetRef"], p)))).Order(StringComparer.Ordinal).SequenceEqual(all));
        Assert.All(slices, s => Assert.Equal("IPv4", s.Text("addressType")));
        Assert.All(slices.SelectMany(s => s.Items("endpoints")), e => Assert.Equal(("true", 1), (e.Text("conditions.ready"), e.Items("addresses").Count())));
    }

    [ClientFact]
    [Trait("Conformance", "[sig-network] Service endpoints latency should not be very high [Conformance]")]
    public async Task Endpoints_follow_new_Services_without_delay()
    {
        const int Services = 200, AtOnce = 15;
        await ReadyAsync(Controllers, "backend", 1);
        var all = Of("v1", "services");
        var appeared = new System.Collections.Concurrent.ConcurrentDictionary<string, TaskCompletionSource>();
        TaskCompletionSource When(string name) => appeared.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        using var watch = await Endpoints.WatchAsync();
        var watching = watch.UntilAsync("ADDED", e =>
        {
            if (e.Items("subsets").Any()) When(e.Name()).TrySetResult();
            return appeared.Count == Services && appeared.Values.All(t => t.Task.IsCompleted);
        });
        var took = new System.Collections.Concurrent.ConcurrentBag<TimeSpan>();
        await Parallel.ForAsync(0, Services, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, ct) =>
        {
            string name = $"latency-{i}";
            var began = Stopwatch.GetTimestamp();
            await all.CreateAsync($"{{metadata: {{name: {name}}}, spec: {{selector: {{app: backend}}, ports: [{{protocol: TCP, port: 80}}]}}}}");
            await When(name).Task.WaitAsync(TimeSpan.FromSeconds(120), ct);
            took.Add(Stopwatch.GetElapsedTime(began));
        });
        await watching;
        TimeSpan[] sorted = [.. took.Order()];
        // Upstream's own limits.
        Assert.True(sorted[Services / 2] < TimeSpan.FromSeconds(20), $"median {sorted[Services / 2]}");
        Assert.True(sorted[Services * 9 / 10] < TimeSpan.FromSeconds(30), $"90th percentile {sorted[Services * 9 / 10]}");
        Assert.True(sorted[Services * 99 / 100] < TimeSpan.FromSeconds(50), $"99th percentile {sorted[Services * 99 / 100]}");
    }
}
