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

    [Fact]
    public async Task Who_is_issued_a_certificate_is_known_by_it()
    {
        const string Roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles", Name = "tester-csr";
        using var key = RSA.Create(2048);
        string request = Convert.ToBase64String(Encoding.UTF8.GetBytes(new CertificateRequest("CN=" + Name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem() + "\n"));
        string template = $$"""{"metadata":{"generateName":"{{Name}}-"},"spec":{"request":"{{request}}","signerName":"kubernetes.io/kube-apiserver-client","expirationSeconds":3600,"usages":["digital signature","key encipherment","client auth"]} }""";
        var role = await rig.Admin.CreateAsync(Roles, $$"""{"metadata":{"generateName":"{{Name}}-"},"rules":[{"verbs":["create"],"apiGroups":["certificates.k8s.io"],"resources":["certificatesigningrequests"]}]}""");
        var binding = await rig.Admin.CreateAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            $$"""{"metadata":{"generateName":"{{Name}}-"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{{role.Name()}}"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"{{Name}}"}]}""");
        var made = await rig.Admin.CreateAsync(All, template);
        string again = "";
        try
        {
            Assert.StartsWith(Name + "-", made.Name());
            await rig.Admin.ChangeAsync($"{All}/{made.Name()}/approval", now => now.With("""{"status":{"conditions":[{"type":"Approved","status":"True","reason":"E2E","message":"Set by a test"}]}}"""), All + "/" + made.Name());
            var signed = await rig.Admin.UntilAsync(All, made.Name(), c => c.Text("status", "certificate").Length > 0);
            // The server says since when it is approved, where nobody did.
            Assert.All((string[])["lastUpdateTime", "lastTransitionTime"], field => Assert.True(DateTimeOffset.TryParse(signed.Text("status", "conditions", "0", field), out _)));
            string pem = Encoding.UTF8.GetString(Convert.FromBase64String(signed.Text("status", "certificate")));
            Assert.Single(pem.Split("-----BEGIN CERTIFICATE-----"), part => part.Contains("END", StringComparison.Ordinal));
            using var certificate = X509Certificate2.CreateFromPem(pem);
            Assert.InRange(certificate.NotAfter - certificate.NotBefore, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(65));
            using var mine = certificate.CopyWithPrivateKey(key);
            using var client = rig.Client(X509CertificateLoader.LoadPkcs12(mine.Export(X509ContentType.Pkcs12), null));
            await Wire.EventuallyAsync(async () =>
            {
                var answer = await client.SendAsync("POST", All, template);
                if (answer.Code == 201) again = answer.Json.Name();
                return answer.Code == 201;
            });
            Assert.Equal((Name, "system:authenticated"), ((await rig.Admin.GetAsync(All + "/" + again)).Text("spec", "username"), (await rig.Admin.GetAsync(All + "/" + again)).Text("spec", "groups", "0")));
            await client.RefusedAsync(403, "Forbidden", "GET", All);
        }
        finally
        {
            foreach (string path in (string[])[$"{Roles}/{role.Name()}", $"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{binding.Name()}", $"{All}/{made.Name()}", $"{All}/{again}"])
                if (!path.EndsWith('/')) await rig.Admin.DeleteAsync(path);
        }
    }

    [Fact]
    public async Task Requests_are_listed_by_their_signer()
    {
        string signer = "example.com/listed-" + Guid.NewGuid().ToString("N")[..8];
        var made = new List<string>();
        for (int i = 0; i < 3; i++) made.Add((await rig.Admin.CreateAsync(All, JsonNode.Parse(Sample).With($$"""{"metadata":{"generateName":"listed-"},"spec":{"signerName":"{{signer}}"} }""").ToJsonString())).Name());
        string selected = All + "?fieldSelector=spec.signerName%3D" + Uri.EscapeDataString(signer);
        Assert.Equal(made.Order(StringComparer.Ordinal), (await rig.Admin.ListAsync(selected)).Select(c => c.Name()));
        await rig.Admin.DeleteAsync(selected);
        Assert.Empty(await rig.Admin.ListAsync(selected));
    }

    static JsonObject With(JsonObject request, string condition)
    {
        var conditions = request.At("status", "conditions") as JsonArray ?? [];
        return request.With(new JsonObject { ["status"] = new JsonObject { ["conditions"] = new JsonArray([.. conditions.Select(c => c!.DeepClone()), JsonNode.Parse(Condition(condition))]) } }.ToJsonString());
    }
}
