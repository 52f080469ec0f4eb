using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Dns.Plugins;
using Hanbae.Dns.Wire;

namespace Hanbae.Dns.Tests.Plugins;

/// <summary>The Kubernetes DNS specification, a line for each sentence of it.</summary>
public sealed class ClusterZoneTests
{
    const string Soa = "NoError / ns.dns.cluster.local";

    static readonly DnsOptions Options = new() { Listen = [] };

    [Theory]
    // 2.1: the version of the schema.
    [InlineData("dns-version.cluster.local", "Txt", "Txt 1.1.0")]
    // 2.3.1: addresses of a Service, one record for each family.
    [InlineData("web.shop.svc.cluster.local", "A", "A 10.96.0.10")]
    [InlineData("web.shop.svc.cluster.local", "Aaaa", "Aaaa fd00::a")]
    [InlineData("WEB.Shop.SVC.cluster.local", "A", "A 10.96.0.10")]
    // 2.3.2: SRV for each named port.
    [InlineData("_http._tcp.web.shop.svc.cluster.local", "Srv", "Srv 0 100 80 web.shop.svc.cluster.local")]
    [InlineData("_dns._udp.web.shop.svc.cluster.local", "Srv", "Srv 0 100 53 web.shop.svc.cluster.local")]
    [InlineData("_http._udp.web.shop.svc.cluster.local", "Srv", "NameError / ns.dns.cluster.local")]
    [InlineData("_tcp.web.shop.svc.cluster.local", "Srv", Soa)]
    [InlineData("_sctp.web.shop.svc.cluster.local", "Srv", "NameError / ns.dns.cluster.local")]
    // 2.4.1: headless: the addresses of all that are ready, by hostname or by address.
    [InlineData("db.shop.svc.cluster.local", "A", "A 10.244.0.5, A 10.244.0.6")]
    [InlineData("db-0.db.shop.svc.cluster.local", "A", "A 10.244.0.5")]
    [InlineData("10-244-0-6.db.shop.svc.cluster.local", "A", "A 10.244.0.6")]
    [InlineData("10-244-0-7.db.shop.svc.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    [InlineData("10-244-0-5.db.shop.svc.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    [InlineData("empty.shop.svc.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    // 2.4.2: SRV of a headless Service names its endpoints.
    [InlineData("_sql._tcp.db.shop.svc.cluster.local", "Srv", "Srv 0 50 5432 db-0.db.shop.svc.cluster.local, Srv 0 50 5432 10-244-0-6.db.shop.svc.cluster.local")]
    // 2.5: a name elsewhere.
    [InlineData("out.shop.svc.cluster.local", "Cname", "Cname db.example.com")]
    [InlineData("out.shop.svc.cluster.local", "A", "Cname db.example.com")]
    [InlineData("_http._tcp.out.shop.svc.cluster.local", "Srv", "NameError / ns.dns.cluster.local")]
    // Pods by address, where the namespace exists.
    [InlineData("10-244-0-9.shop.pod.cluster.local", "A", "A 10.244.0.9")]
    [InlineData("fd00--9.shop.pod.cluster.local", "Aaaa", "Aaaa fd00::9")]
    [InlineData("10-244-0-9.shop.pod.cluster.local", "Aaaa", Soa)]
    [InlineData("10-244-0-9.nowhere.pod.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    [InlineData("web-0.shop.pod.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    // A name that exists without records of the type, down to the names in between, is not one that does not exist.
    [InlineData("web.shop.svc.cluster.local", "Txt", Soa)]
    [InlineData("cluster.local", "A", Soa)]
    [InlineData("svc.cluster.local", "A", Soa)]
    [InlineData("shop.svc.cluster.local", "A", Soa)]
    [InlineData("nowhere.svc.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    [InlineData("nothing.shop.svc.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    [InlineData("web.shop.cluster.local", "A", "NameError / ns.dns.cluster.local")]
    // Addresses back to names.
    [InlineData("10.0.96.10.in-addr.arpa", "Ptr", "Ptr web.shop.svc.cluster.local")]
    [InlineData("5.0.244.10.in-addr.arpa", "Ptr", "Ptr db-0.db.shop.svc.cluster.local")]
    [InlineData("6.0.244.10.in-addr.arpa", "Ptr", "Ptr 10-244-0-6.db.shop.svc.cluster.local")]
    [InlineData("a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", "Ptr", "Ptr web.shop.svc.cluster.local")]
    [InlineData("7.0.244.10.in-addr.arpa", "Ptr", "not ours")]
    // The server itself, whom SOA names.
    [InlineData("cluster.local", "Ns", "Ns ns.dns.cluster.local")]
    [InlineData("ns.dns.cluster.local", "A", "A 10.96.0.2")]
    // What is not the cluster's is for others to answer.
    [InlineData("1.0.96.10.in-addr.arpa", "Ptr", "not ours")]
    [InlineData("example.com", "A", "not ours")]
    [InlineData("evilcluster.local", "A", "not ours")]
    public async Task An_answer_is_the_specifications(string name, string type, string wanted) => Assert.Equal(wanted, await AskAsync(Cluster.Shop(), name, type));

    [Fact]
    public async Task The_targets_of_SRV_come_with_their_addresses()
    {
        var zone = new ClusterZone(Cluster.Shop(), Options);
        var answer = await zone.AnswerAsync(Query("_sql._tcp.db.shop.svc.cluster.local", RecordType.Srv), default);
        Assert.Equal(["10.244.0.5", "10.244.0.6"], answer!.Additional.Select(r => ((RecordData.Address)r.Data).Value.ToString()));
    }

    [Fact]
    public async Task A_change_is_answered_at_once_and_a_deletion_forgotten()
    {
        var cluster = Cluster.Shop();
        var zone = new ClusterZone(cluster, Options);
        var other = Cluster.Service("web", s => s with { ClusterIP = "10.96.0.99", ClusterIPs = ["10.96.0.99"] });
        cluster.Put(other);
        Assert.Equal("A 10.96.0.99", Text(await zone.AnswerAsync(Query("web.shop.svc.cluster.local", RecordType.A), default)));
        Assert.Equal("not ours", Text(await zone.AnswerAsync(Query("10.0.96.10.in-addr.arpa", RecordType.Ptr), default)));
        cluster.Delete(other);
        Assert.StartsWith("NameError", Text(await zone.AnswerAsync(Query("web.shop.svc.cluster.local", RecordType.A), default)), StringComparison.Ordinal);
    }

    static async Task<string> AskAsync(Cluster cluster, string name, string type) =>
        Text(await new ClusterZone(cluster, Options).AnswerAsync(Query(name, Enum.Parse<RecordType>(type)), default));

    internal static Query Query(string name, RecordType type) => new(1, true, new(name.ToLowerInvariant(), name, type), 512, false);

    internal static string Text(Answer? answer) =>
        answer is null ? "not ours"
        : answer.Records.IsEmpty ? $"{answer.Code} / {string.Join(", ", answer.Authority.Select(r => ((RecordData.Authority)r.Data).Server))}"
        : string.Join(", ", answer.Records.Select(r => $"{r.Type} {Text(r.Data)}"));

    static string Text(RecordData data) => data switch
    {
        RecordData.Address a => a.Value.ToString(),
        RecordData.Alias a => a.Name,
        RecordData.Service s => $"{s.Priority} {s.Weight} {s.Port} {s.Target}",
        RecordData.Text t => t.Value,
        _ => data.ToString(),
    };
}
