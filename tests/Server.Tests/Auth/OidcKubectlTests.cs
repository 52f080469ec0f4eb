using System.Diagnostics;
using Hanbae.Api.Json;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>People log in with kubectl and the token of an issuer: handed over as it is, or fetched by an exec plugin as kubelogin and its like are.</summary>
public sealed class OidcKubectlTests : IAsyncLifetime
{
    readonly TestFolder _folder = new();
    OidcIssuer _issuer = null!;
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _issuer = await OidcIssuer.StartAsync();
        string file = _folder.Write("authn.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n"
            + _issuer.Config("username: {claim: login, prefix: \"\"}\ngroups: {claim: groups, prefix: \"oidc:\"}\nuid: {claim: sub}\nextra: [{key: example.com/team, valueExpression: claims.team}]", "claimValidationRules: [{claim: hd, requiredValue: example.com}]"));
        _server = await StartAsync(o => o with { AuthenticationFile = file }, o => o with
        {
            Table = Hanbae.Server.Tables.TableCatalog.Of, Paths = [.. new DiscoveryHandler(() => [], "localhost:6443", false).Routes, .. new OpenApiHandler(() => []).Routes],
        });
        await _server.BindAsync("people", Group("oidc:devs"), Rule("list,get", "", "pods"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"), Rule("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
            new Api.Rbac.V1.PolicyRule { Verbs = ["get"], NonResourceURLs = ["/api", "/api/*", "/apis", "/apis/*"] });
        await _server.MakeAsync(Pod("p"));
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _issuer.DisposeAsync();
        _folder.Dispose();
    }

    string Token(params (string, JsonValue)[] more) => _issuer.Token([("login", "ann@example.com"), ("hd", "example.com"), ("sub", "u-1"), ("team", "blue"), ("groups", JsonArray.Of("devs")), .. more]);

    async Task<(int Code, string Output, string Error)> KubectlAsync(string kubectl, string user, params string[] arguments)
    {
        string config = _folder.Write($"config-{Guid.NewGuid():N}", $$"""
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "{{_server.Http.Address}}", insecure-skip-tls-verify: true} }]
            contexts: [{name: c, context: {cluster: c, user: me, namespace: default} }]
            current-context: c
            users: [{name: me, user: {{user}}}]
            """);
        using var process = Process.Start(new ProcessStartInfo(kubectl, ["--kubeconfig", config, "--cache-dir", config + ".cache", .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>As an exec plugin says it.</summary>
    string Plugin(string token)
    {
        string said = _folder.Write($"credential-{Guid.NewGuid():N}.json", JsonObject.Of(("apiVersion", "client.authentication.k8s.io/v1"), ("kind", "ExecCredential"), ("status", JsonObject.Of(("token", token)))).ToString());
        return $$"""{exec: {apiVersion: client.authentication.k8s.io/v1, command: cat, args: ["{{said}}"], interactiveMode: Never} }""";
    }

    [Theory]
    [Kubectl("1.27"), Kubectl("1.28"), Kubectl("1.29"), Kubectl("1.30"), Kubectl("1.31"), Kubectl("1.32"), Kubectl("1.33")]
    public async Task A_person_logs_in_with_the_token_of_an_issuer(string kubectl)
    {
        foreach (string user in (string[])[Plugin(Token()), $$"""{token: "{{Token()}}"}"""])
        {
            var pods = await KubectlAsync(kubectl, user, "get", "pods", "-o", "name");
            Assert.True(pods == (0, "pod/p\n", ""), pods.Error);
            var refused = await KubectlAsync(kubectl, user, "get", "secrets");
            Assert.Equal((1, "Error from server (Forbidden): secrets is forbidden: User \"ann@example.com\" cannot list resource \"secrets\" in API group \"\" in the namespace \"default\"\n"), (refused.Code, refused.Error));
            Assert.Equal("yes\n", (await KubectlAsync(kubectl, user, "auth", "can-i", "list", "pods")).Output);
        }
        Assert.Equal("pod/p\n", (await KubectlAsync(kubectl, "{}", "get", "pods", "-o", "name", "--token", Token())).Output);
        if (!kubectl.EndsWith("1.27", StringComparison.Ordinal))
            Assert.Equal("""{"extra":{"example.com/team":["blue"]},"groups":["oidc:devs","system:authenticated"],"uid":"u-1","username":"ann@example.com"}""",
                (await KubectlAsync(kubectl, Plugin(Token()), "auth", "whoami", "-o", "jsonpath={.status.userInfo}")).Output);
        // Expired, for somebody else, not what is asked of its claims, and of nobody's key.
        foreach (string token in (string[])[Token(("exp", DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds())), Token(("aud", "another")), Token(("hd", "example.org")), Token()[..^8] + "AAAAAAAA"])
        {
            var nobody = await KubectlAsync(kubectl, Plugin(token), "get", "pods");
            Assert.Equal(1, nobody.Code);
            Assert.Contains("You must be logged in to the server", nobody.Error);
        }
    }
}
