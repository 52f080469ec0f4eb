using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Node;

/// <summary>Claims of devices by way of the whole program: the controllers, their rights, admission and the API together.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class ClaimTests(ControlPlaneRig rig)
{
    const string Group = "/apis/resource.k8s.io/v1";

    [Fact]
    public async Task A_Pod_gets_its_claim_holds_it_and_leaves_devices_that_drive_it_off()
    {
        string ns = await rig.NamespaceAsync(), claims = $"{Group}/namespaces/{ns}/resourceclaims", pods = $"/api/v1/namespaces/{ns}/pods", driver = ns + ".example.com";
        await rig.Admin.CreateAsync($"{Group}/namespaces/{ns}/resourceclaimtemplates",
            """{"metadata":{"name":"gpu"},"spec":{"spec":{"devices":{"requests":[{"name":"req-0","exactly":{"deviceClassName":"none.example.com"}}]}}}}""");
        // It comes with a node, as a daemon's Pod of an older cluster might: no scheduler reserves anything for it.
        await rig.Admin.CreateAsync(pods,
            """{"metadata":{"name":"p"},"spec":{"nodeName":"simulated-0","terminationGracePeriodSeconds":0,"resourceClaims":[{"name":"gpu","resourceClaimTemplateName":"gpu"}],"containers":[{"name":"main","image":"i","resources":{"claims":[{"name":"gpu"}]}}]}}""");
        await rig.Admin.UntilAsync(claims, all => all.Count == 1 && all[0].Name().StartsWith("p-gpu-", StringComparison.Ordinal));
        string claim = (await rig.Admin.ListAsync(claims))[0].Name();
        var pod = await rig.Admin.UntilAsync(pods, "p", p => p.Items("status", "resourceClaimStatuses").Any(s => s.Text("resourceClaimName") == claim));

        try
        {
            await rig.Admin.PatchAsync($"{claims}/{claim}/status", $$$"""{"status":{"allocation":{"devices":{"results":[{"request":"req-0","driver":"{{{driver}}}","pool":"pool-0","device":"dev-0"}]} } } }""");
            await rig.Admin.UntilAsync(claims, claim, c => c.Items("status", "reservedFor").Any(r => r.Text("uid") == pod.Text("metadata", "uid")));

            await rig.Admin.CreateAsync(Group + "/resourceslices", $$$"""
                {"metadata":{"name":"{{{ns}}}"},"spec":{"nodeName":"simulated-0","driver":"{{{driver}}}","pool":{"name":"pool-0","generation":1,"resourceSliceCount":1},
                "devices":[{"name":"dev-0","taints":[{"key":"broken","effect":"NoExecute"}]}]}}
                """);
            await rig.Admin.GoneAsync(pods, "p");
            await rig.Admin.GoneAsync(claims, claim);
        }
        finally { await rig.Admin.SendAsync("DELETE", $"{Group}/resourceslices/{ns}"); }
    }

    [Fact]
    public async Task What_is_served_on_request_has_its_controllers_at_work()
    {
        var own = new ControlPlaneRig { Flags = new Dictionary<string, string> { ["runtime-config"] = "resource.k8s.io/v1beta2/devicetaintrules=true,storagemigration.k8s.io/v1beta1=true" } };
        await own.InitializeAsync();
        try
        {
            const string migrations = "/apis/storagemigration.k8s.io/v1beta1/storageversionmigrations", rules = "/apis/resource.k8s.io/v1beta2/devicetaintrules";
            await own.Admin.CreateAsync(migrations, """{"metadata":{"name":"maps"},"spec":{"resource":{"group":"","resource":"configmaps"}}}""");
            await own.Admin.CreateAsync(rules, """{"metadata":{"name":"rule"},"spec":{"deviceSelector":{"driver":"example.com"},"taint":{"key":"broken","effect":"None"}}}""");
            await own.Admin.UntilAsync(migrations, "maps", m => m.Items("status", "conditions").Any(c => c.Text("type") == "Succeeded" && c.Text("status") == "True"));
            await own.Admin.UntilAsync(rules, "rule", r => r.Items("status", "conditions").Any(c => c.Text("type") == "EvictionInProgress" && c.Text("reason") == "NoEffect"));
        }
        finally { await own.DisposeAsync(); }
    }
}
