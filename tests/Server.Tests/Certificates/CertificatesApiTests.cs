using Hanbae.Api.Json;

namespace Hanbae.Server.Tests.Certificates;

public sealed class CertificatesApiTests
{
    const string Signer = "example.com/e2e", Path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

    static string Body(string name, string label)
    {
        var csr = SigningRequest.Of(name, Signer, "e2e.example.com");
        return $$"""
            {"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"generateName":"e2e-example-csr-","labels":{"test":"{{label}}"} },
             "spec":{"request":"{{Convert.ToBase64String(csr.Spec.Request.Span)}}","signerName":"{{Signer}}","expirationSeconds":3600,"usages":["digital signature","key encipherment","server auth"]} }
            """;
    }

    static JsonObject Good(TestServer.Answer answer)
    {
        Assert.True(answer.Code is 200 or 201, answer.Body);
        return answer.Json;
    }

    static string Text(JsonValue? value, params string[] path)
    {
        foreach (string step in path) value = (value as JsonObject)?[step];
        return (value as JsonString)?.Value ?? "";
    }

    static string[] Conditions(JsonObject csr) => [.. ((JsonArray)((JsonObject)csr["status"]!)["conditions"]!).Select(c => Text(c, "type"))];

    [Fact]
    [Trait("Conformance", "[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations [Conformance]")]
    public async Task Signing_requests_go_through_all_verbs_and_both_subresources()
    {
        await using var server = await TestServer.StartAsync(o => o with { Paths = [.. new Hanbae.Server.Discovery.DiscoveryHandler(() => [], "10.0.0.1:6443").Routes] });

        // Discovery: the group, the version, the resource and its subresources.
        var groups = Good(await server.GetAsync("/apis"));
        Assert.Contains("certificates.k8s.io", ((JsonArray)groups["groups"]!).Select(g => Text(g, "name")));
        Assert.Equal("certificates.k8s.io/v1", Text(((JsonArray)Good(await server.GetAsync("/apis/certificates.k8s.io"))["versions"]!)[0], "groupVersion"));
        string[] resources = [.. ((JsonArray)Good(await server.GetAsync("/apis/certificates.k8s.io/v1"))["resources"]!).Select(r => Text(r, "name"))];
        Assert.Superset(new HashSet<string>(["certificatesigningrequests", "certificatesigningrequests/approval", "certificatesigningrequests/status"]), resources.ToHashSet());

        // Creating, getting, listing, watching.
        string first = Text(Good(await server.PostAsync(Path, Body("a", "one"))), "metadata", "name");
        await server.PostAsync(Path, Body("b", "one"));
        await server.PostAsync(Path, Body("c", "one"));
        await server.PostAsync(Path, Body("d", "another"));
        var got = Good(await server.GetAsync($"{Path}/{first}"));
        Assert.Equal((first, Signer), (Text(got, "metadata", "name"), Text(got, "spec", "signerName")));
        var list = Good(await server.GetAsync(Path + "?labelSelector=test%3Done"));
        Assert.Equal(3, ((JsonArray)list["items"]!).Count);
        Assert.Equal(4, ((JsonArray)Good(await server.GetAsync($"{Path}?fieldSelector=spec.signerName%3D{Signer}"))["items"]!).Count);
        string since = Text(list, "metadata", "resourceVersion");

        // Patching and updating.
        string merge = "application/merge-patch+json";
        var patched = Good(await server.SendAsync("PATCH", $"{Path}/{first}", """{"metadata":{"annotations":{"patched":"true"}}}""", merge));
        Assert.Equal("true", Text(patched, "metadata", "annotations", "patched"));
        var meta = (JsonObject)patched["metadata"]!;
        var updated = Good(await server.SendAsync("PUT", $"{Path}/{first}", patched.With("metadata", meta.With("annotations", ((JsonObject)meta["annotations"]!).With("updated", new JsonString("true")))).ToString()));
        Assert.Equal("true", Text(updated, "metadata", "annotations", "updated"));

        // Who watches from where the list was sees both.
        using var watching = await server.Http.GetAsync($"{Path}?watch=1&resourceVersion={since}&labelSelector=test%3Done&timeoutSeconds=300", HttpCompletionOption.ResponseHeadersRead);
        using var events = new StreamReader(await watching.Content.ReadAsStreamAsync());
        foreach (string annotation in (string[])["patched", "updated"])
        {
            var seen = (JsonObject)JsonValue.Parse((await events.ReadLineAsync())!);
            Assert.Equal(("MODIFIED", "true"), (Text(seen, "type"), Text(seen["object"], "metadata", "annotations", annotation)));
        }

        // The approval.
        Assert.Equal(first, Text(Good(await server.GetAsync($"{Path}/{first}/approval")), "metadata", "name"));
        var approved = Good(await server.SendAsync("PATCH", $"{Path}/{first}/approval",
            """{"metadata":{"annotations":{"patchedapproval":"true"}},"status":{"conditions":[{"type":"ApprovalPatch","status":"True","reason":"e2e"}]}}""", merge));
        Assert.Equal("true", Text(approved, "metadata", "annotations", "patchedapproval"));
        Assert.Equal(["ApprovalPatch"], Conditions(approved));
        approved = Good(await server.SendAsync("PUT", $"{Path}/{first}/approval", With(approved, "ApprovalUpdate").ToString()));
        Assert.Equal(["ApprovalPatch", "ApprovalUpdate"], Conditions(approved));

        // The status, with a certificate.
        Assert.Equal(first, Text(Good(await server.GetAsync($"{Path}/{first}/status")), "metadata", "name"));
        string certificate = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(CertificateAdmissionTests.Pem()));
        var issued = Good(await server.SendAsync("PATCH", $"{Path}/{first}/status", $$"""{"metadata":{"annotations":{"patchedstatus":"true"} },"status":{"certificate":"{{certificate}}"} }""", merge));
        Assert.Equal(("true", certificate), (Text(issued, "metadata", "annotations", "patchedstatus"), Text(issued, "status", "certificate")));
        issued = Good(await server.SendAsync("PUT", $"{Path}/{first}/status", With(issued, "StatusUpdate").ToString()));
        Assert.Contains("StatusUpdate", Conditions(issued));

        // Deleting, one and all.
        Good(await server.SendAsync("DELETE", $"{Path}/{first}"));
        Assert.Equal(404, (await server.GetAsync($"{Path}/{first}")).Code);
        Assert.Equal(2, ((JsonArray)Good(await server.GetAsync(Path + "?labelSelector=test%3Done"))["items"]!).Count);
        Good(await server.SendAsync("DELETE", Path + "?labelSelector=test%3Done"));
        Assert.Empty((JsonArray)Good(await server.GetAsync(Path + "?labelSelector=test%3Done"))["items"]!);
        Assert.Single((JsonArray)Good(await server.GetAsync(Path))["items"]!);
    }

    static JsonObject With(JsonObject csr, string condition)
    {
        var status = (JsonObject)csr["status"]!;
        var conditions = (JsonArray)status["conditions"]!;
        var one = JsonObject.Of(("type", new JsonString(condition)), ("status", new JsonString("True")), ("reason", new JsonString("E2E")), ("message", new JsonString("Set from an e2e test")));
        return csr.With("status", status.With("conditions", conditions.Insert(conditions.Count, one)));
    }

    [Theory]
    [Kubectl("1.27"), Kubectl("1.28"), Kubectl("1.29"), Kubectl("1.30"), Kubectl("1.31"), Kubectl("1.32"), Kubectl("1.33")]
    public async Task Kubectl_approves_and_denies(string kubectl)
    {
        await using var session = await KubectlSession.StartAsync(kubectl);
        foreach (string name in (string[])["good", "bad"]) await session.RunAsync(Body(name, "x").Replace("\"generateName\":\"e2e-example-csr-\"", $"\"name\":\"{name}\"", StringComparison.Ordinal), "create", "-f", "-");
        Assert.Contains("good approved", await session.RunAsync("", "certificate", "approve", "good"), StringComparison.Ordinal);
        Assert.Contains("bad denied", await session.RunAsync("", "certificate", "deny", "bad"), StringComparison.Ordinal);
        string[] rows = (await session.RunAsync("", "get", "csr", "--no-headers")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["bad Denied", "good Approved"], rows.Select(r => r.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(r => r[0] + " " + r[^1]));
        Assert.Equal("KubectlApprove True", await session.RunAsync("", "get", "csr", "good", "-o", "jsonpath={.status.conditions[0].reason} {.status.conditions[0].status}"));
        // What is decided is not decided the other way.
        var again = await session.TryAsync("", "certificate", "deny", "good");
        Assert.NotEqual(0, again.Code);
        Assert.Contains("already Approved", again.Error, StringComparison.Ordinal);
    }
}
