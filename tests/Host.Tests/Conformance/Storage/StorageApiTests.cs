using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Storage;

[Collection(ControlPlaneRig.Name)]
public sealed class StorageApiTests(ControlPlaneRig rig)
{
    const string Group = "storage.k8s.io/v1", Labelled = """{"metadata":{"labels":{"more":"yes"}}}""";

    [Fact]
    [Trait("Conformance", "[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver [Conformance]")]
    public Task A_CSIDriver_lives_its_whole_life() => new ApiWalk(rig, Group, "csidrivers",
        """{"kind":"CSIDriver","spec":{"volumeLifecycleModes":["Ephemeral"],"fsGroupPolicy":"ReadWriteOnceWithFSType"}}""", """{"spec":{"requiresRepublish":true}}""")
    {
        Namespaced = false, Distinct = i => i == 0 ? "{}" : """{"spec":{"volumeLifecycleModes":["Persistent","Ephemeral"]}}""",
    }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode [Conformance]")]
    public Task A_CSINode_lives_its_whole_life() => new ApiWalk(rig, Group, "csinodes",
        """{"kind":"CSINode","spec":{"drivers":[{"name":"driver-1","nodeID":"node-id","topologyKeys":["company.com/zone1","company.com/zone2"]}]}}""", Labelled) { Namespaced = false }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations [Conformance]")]
    public Task A_CSIStorageCapacity_lives_its_whole_life() => new ApiWalk(rig, Group, "csistoragecapacities",
        """{"kind":"CSIStorageCapacity","storageClassName":"some-class","nodeTopology":{},"capacity":"1Gi"}""", """{"capacity":"2Gi"}""").WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass [Conformance]")]
    public Task A_StorageClass_lives_its_whole_life() => new ApiWalk(rig, Group, "storageclasses",
        """{"kind":"StorageClass","provisioner":"example.com/nobody","reclaimPolicy":"Retain","mountOptions":["soft"]}""", """{"allowVolumeExpansion":true}""") { Namespaced = false }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass [Conformance]")]
    public Task A_VolumeAttributesClass_lives_its_whole_life() => new ApiWalk(rig, Group, "volumeattributesclasses",
        """{"kind":"VolumeAttributesClass","driverName":"example.com","parameters":{"iops":"3000"}}""", Labelled) { Namespaced = false }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment [Conformance]")]
    [Trait("Conformance", "[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status [Conformance]")]
    public async Task A_VolumeAttachment_lives_its_whole_life()
    {
        await new ApiWalk(rig, Group, "volumeattachments",
            """{"kind":"VolumeAttachment","spec":{"attacher":"test.storage.k8s.io","nodeName":"simulated-0","source":{"persistentVolumeName":"some"}},"status":{"attached":false}}""", Labelled)
        {
            Namespaced = false, Status = """{"status":{"attached":true}}""", StatusTakesMetadata = false,
        }.WalkAsync();
        // A uid that a client brings is not refused and not kept; attached may be taken back.
        const string All = "/apis/storage.k8s.io/v1/volumeattachments";
        var made = await rig.Admin.CreateAsync(All, """{"metadata":{"name":"va-uid","uid":"va-uid"},"spec":{"attacher":"test.storage.k8s.io","nodeName":"simulated-0","source":{"persistentVolumeName":"some"}},"status":{"attached":false}}""");
        Assert.Equal(36, made.Uid().Length);
        Assert.Equal("false", (await rig.Admin.GetAsync(All + "/va-uid/status")).Text("status", "attached"));
        await rig.Admin.PatchAsync(All + "/va-uid/status", """{"status":{"attached":true}}""");
        Assert.Equal("false", (await rig.Admin.ChangeAsync(All + "/va-uid/status", now => now.With("""{"status":{"attached":false}}"""), All + "/va-uid")).Text("status", "attached"));
        await rig.Admin.DeleteAsync(All + "/va-uid");
        await rig.Admin.GoneAsync(All, "va-uid");
    }

    [Fact]
    [Trait("Conformance", "[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API [Conformance]")]
    public async Task A_Pod_may_have_volumes_of_CSI_drivers()
    {
        string pods = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/pods";
        const string Pod = """
            {"metadata":{"name":"inline"},"spec":{"volumes":[{"name":"one","csi":{"driver":"e2e.example.com"}},{"name":"two","csi":{"driver":"e2e.example.com","fsType":"ext4","readOnly":true}}],
            "containers":[{"name":"main","image":"busybox","command":["sh","-c","ls /mnt/*"],"volumeMounts":[{"name":"one","mountPath":"/mnt/vol1"},{"name":"two","mountPath":"/mnt/vol2"}]}]}}
            """;
        var made = await rig.Admin.CreateAsync(pods, Pod);
        await rig.Admin.RefusedAsync(409, "AlreadyExists", "POST", pods, Pod);
        Assert.Equal(made.Uid(), (await rig.Admin.GetAsync(pods + "/inline")).Uid());
        var listed = Assert.Single(await rig.Admin.ListAsync(pods));
        Assert.Equal("""{"driver":"e2e.example.com","readOnly":true,"fsType":"ext4"}""", listed.At("spec", "volumes", "1", "csi")!.ToJsonString());
        Assert.Equal("true", (await rig.Admin.PatchAsync(pods + "/inline", """{"metadata":{"annotations":{"patched":"true"}}}""")).Annotation("patched"));
        await rig.Admin.DeleteAsync(pods + "/inline");
        await rig.Admin.GoneAsync(pods, "inline");
    }

    [Theory]
    [InlineData("configmaps", """{"data":{"data-1":"value-1"}}""", """{"data":{"data-1":"value-2"}}""", """{"data":{"data-1":"value-3"}}""")]
    [InlineData("secrets", """{"data":{"data-1":"dmFsdWUtMQ0K"}}""", """{"data":{"data-1":"dmFsdWUtMg0K"}}""", """{"data":{"data-1":"dmFsdWUtMw0K"}}""")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be immutable if `immutable` field is set [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets should be immutable if `immutable` field is set [Conformance]")]
    public async Task What_is_immutable_keeps_its_data(string resource, string body, string second, string third)
    {
        string collection = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/{resource}", path = collection + "/fixed";
        await rig.Admin.CreateAsync(collection, body.Replace("{\"data\"", """{"metadata":{"name":"fixed"},"data" """.TrimEnd()));
        Assert.True((await rig.Admin.ChangeAsync(path, now => now.With(second))).Has(System.Text.Json.Nodes.JsonNode.Parse(second)));
        var immutable = await rig.Admin.ChangeAsync(path, now => now.With("""{"immutable":true}"""));
        foreach (string refused in (string[])[third, """{"immutable":false}""", """{"immutable":null}""", """{"data":{"more":"dmFsdWUtMw0K"}}""", """{"data":null}"""])
        {
            var status = await rig.Admin.RefusedAsync(422, "Invalid", "PUT", path, immutable.With(refused).ToJsonString());
            Assert.Contains("field is immutable when `immutable` is set", status.Text("message"));
        }
        // Its metadata may change, and it may go.
        immutable = await rig.Admin.ChangeAsync(path, now => now.With("""{"metadata":{"labels":{"label1":"value1"}}}"""));
        Assert.True(immutable.Has(System.Text.Json.Nodes.JsonNode.Parse(second)));
        Assert.Equal("value1", immutable.Label("label1"));
        await rig.Admin.DeleteAsync(path);
        await rig.Admin.RefusedAsync(404, "NotFound", "GET", path);
    }
}
