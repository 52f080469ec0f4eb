using System.Text;
using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Auth;

[Collection(ControlPlaneRig.Name)]
public sealed class ServiceAccountTests(ControlPlaneRig rig)
{
    const string TokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

    [Fact]
    [Trait("Conformance", "[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount [Conformance]")]
    [Trait("Conformance", "[sig-auth] ServiceAccounts should update a ServiceAccount [Conformance]")]
    public Task A_ServiceAccount_lives_its_whole_life() =>
        new ApiWalk(rig, "v1", "serviceaccounts", """{"kind":"ServiceAccount","automountServiceAccountToken":false}""", """{"automountServiceAccountToken":true}""").WalkAsync();

    [Fact]
    public async Task No_Secret_is_made_for_an_account_that_did_not_ask_for_one()
    {
        string root = $"/api/v1/namespaces/{await rig.NamespaceAsync()}";
        // One that asks is served; whoever would make others of his own has had the same time.
        await rig.Admin.CreateAsync(root + "/secrets", """{"metadata":{"name":"asked","annotations":{"kubernetes.io/service-account.name":"default"}},"type":"kubernetes.io/service-account-token"}""");
        await rig.Admin.UntilAsync(root + "/secrets", "asked", s => s.Text("data", "token").Length > 0);
        Assert.Equal("asked", Assert.Single(await rig.Admin.ListAsync(root + "/secrets")).Name());
        Assert.Empty((await rig.Admin.GetAsync(root + "/serviceaccounts/default")).Items("secrets"));
    }

    [Fact]
    [Trait("Conformance", "[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace [Conformance]")]
    public async Task Every_namespace_has_the_authority_and_keeps_it()
    {
        string maps = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/configmaps", path = maps + "/kube-root-ca.crt";
        var first = await rig.Admin.GetAsync(path);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----", first.Text("data", "ca.crt"));
        await rig.Admin.DeleteAsync(path);
        await rig.Admin.UntilAsync(maps, all => all.Any(m => m.Name() == "kube-root-ca.crt" && m.Uid() != first.Uid()));
        await rig.Admin.ChangeAsync(path, now => now.With("""{"data":{"ca.crt":"other"}}"""));
        await rig.Admin.UntilAsync(maps, "kube-root-ca.crt", m => m.Text("data", "ca.crt") == first.Text("data", "ca.crt") && m.At("data")!.AsObject().Count == 1);
    }

    [Fact]
    [Trait("Conformance", "[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview [Conformance]")]
    public async Task A_token_is_made_for_an_account_and_reviewed()
    {
        string ns = await rig.NamespaceAsync(), accounts = $"/api/v1/namespaces/{ns}/serviceaccounts";
        var account = await rig.Admin.CreateAsync(accounts, """{"metadata":{"name":"reviewed"}}""");
        var made = await rig.Admin.CreateAsync(accounts + "/reviewed/token", """{"spec":{}}""");
        string token = made.Text("status", "token");
        Assert.Equal(("TokenRequest", "authentication.k8s.io/v1"), (made.Text("kind"), made.Text("apiVersion")));
        Assert.True(DateTimeOffset.Parse(made.Text("status", "expirationTimestamp")) > DateTimeOffset.UtcNow);
        Assert.Equal($"system:serviceaccount:{ns}:reviewed", Payload(token).Text("sub"));

        var review = await rig.Admin.CreateAsync("/apis/authentication.k8s.io/v1/tokenreviews", $$"""{"metadata":{"name":"review"},"spec":{"token":"{{token}}"} }""");
        Assert.Equal(("true", ""), (review.Text("status", "authenticated"), review.Text("status", "error")));
        Assert.Equal($"system:serviceaccount:{ns}:reviewed", review.Text("status", "user", "username"));
        Assert.Equal(account.Uid(), review.Text("status", "user", "uid"));
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"], review.At("status", "user", "groups")!.AsArray().Select(g => g!.ToString()));
        Assert.Equal(made.At("spec", "audiences")!.ToJsonString(), review.At("status", "audiences")!.ToJsonString());
        var other = await rig.Admin.CreateAsync("/apis/authentication.k8s.io/v1/tokenreviews", """{"spec":{"token":"none"}}""");
        Assert.NotEqual("true", other.Text("status", "authenticated"));
        // It is whom it says to the server, too.
        using var client = rig.Client(token: token);
        var self = await client.CreateAsync("/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
        Assert.Equal($"system:serviceaccount:{ns}:reviewed", self.Text("status", "userInfo", "username"));
    }

    static JsonNode Payload(string token)
    {
        string part = token.Split('.')[1].Replace('-', '+').Replace('_', '/');
        return JsonNode.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(part.PadRight((part.Length + 3) / 4 * 4, '='))))!;
    }

    [Fact]
    [Trait("Conformance", "[sig-auth] ServiceAccounts should allow opting out of API token automount [Conformance]")]
    public async Task Account_and_Pod_may_opt_out_of_the_mounted_token_and_the_Pod_wins()
    {
        string root = $"/api/v1/namespaces/{await rig.NamespaceAsync()}";
        foreach (var (account, asked) in ((string, string)[])[("mount", "true"), ("nomount", "false"), ("unsaid", "null")])
        {
            await rig.Admin.CreateAsync(root + "/serviceaccounts", $$"""{"metadata":{"name":"{{account}}"},"automountServiceAccountToken":{{asked}} }""");
            foreach (string pod in (string[])["true", "false", "null"])
            {
                string name = $"{account}-{pod}";
                await rig.Admin.CreateAsync(root + "/pods", $$"""{"metadata":{"name":"{{name}}"},"spec":{"serviceAccountName":"{{account}}","automountServiceAccountToken":{{pod}},"restartPolicy":"Never","containers":[{"name":"test","image":"pause"}]} }""");
                var got = await rig.Admin.GetAsync($"{root}/pods/{name}");
                bool mounted = got.Items("spec", "containers", "0", "volumeMounts").Any(m => m.Text("mountPath") == TokenPath);
                Assert.True(mounted == ((pod == "null" ? asked : pod) != "false"), $"{name}: {mounted}");
                Assert.Equal(mounted, got.Items("spec", "volumes").Any(v => v.Items("projected", "sources").Any(s => s.At("serviceAccountToken") is not null)));
            }
        }
    }
}
