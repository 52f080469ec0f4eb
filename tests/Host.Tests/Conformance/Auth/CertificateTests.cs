using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Auth;

[Collection(ControlPlaneRig.Name)]
public sealed class CertificateTests(ControlPlaneRig rig)
{
    const string All = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

    static string Request(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256).CreateSigningRequestPem() + "\n"));
    }

    static string Sample => $$"""{"kind":"CertificateSigningRequest","spec":{"request":"{{Request("walker")}}","signerName":"example.com/conformance","expirationSeconds":3600,"usages":["digital signature","key encipherment","client auth"]} }""";

    static string Condition(string type) => $$"""{"type":"{{type}}","status":"True","reason":"Test","message":"Set by a test","lastUpdateTime":"2030-01-01T00:00:00Z","lastTransitionTime":"2030-01-01T00:00:00Z"}""";

    [Fact]
    [Trait("Conformance", "[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations [Conformance]")]
    public async Task A_request_lives_its_whole_life()
    {
        await new ApiWalk(rig, "certificates.k8s.io/v1", "certificatesigningrequests", Sample, """{"metadata":{"labels":{"more":"yes"}}}""")
        {
            Namespaced = false, Alive = true, Status = $$"""{"status":{"conditions":[{{Condition("StatusPatch")}}]} }""",
        }.WalkAsync();

        var made = await rig.Admin.CreateAsync(All, JsonNode.Parse(Sample).With("""{"metadata":{"generateName":"approved-","labels":{"conformance":"approval"}}}""").ToJsonString());
        string path = All + "/" + made.Name();
        Assert.Equal("kubernetes-admin", made.Text("spec", "username"));
        Assert.Contains((await rig.Admin.GetAsync("/apis/certificates.k8s.io/v1")).Items("resources"), r => r.Text("name") == "certificatesigningrequests/approval" && r.At("verbs")!.ToJsonString() == """["get","patch","update"]""");
        Assert.Equal(made.Uid(), (await rig.Admin.GetAsync(path + "/approval")).Uid());
        var patched = await rig.Admin.PatchAsync(path + "/approval", $$"""{"metadata":{"annotations":{"patchedapproval":"true"} },"status":{"conditions":[{{Condition("ApprovalPatch")}}]} }""");
        Assert.Equal(("ApprovalPatch", "true"), (patched.Text("status", "conditions", "0", "type"), patched.Annotation("patchedapproval")));
        var approved = await rig.Admin.ChangeAsync(path + "/approval", now => With(now, "Approved"));
        Assert.Contains(approved.Items("status", "conditions"), c => c.Text("type") == "Approved" && c.Text("reason") == "Test");
        // What is decided stays; and who only writes status decides nothing.
        await rig.Admin.RefusedAsync(422, "Invalid", "PUT", path + "/approval", With(await rig.Admin.GetAsync(path), "Denied").ToJsonString());

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=walker", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        string pem = Convert.ToBase64String(Encoding.UTF8.GetBytes(certificate.ExportCertificatePem() + "\n"));
        var issued = await rig.Admin.PatchAsync(path + "/status", $$"""{"metadata":{"annotations":{"patchedstatus":"true"} },"status":{"certificate":"{{pem}}"} }""");
        Assert.Equal((pem, "true"), (issued.Text("status", "certificate"), issued.Annotation("patchedstatus")));
        var updated = await rig.Admin.ChangeAsync(path + "/status", now => With(now, "StatusUpdate"));
        Assert.Contains(updated.Items("status", "conditions"), c => c.Text("type") == "StatusUpdate");
        Assert.Equal(made.Uid(), (await rig.Admin.GetAsync(path + "/status")).Uid());
        await rig.Admin.DeleteAsync(All + "?labelSelector=conformance%3Dapproval");
        await rig.Admin.GoneAsync(All, made.Name());
    }

    static JsonObject With(JsonObject request, string condition)
    {
        var conditions = request.At("status", "conditions") as JsonArray ?? [];
        return request.With(new JsonObject { ["status"] = new JsonObject { ["conditions"] = new JsonArray([.. conditions.Select(c => c!.DeepClone()), JsonNode.Parse(Condition(condition))]) } }.ToJsonString());
    }
}
