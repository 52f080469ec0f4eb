using System.Text.Json.Nodes;
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
        string uid = (await rig.Admin.CreateAsync($"/api/v1/namespaces/{ns}/serviceaccounts", """{"metadata":{"name":"asker"}}""")).Uid();
        string[] groups = ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:" + ns];
        using var acting = rig.As(user, ("Impersonate-Uid", uid));
        string whole = $$""" "user":"{{user}}","uid":"{{uid}}","groups":["{{string.Join("\",\"", groups)}}"] """;
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
            // The administrator acting as it is refused, and told, the same.
            Assert.Equal(allowed ? 200 : 403, (await acting.SendAsync("GET", path)).Code);
            await ToldAsync(rig.Admin, Reviews + "/subjectaccessreviews", $$"""{"spec":{ {{whole}},"resourceAttributes":{{attributes}} } }""", allowed);
            await ToldAsync(rig.Admin, $"{Reviews}/namespaces/{ns}/localsubjectaccessreviews", $$"""{"metadata":{"namespace":"{{ns}}"},"spec":{ {{whole}},"resourceAttributes":{{attributes}} } }""", allowed);
            await ToldAsync(asker, Reviews + "/selfsubjectaccessreviews", $$"""{"spec":{"resourceAttributes":{{attributes}} } }""", allowed);
        }
        // Only who may ask about others is answered.
        await asker.RefusedAsync(403, "Forbidden", "POST", Reviews + "/subjectaccessreviews", $$"""{"spec":{"user":"{{user}}","nonResourceAttributes":{"path":"/","verb":"get"} } }""");
    }

    [Fact]
    public async Task Somebody_is_told_who_he_is_as_whom_he_acts()
    {
        var served = await rig.Admin.GetAsync("/apis/authentication.k8s.io/v1");
        Assert.Contains(served.Items("resources"), r => r.Text("name") == "selfsubjectreviews" && r.At("verbs")!.ToJsonString() == """["create"]""");
        const string Path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        using var jane = rig.As("jane-doe", ("Impersonate-Uid", "uniq-id"), ("Impersonate-Group", "developers"), ("Impersonate-Extra-known-languages", "python"));
        Assert.Equal("""{"username":"jane-doe","uid":"uniq-id","groups":["developers","system:authenticated"],"extra":{"known-languages":["python"]}}""", (await jane.CreateAsync(Path, "{}")).At("status", "userInfo")!.ToJsonString());
        using var nobody = rig.Client();
        await nobody.RefusedAsync(403, "Forbidden", "POST", Path, "{}");
    }

    [KubectlFact]
    public async Task Groups_are_told_as_they_were_asked_for()
    {
        string told = await rig.Kubectl.RunAsync("", "auth", "whoami", "-o", "json", "--as", "jane-doe", "--as-uid", "uniq-id", "--as-group", "system:authenticated", "--as-group", "developers");
        Assert.Equal("""{"username":"jane-doe","uid":"uniq-id","groups":["system:authenticated","developers"]}""", JsonNode.Parse(told).At("status", "userInfo")!.ToJsonString());
    }

    static async Task ToldAsync(Wire by, string path, string review, bool allowed)
    {
        var told = await by.SendAsync("POST", path, review);
        Assert.True(told.Code == 201, told.Body);
        Assert.Equal(allowed ? "true" : "false", told.Json.Text("status", "allowed"));
        Assert.Equal("", told.Json.Text("status", "evaluationError"));
    }
}
