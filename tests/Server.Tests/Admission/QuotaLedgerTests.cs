using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What admission alone makes of a quota's use, with nobody who counts.</summary>
public sealed class QuotaLedgerTests : IAsyncLifetime
{
    SecureServer _server = null!;

    public async Task InitializeAsync() => _server = await StartAsync();
    public async Task DisposeAsync() => await _server.DisposeAsync();

    static Map<Quantity> Amounts(string text) => text.Split(',').Select(p => p.Split('=')).Select(p => KeyValuePair.Create(p[0], Quantity.Parse(p[1]))).ToMap();

    async Task QuotaAsync(string hard, string used, string name = "q")
    {
        var quota = await _server.MakeAsync(new ResourceQuota { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Hard = Amounts(hard) } });
        await CountAsync(quota, hard, used);
    }

    /// <summary>As the controller does.</summary>
    async Task CountAsync(ResourceQuota quota, string hard, string used) =>
        Good(await _server.CallAsync(Admin, "PUT", Resources.Of<ResourceQuota>().Path("default", quota.Metadata.Name) + "/status", quota with { Status = new() { Hard = Amounts(hard), Used = Amounts(used) } }));

    async Task<long> UsedAsync(string resource, string name = "q") => (await _server.GetAsync<ResourceQuota>("default", name)).Status.Used[resource].Value();

    static ConfigMap Map_(string name) => new() { Metadata = new() { Name = name, Namespace = "default" } };

    [Fact]
    public async Task What_is_charged_and_not_written_is_given_back()
    {
        await QuotaAsync("configmaps=3,count/configmaps=9", "configmaps=0,count/configmaps=0");
        await QuotaAsync("configmaps=8", "configmaps=0", "other");
        await _server.MakeAsync(Map_("a"));
        for (int i = 0; i < 5; i++) Assert.Equal(409, (await _server.CreateAsync(Admin, Map_("a"))).Code);
        Assert.Equal((1L, 1L, 1L), (await UsedAsync("configmaps"), await UsedAsync("count/configmaps"), await UsedAsync("configmaps", "other")));
        await _server.MakeAsync(Map_("b"));
        await _server.MakeAsync(Map_("c"));
        Assert.Contains("exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3", Message(await _server.CreateAsync(Admin, Map_("d"))));
    }

    [Fact]
    public async Task A_change_that_is_tried_again_after_a_conflict_is_charged_once()
    {
        await QuotaAsync("services.nodeports=5", "services.nodeports=0");
        await _server.MakeAsync(new Service { Metadata = new() { Name = "s", Namespace = "default" }, Spec = new() { Ports = [new() { Port = 80 }] } });
        var results = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => PatchAsync($$$"""{"metadata":{"labels":{"l{{{i}}}":"x"}},"spec":{"type":"NodePort"}}"""))));
        Assert.Contains(200, results);
        Assert.Equal(1, await UsedAsync("services.nodeports"));
    }

    async Task<int> PatchAsync(string patch) => (await _server.Api.Transport.SendAsync(new()
    {
        Method = "PATCH", Path = "/api/v1/namespaces/default/services/s", Body = System.Text.Encoding.UTF8.GetBytes(patch), ContentType = "application/merge-patch+json", Identity = Admin,
    }, CancellationToken.None)).Code;

    [Fact]
    public async Task However_many_come_at_once_there_are_never_more_than_the_limit()
    {
        await QuotaAsync("configmaps=10", "configmaps=0");
        // Every name several times: those that lose give back what others may then have.
        var results = await Task.WhenAll(Enumerable.Range(0, 90).Select(i => Task.Run(() => _server.CreateAsync(Admin, Map_("m" + i % 30)))));
        int made = results.Count(r => r.Code == 201);
        Assert.All(results, r => Assert.Contains(r.Code, (int[])[201, 403, 409]));
        Assert.InRange(made, 1, 10);
        Assert.Equal(made, (await _server.Security.Objects.ListAsync<ConfigMap>("default", CancellationToken.None)).Count);
        Assert.Equal(made, await UsedAsync("configmaps"));
        for (int i = made; i < 10; i++) await _server.MakeAsync(Map_("more" + i));
        Assert.Equal(403, (await _server.CreateAsync(Admin, Map_("over"))).Code);
    }

    [Fact]
    public async Task Whoever_counts_meanwhile_is_right_and_nothing_is_given_back_twice()
    {
        await QuotaAsync("configmaps=10", "configmaps=0");
        var stop = new CancellationTokenSource();
        var counting = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await Task.Yield();
                // Reads the quota first: what is charged after that makes the write a conflict.
                var quota = await _server.GetAsync<ResourceQuota>("default", "q");
                long there = (await _server.Security.Objects.ListAsync<ConfigMap>("default", CancellationToken.None)).Count;
                // Only what is charged and not yet written is not there; to count it away would let in one too many, so the higher figure stays.
                if (there < quota.Status.Used["configmaps"].Value()) continue;
                await _server.CallAsync(Admin, "PUT", Resources.Of<ResourceQuota>().Path("default", "q") + "/status", quota with { Status = new() { Hard = Amounts("configmaps=10"), Used = Amounts("configmaps=" + there) } });
            }
        });
        for (int round = 0; round < 4; round++)
            await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => _server.CreateAsync(Admin, Map_("m" + i % 12)))));
        await stop.CancelAsync();
        await counting;
        stop.Dispose();
        Assert.InRange((await _server.Security.Objects.ListAsync<ConfigMap>("default", CancellationToken.None)).Count, 1, 10);
        Assert.InRange(await UsedAsync("configmaps"), (await _server.Security.Objects.ListAsync<ConfigMap>("default", CancellationToken.None)).Count, 10);
    }
}
