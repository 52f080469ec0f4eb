using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Scheduling;

[Collection(ControlPlaneRig.Name)]
public sealed class PriorityClassTests(ControlPlaneRig rig)
{
    [Fact]
    [Trait("Conformance", "[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods [Conformance]")]
    public async Task A_PriorityClass_lives_its_whole_life_with_one_value()
    {
        await new ApiWalk(rig, "scheduling.k8s.io/v1", "priorityclasses", """{"kind":"PriorityClass","value":11}""", """{"description":"patched"}""")
        {
            Namespaced = false, Distinct = i => $$"""{"value":{{11 + i}}}""",
        }.WalkAsync();
        const string All = "/apis/scheduling.k8s.io/v1/priorityclasses";
        var made = await rig.Admin.CreateAsync(All, """{"metadata":{"name":"p1","labels":{"conformance":"priority"}},"value":21,"description":"one"}""");
        foreach (string patch in (string[])["""{"value":22}""", """{"value":22,"description":"other"}"""])
        {
            Assert.Contains("value: Forbidden: may not be changed in an update.", (await rig.Admin.RefusedAsync(422, "Invalid", "PUT", All + "/p1", made.With(patch).ToJsonString())).Text("message"));
            Assert.Contains("value: Forbidden: may not be changed in an update.", (await rig.Admin.RefusedAsync(422, "Invalid", "PATCH", All + "/p1", patch, Wire.Merge)).Text("message"));
        }
        // The same value again is no change.
        Assert.Equal(("21", "two"), (await rig.Admin.PatchAsync(All + "/p1", """{"value":21,"description":"two"}""") is var now ? (now.Text("value"), now.Text("description")) : default));
        await rig.Admin.DeleteAsync(All + "?labelSelector=conformance%3Dpriority");
        Assert.Empty(await rig.Admin.ListAsync(All + "?labelSelector=conformance%3Dpriority"));
    }
}
