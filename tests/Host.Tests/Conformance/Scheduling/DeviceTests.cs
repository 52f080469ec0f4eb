using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Scheduling;

/// <summary>Devices through the whole control plane: claims are made by their controller, allocated by the scheduler in its own name, and freed when their Pod goes.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class DeviceTests(ControlPlaneRig rig)
{
    const string Group = "/apis/resource.k8s.io/v1/";

    [Fact]
    public async Task A_device_goes_from_one_Pod_to_the_next_and_an_extended_resource_is_one_too()
    {
        string ns = await rig.NamespaceAsync(), pods = $"/api/v1/namespaces/{ns}/pods", claims = $"{Group}namespaces/{ns}/resourceclaims";
        string node = (await rig.Admin.ListAsync("/api/v1/nodes"))[0].Name(), driver = $"{ns}.example.com";
        await rig.Admin.CreateAsync(Group + "deviceclasses", $$"""{"metadata":{"name":"{{ns}}"},"spec":{"extendedResourceName":"example.com/{{ns}}","selectors":[{"cel":{"expression":"device.driver == '{{driver}}'"} }]} }""");
        await rig.Admin.CreateAsync(Group + "resourceslices", $$"""{"metadata":{"name":"{{ns}}"},"spec":{"driver":"{{driver}}","nodeName":"{{node}}","pool":{"name":"{{node}}","generation":1,"resourceSliceCount":1},"devices":[{"name":"gpu-0","attributes":{"model":{"string":"large"} } }]} }""");
        try
        {
            await rig.Admin.CreateAsync($"{Group}namespaces/{ns}/resourceclaimtemplates",
                $$"""{"metadata":{"name":"one"},"spec":{"spec":{"devices":{"requests":[{"name":"gpu","exactly":{"deviceClassName":"{{ns}}","selectors":[{"cel":{"expression":"device.attributes['{{driver}}'].model == 'large'"} }]} }]} } } }""");
            static string Pod(string name) => $$"""{"metadata":{"name":"{{name}}"},"spec":{"resourceClaims":[{"name":"gpu","resourceClaimTemplateName":"one"}],"containers":[{"name":"main","image":"x","resources":{"claims":[{"name":"gpu"}]} }]} }""";
            await rig.Admin.CreateAsync(pods, Pod("first"));
            await rig.Admin.UntilAsync(pods, "first", p => p.Text("spec", "nodeName") == node);
            var held = Assert.Single(await rig.Admin.ListAsync(claims));
            Assert.Equal("gpu-0", held["status"]!["allocation"]!["devices"]!["results"]![0]!["device"]!.GetValue<string>());

            await rig.Admin.CreateAsync(pods, Pod("second"));
            await rig.Admin.UntilAsync(pods, "second", p => p.Items("status", "conditions").Any(c => c.Text("type") == "PodScheduled" && c.Text("message").Contains("cannot allocate all claims", StringComparison.Ordinal)));
            await rig.Admin.DeleteAsync(pods + "/first");
            await rig.Admin.UntilAsync(pods, "second", p => p.Text("spec", "nodeName") == node);
            await rig.Admin.DeleteAsync(pods + "/second");
            await rig.Admin.UntilAsync(claims, all => all.Count == 0);

            await rig.Admin.CreateAsync(pods, $$"""{"metadata":{"name":"third"},"spec":{"containers":[{"name":"main","image":"x","resources":{"requests":{"example.com/{{ns}}":"1"},"limits":{"example.com/{{ns}}":"1"} } }]} }""");
            await rig.Admin.UntilAsync(pods, "third", p => p.Text("spec", "nodeName") == node && p["status"]?["extendedResourceClaimStatus"] is not null);
            Assert.StartsWith("third-extended-resources-", Assert.Single(await rig.Admin.ListAsync(claims)).Name(), StringComparison.Ordinal);
        }
        finally
        {
            await rig.Admin.DeleteAsync(pods);
            await rig.Admin.DeleteAsync(Group + "resourceslices/" + ns);
            await rig.Admin.DeleteAsync(Group + "deviceclasses/" + ns);
        }
    }
}
