using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

[Collection(ControlPlaneRig.Name)]
public sealed class CustomResourceTests(ControlPlaneRig rig)
{
    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects [Conformance]")]
    public async Task Each_watch_has_the_events_of_its_own_object()
    {
        await using var definition = await Definition.MakeAsync(rig.Admin, "Cluster", null, Definition.Version("v1", Definition.Anything));
        string path = definition.Path(), revision = (await rig.Admin.GetAsync(path)).Revision();
        string[] names = ["name1", "name2"];
        Watched[] watches = [await rig.Admin.WatchAsync(path, revision, "fieldSelector=metadata.name%3Dname1"), await rig.Admin.WatchAsync(path, revision, "fieldSelector=metadata.name%3Dname2")];
        try
        {
            foreach (string type in (string[])["ADDED", "MODIFIED", "DELETED"])
                foreach (var (i, name) in names.Index())
                {
                    var written = type switch
                    {
                        "ADDED" => await rig.Admin.CreateAsync(path, definition.Object(name, more: """{"content":{"key":"value"},"num":{"num1":9223372036854775807,"num2":1000000}}""")),
                        "MODIFIED" => await rig.Admin.PatchAsync(path + "/" + name, """{"dummy":"test"}"""),
                        _ => await rig.Admin.DeleteAsync(path + "/" + name),
                    };
                    var next = await watches[i].NextAsync();
                    Assert.Equal((type, name, "value", "9223372036854775807"), (next.Type, next.Object.Name(), next.Object.Text("content", "key"), next.Object.Text("num", "num1")));
                    if (type != "DELETED") Assert.Equal(written.ToJsonString(), next.Object.ToJsonString());
                    Assert.Equal(type == "ADDED" ? "" : "test", next.Object.Text("dummy"));
                }
        }
        finally { foreach (var watch in watches) watch.Dispose(); }
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition listing custom resource definition objects works [Conformance]")]
    public async Task Definitions_are_listed_and_deleted_by_label()
    {
        var made = new List<Definition>();
        try
        {
            for (int i = 0; i < 10; i++) made.Add(await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v1", Definition.Anything)));
            var all = (await rig.Admin.ListAsync(Definition.All)).Select(d => d.Name()).ToList();
            Assert.All(made, d => Assert.Contains(d.Name, all));
            foreach (var d in made[1..]) await rig.Admin.PatchAsync(Definition.All + "/" + d.Name, """{"metadata":{"labels":{"conformance":"listed"}}}""");
            const string Labelled = Definition.All + "?labelSelector=conformance%3Dlisted";
            Assert.Equal(made[1..].Select(d => d.Name).Order(StringComparer.Ordinal), (await rig.Admin.ListAsync(Labelled)).Select(d => d.Name()));
            // In pages, too.
            var page = await rig.Admin.GetAsync(Labelled + "&limit=4");
            Assert.Equal((4, "5"), (page.Items("items").Count, page.Text("metadata", "remainingItemCount") is { Length: > 0 } left ? left : "5"));
            Assert.Equal(5, (await rig.Admin.ListAsync(Labelled + "&continue=" + Uri.EscapeDataString(page.Text("metadata", "continue")))).Count);
            await rig.Admin.DeleteAsync(Labelled);
            await rig.Admin.UntilAsync(Definition.All, left => left.Count == 0, "labelSelector=conformance%3Dlisted");
            Assert.Equal(made[0].Name, (await rig.Admin.GetAsync(Definition.All + "/" + made[0].Name)).Name());
        }
        finally { foreach (var d in made) await d.DisposeAsync(); }
    }
}
