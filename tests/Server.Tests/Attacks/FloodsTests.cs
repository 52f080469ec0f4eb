using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.FlowControl;
using Hanbae.Server.Tests.FlowControl;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>One user sends more than the server can do: others hardly notice, and what the server keeps of it is bounded.</summary>
public sealed class FloodsTests
{
    const int Storm = 10_000;

    static Lease LeaseOf(string node) => new() { Metadata = new() { Name = node, Namespace = "kube-node-lease" }, Spec = new() { HolderIdentity = node, LeaseDurationSeconds = 40 } };

    [Fact]
    public async Task A_storm_of_one_user_keeps_no_kubelet_and_no_component_from_its_work()
    {
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 40, MaxWrites = 20 });
        var nodes = Enumerable.Range(0, 20).Select(i => FlowRig.User("system:node:n" + i, "system:nodes")).ToArray();
        for (int i = 0; i < nodes.Length; i++) Assert.Equal(201, (await rig.SendAsync(nodes[i], "POST", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", LeaseOf("n" + i))).Code);

        var user = FlowRig.User("storm");
        var storm = Enumerable.Range(0, Storm).Select(_ => rig.SendAsync(user, "GET", "/held")).ToArray();
        // All that can be decided is: some run, a hand of queues is full, the rest was refused at once.
        await rig.UntilAsync(() => storm.Count(t => t.IsCompleted) >= Storm - rig.Held - 6 * 50);
        int refused = storm.Count(t => t.IsCompleted);
        Assert.All(storm.Where(t => t.IsCompleted), t => Assert.Equal(429, t.Result.Code));
        Assert.InRange(rig.Held, 1, 60);
        Assert.InRange(Storm - refused - rig.Held, 1, 6 * 50);
        Assert.Equal(Storm - refused - rig.Held, await rig.MetricAsync("current_inqueue_requests", "global-default"));

        // None of it is over, and everybody else goes on.
        for (int round = 1; round <= 10; round++)
            for (int i = 0; i < nodes.Length; i++)
            {
                string path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n" + i;
                var there = (Lease)(await rig.SendAsync(nodes[i], "GET", path)).Object!;
                Assert.Equal(200, (await rig.SendAsync(nodes[i], "PUT", path, there with { Spec = there.Spec with { LeaseTransitions = round } })).Code);
            }
        foreach (var component in (Identity[])[FlowRig.User("system:kube-scheduler"), FlowRig.User("system:kube-controller-manager"), FlowRig.User("system:serviceaccount:kube-system:job-controller", "system:serviceaccounts"),
            FlowRig.User("system:serviceaccount:default:app", "system:serviceaccounts"), FlowRig.User("admin", "system:masters"), RequestContext.Anonymous])
            Assert.Equal(200, (await rig.SendAsync(component, "GET", component == RequestContext.Anonymous ? "/readyz" : "/api/v1/nodes")).Code);
        Assert.Equal(refused, storm.Count(t => t.IsCompleted));

        rig.LetGo();
        await Task.WhenAll(storm).WaitAsync(TimeSpan.FromSeconds(90));
        Assert.Equal(refused, storm.Count(t => t.Result.Code == 429));
        Assert.Equal(Storm - refused, storm.Count(t => t.Result.Code == 200));
    }

    [Fact]
    public async Task Who_holds_a_seat_longer_than_any_request_lasts_is_cut_off()
    {
        var time = new Kit.FakeTime();
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 1, MaxWrites = 0 }, time, bootstrap: false);
        // Over HTTP: it is the connection that ends.
        var slow = rig.Http.SendAsync("GET", "/held", headers: ("Impersonate-User", "slow"));
        await rig.UntilAsync(() => rig.Held == 1);
        Assert.Equal(429, (await rig.SendAsync(FlowRig.User("b"), "GET", "/version")).Code);
        for (int i = 0; i < 11; i++)
        {
            await time.WhenSetAsync();
            time.Advance(TimeSpan.FromSeconds(10));
        }
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => slow).WaitAsync(TimeSpan.FromSeconds(60));
        await rig.UntilAsync(async () => (await rig.SendAsync(FlowRig.User("b"), "GET", "/version")).Code == 200);
    }

    [Fact]
    public async Task A_client_that_does_not_read_its_answer_loses_it_and_its_seats()
    {
        var time = new Kit.FakeTime();
        await using var rig = await FlowRig.StartAsync(null, time, bootstrap: false);
        string large = new('x', 100_000);
        for (int i = 0; i < 400; i++) await rig.Http.CreateAsync(new Api.Core.V1.ConfigMap { Metadata = new() { Name = "c" + i, Namespace = "default" }, Data = Api.Map.Of(("k", large)) });
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(rig.Http.Address.Host, rig.Http.Address.Port);
        await using var tls = new System.Net.Security.SslStream(client.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync("GET /api/v1/configmaps HTTP/1.1\r\nHost: localhost\r\nImpersonate-User: slow\r\n\r\n"u8.ToArray());
        byte[] buffer = new byte[1 << 16];
        Assert.True(await tls.ReadAsync(buffer) > 0);
        // Forty megabytes do not fit into what lies between: the server waits for a reader.
        Assert.True(await rig.MetricAsync("current_executing_seats", "catch-all") > 0);
        for (int i = 0; i < 11; i++)
        {
            await time.WhenSetAsync();
            time.Advance(TimeSpan.FromSeconds(10));
        }
        await rig.UntilAsync(async () => await rig.MetricAsync("current_executing_seats", "catch-all") == 0);
        long read = 0;
        try { while (await tls.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(60)) is > 0 and var n) read += n; }
        catch (IOException) { }
        Assert.InRange(read, 0, 39_000_000);
    }
}

/// <summary>Alone in its process, since it is the process that is measured.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

[Collection(nameof(AloneInTheProcess))]
public sealed class FloodMemoryTests(Xunit.Abstractions.ITestOutputHelper output)
{
    [Fact]
    [Trait("Attack", "request floods")]
    public async Task What_is_kept_of_a_storm_is_what_runs_and_waits()
    {
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 40, MaxWrites = 20 });
        var user = FlowRig.User("storm");
        async Task<long> AfterAsync(int requests)
        {
            var refused = new List<Task>();
            for (int i = 0; i < requests; i++)
            {
                var one = rig.SendAsync(user, "GET", "/held");
                if (one.IsCompleted) Assert.Equal(429, (await one).Code);
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return GC.GetTotalMemory(forceFullCollection: true);
        }
        long full = await AfterAsync(1_000), after = await AfterAsync(10_000);

        // Ten times as many leave nothing behind: a kilobyte each would be ten megabytes.
        Assert.InRange(after - full, long.MinValue, 4 << 20);
    }

    /// <summary>What each of two floods leaves of the process, a second one four times as long as the first.</summary>
    [Fact]
    [Trait("Attack", "request floods")]
    public async Task A_longer_flood_makes_the_process_no_larger()
    {
        const int First = 4_000, Connections = 8;
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 40, MaxWrites = 20 });
        // All that may run and wait does, so that what comes is refused.
        var held = Enumerable.Range(0, 1_000).Select(_ => rig.SendAsync(FlowRig.User("storm"), "GET", "/held")).ToArray();
        await rig.UntilAsync(() => held.Count(t => t.IsCompleted) >= held.Length - rig.Held - 6 * 50);
        async Task FloodAsync(int requests)
        {
            var clients = Enumerable.Range(0, Connections).Select(_ => new HttpClient(new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
                { BaseAddress = rig.Http.Address, DefaultRequestVersion = System.Net.HttpVersion.Version20 }).ToArray();
            int refused = 0;
            await Parallel.ForEachAsync(clients, new ParallelOptions { MaxDegreeOfParallelism = Connections }, async (client, ct) =>
            {
                for (int i = 0; i < requests / Connections; i += 20)
                    foreach (var answer in await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
                    {
                        using var request = new HttpRequestMessage(HttpMethod.Get, "/held?" + new string('q', 4000));
                        request.Headers.Add("Impersonate-User", "storm");
                        using var response = await client.SendAsync(request, ct);
                        return (int)response.StatusCode;
                    })))
                        if (answer == 429) Interlocked.Increment(ref refused);
            });
            foreach (var client in clients) client.Dispose();
            Assert.Equal(requests / Connections / 20 * 20 * Connections, refused);
        }
        long Resident()
        {
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            using var process = System.Diagnostics.Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
        await FloodAsync(First);
        long one = Resident();
        await FloodAsync(4 * First);
        long four = Resident();
        output.WriteLine($"{one >> 20} MB after {First}, {four >> 20} MB after {4 * First} more");

        // Had it kept them, it would be eighty megabytes.
        Assert.InRange(four - one, long.MinValue, 40 << 20);
        rig.LetGo();
        await Task.WhenAll(held).WaitAsync(TimeSpan.FromSeconds(90));
    }
}
