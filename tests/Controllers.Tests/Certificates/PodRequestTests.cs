using Hanbae.Api.Rest;
using Hanbae.Api.Certificates.V1beta1;

namespace Hanbae.Controllers.Tests.Certificates;

public sealed class PodRequestTests
{
    const string Cleaner = "podcertificaterequest-cleaner-controller";

    static PodCertificateRequest Request(string name, params string[] conditions) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" }, Status = new() { Conditions = [.. conditions.Select(c => new Hanbae.Api.Meta.V1.Condition { Type = c, Status = "True", Reason = "Test" })] },
    };

    [Fact]
    public async Task Requests_go_after_a_quarter_of_an_hour_answered_or_not()
    {
        await using var cluster = new TestCluster([Cleaner], api => { api.Put(Request("open")); api.Put(Request("issued", "Issued")); },
            new() { MoreServed = new([Resources.Of<PodCertificateRequest>()]) });
        var began = cluster.Time.GetUtcNow();
        cluster.Creep = TimeSpan.FromMinutes(1);
        await cluster.UntilAsync(api => api.All<PodCertificateRequest>().Count == 0);
        Assert.True(cluster.Time.GetUtcNow() - began >= TimeSpan.FromMinutes(15));
    }

    [Fact]
    public void Nobody_looks_for_them_where_they_are_not_served() =>
        Assert.False(ControllerOptions.Default.MoreServed.Has(Catalog.All.Single(e => e.Name == Cleaner).Needs!.Value));
}
