using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Auth;

[Collection(ControlPlaneRig.Name)]
public sealed class ReviewTests(ControlPlaneRig rig)
{
    const string Reviews = "/apis/authorization.k8s.io/v1";

    [Fact]
    [Trait("Conformance", "[sig-auth] SubjectReview should support SubjectReview API operations [Conformance]")]
    public async Task What_somebody_may_do_is_the_same_asked_from_outside_within_and_by_doing_it()
    {
        string ns = await rig.NamespaceAsync(), user = $"system:serviceaccount:{ns}:asker";
        await rig.Admin.CreateAsync($"/api/v1/namespaces/{ns}/serviceaccounts", """{"metadata":{"name":"asker"}}""");
        string token = (await rig.Admin.CreateAsync($"/api/v1/namespaces/{ns}/serviceaccounts/asker/token", "{}")).Text("status", "token");
        using var asker = rig.Client(token: token);
        string path = $"/api/v1/namespaces/{ns}/configmaps";
        foreach (bool allowed in (bool[])[false, true])
        {
            if (allowed)
            {
                await rig.Admin.CreateAsync($"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", """{"metadata":{"name":"reader"},"rules":[{"verbs":["list"],"apiGroups":[""],"resources":["configmaps"]}]}""");
                await rig.Admin.CreateAsync($"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
                    $$"""{"metadata":{"name":"reader"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"asker","namespace":"{{ns}}"}]}""");
                await Wire.EventuallyAsync(async () => (await asker.SendAsync("GET", path)).Code == 200);
            }
            Assert.Equal(allowed ? 200 : 403, (await asker.SendAsync("GET", path)).Code);
            string attributes = $$"""{"namespace":"{{ns}}","verb":"list","version":"v1","resource":"configmaps"}""";
            await ToldAsync(rig.Admin, Reviews + "/subjectaccessreviews", $$"""{"spec":{"user":"{{user}}","resourceAttributes":{{attributes}} } }""", allowed);
            await ToldAsync(rig.Admin, $"{Reviews}/namespaces/{ns}/localsubjectaccessreviews", $$"""{"metadata":{"namespace":"{{ns}}"},"spec":{"user":"{{user}}","resourceAttributes":{{attributes}} } }""", allowed);
            await ToldAsync(asker, Reviews + "/selfsubjectaccessreviews", $$"""{"spec":{"resourceAttributes":{{attributes}} } }""", allowed);
        }
        // Only who may ask about others is answered.
        await asker.RefusedAsync(403, "Forbidden", "POST", Reviews + "/subjectaccessreviews", $$"""{"spec":{"user":"{{user}}","nonResourceAttributes":{"path":"/","verb":"get"} } }""");
    }

    static async Task ToldAsync(Wire by, string path, string review, bool allowed)
    {
        var told = await by.SendAsync("POST", path, review);
        Assert.True(told.Code == 201, told.Body);
        Assert.Equal(allowed ? "true" : "false", told.Json.Text("status", "allowed"));
        Assert.Equal("", told.Json.Text("status", "evaluationError"));
    }
}
