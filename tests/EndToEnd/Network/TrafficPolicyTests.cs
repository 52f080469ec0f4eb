using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Who is led to which Pods: by addresses from outside, by source ranges, by Pods that are about to end.</summary>
public sealed class TrafficPolicyTests(SharedCluster shared) : Servants(shared)
{
    Task<string> AnswersAsync(string asker, string address, string wanted) =>
        Until.Async($"'{wanted}' of {address}", async () => (await RunAsync(asker, $"timeout 2 wget -qO- http://{address}/hostname 2>/dev/null")).Trim(), seen => seen == wanted);

    [ServantFact]
    public async Task Addresses_from_outside_lead_to_Pods_and_those_of_balancers_only_whom_they_let()
    {
        await ReadyServantAsync("server", "http:80", container: "readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}");
        string asker = await AskerAsync(), own = (await Pods.GetAsync(asker)).Text("status.podIP");
        // Of the range of Services: what no rule leads anywhere is refused there, and leaves no machine.
        string range = string.Join('.', (await new Objects(Api, "v1", "services", "default").GetAsync("kubernetes")).Text("spec.clusterIP").Split('.')[..2]), external = range + ".250.40", balanced = range + ".250.41";
        await Services.CreateAsync($"""
            metadata: {"{"}name: out{"}"}
            spec: {"{"}type: LoadBalancer, loadBalancerClass: example.com/by-hand, externalTrafficPolicy: Local, externalIPs: [{external}], selector: {"{"}name: server{"}"}, ports: [{"{"}port: 80, targetPort: 80{"}"}]{"}"}
            """);
        await Services.PatchAsync("out", $"{{status: {{loadBalancer: {{ingress: [{{ip: {balanced}}}]}}}}}}", sub: "status");
        await AnswersAsync(asker, external, "server");
        await AnswersAsync(asker, balanced, "server");

        await Services.PatchAsync("out", "{spec: {loadBalancerSourceRanges: [192.0.2.0/24]}}");
        await AnswersAsync(asker, balanced, "");
        await AnswersAsync(asker, external, "server");
        await Services.PatchAsync("out", $"{{spec: {{loadBalancerSourceRanges: [192.0.2.0/24, {own}/32]}}}}");
        await AnswersAsync(asker, balanced, "server");
    }

    [ServantFact]
    public async Task Who_ends_serves_on_while_nobody_else_is_ready()
    {
        string asker = await AskerAsync();
        string[] services = ["local", "cluster"];
        await Services.CreateAsync("{metadata: {name: local}, spec: {internalTrafficPolicy: Local, selector: {part: server}, ports: [{port: 80, targetPort: 80}]}}");
        await Services.CreateAsync("{metadata: {name: cluster}, spec: {selector: {part: server}, ports: [{port: 80, targetPort: 80}]}}");
        // Goes on serving for as long as it is let.
        await ReadyServantAsync("first", "http:80", "part: server", "readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}, lifecycle: {preStop: {exec: {command: [sleep, '600']}}}");
        foreach (string service in services) await AnswersAsync(asker, service, "first");
        await Pods.DeleteAsync("first", "{gracePeriodSeconds: 600}");
        await Pods.UntilAsync("first", p => p.Text("metadata.deletionTimestamp").Length > 0);
        foreach (string service in services) await AnswersAsync(asker, service, "first");

        await ReadyServantAsync("second", "http:80", "part: server", "readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}");
        foreach (string service in services) await AnswersAsync(asker, service, "second");
        await Pods.DeleteAsync("first", "{gracePeriodSeconds: 0}");
    }

    [ServantFact]
    public async Task A_client_is_forgotten_when_its_time_is_over()
    {
        string[] servers = await ReplicasAsync("sticky", 3, "http:80", 80);
        var service = await Services.CreateAsync("{metadata: {name: sticky}, spec: {sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 2}}, selector: {name: sticky}, ports: [{port: 80, targetPort: 80}]}}");
        string asker = await AskerAsync();
        await Until.Async("one answer", () => RunAsync(asker, $"timeout 2 wget -qO- http://{service.Text("spec.clusterIP")}/hostname"), seen => servers.Contains(seen.Trim()));
        HashSet<string> seen = [];
        // Whoever asks again after more than its time comes to another sooner or later.
        await Until.Async("another answer", async () =>
        {
            seen.Add((await RunAsync(asker, $"sleep 4; timeout 2 wget -qO- http://{service.Text("spec.clusterIP")}/hostname")).Trim());
            return string.Join(' ', seen);
        }, _ => servers.Count(seen.Contains) > 1);
    }
}
