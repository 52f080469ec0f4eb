using Hanbae.Machinery.Validate;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Tests.Kinds;

/// <summary>Nobody serves a kind without having thought of it.</summary>
public sealed class CatalogTests
{
    /// <summary>Reviews and their like are answered, not kept.</summary>
    static bool IsKept(Resource resource) => resource.Info.Verbs.Contains("update");

    [Fact]
    public async Task Every_served_kind_has_its_rules()
    {
        await using var server = await TestServer.StartAsync(o => o with { LegacyApis = true });
        Assert.Empty(server.Server.Resources.All.Where(IsKept).Select(r => r.Stored.Kind).Distinct().Where(k => !Rules.Know(k)).Select(k => k.ToString()));
    }

    [Fact]
    public async Task Every_served_kind_with_a_status_keeps_it_apart()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Empty(server.Server.Resources.All.Where(r => r.Info.Subresources.Any(s => s.Name == "status") && Parts.Of(r.Stored.Kind) is not { HasStatus: true }).Select(r => r.Info.Gvr.ToString()));
    }

    [Fact]
    public async Task Versions_of_a_resource_are_stored_as_one()
    {
        await using var server = await TestServer.StartAsync(o => o with { LegacyApis = true });
        foreach (var same in server.Server.Resources.All.GroupBy(r => Catalog.StoredAs(r.Info.Gvr.GroupResource)))
            Assert.Single(same.Select(r => r.Stored).Distinct());
        Assert.DoesNotContain(server.Server.Resources.All, r => r.Info.Legacy && r.Stored.Kind == r.Info.Kind);
    }
}
