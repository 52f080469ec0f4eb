using System.Collections.Concurrent;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Configuration;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Which authorizers are asked, by a file; and what a webhook among them hears and says.</summary>
public sealed class AuthorizationConfigurationTests : IAsyncLifetime
{
    const string Head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n";
    static readonly Identity s_ann = new("ann", ["devs", "system:authenticated"]) { Uid = "u1" };

    readonly TestFolder _folder = new();
    readonly ConcurrentQueue<JsonObject> _asked = new();
    Func<JsonObject, JsonObject?> _says = _ => JsonObject.Of(("allowed", true));
    HttpsServer _hook = null!;

    public async Task InitializeAsync() => _hook = await HttpsServer.StartAsync((_, body) =>
    {
        var review = (JsonObject)JsonValue.Parse(body);
        _asked.Enqueue(review);
        return _says((JsonObject)review["spec"]!) is { } status ? review.With("status", status) : null;
    });

    public async Task DisposeAsync()
    {
        await _hook.DisposeAsync();
        _folder.Dispose();
    }

    string Webhook(string name = "hook", string policy = "NoOpinion", string more = "", string version = "v1") => $"""
        - type: Webhook
          name: {name}
          webhook:
            timeout: 5s
            authorizedTTL: 1m
            unauthorizedTTL: 30s
            subjectAccessReviewVersion: {version}
            matchConditionSubjectAccessReviewVersion: v1
            failurePolicy: {policy}
            connectionInfo: {"{"}type: KubeConfigFile, kubeConfigFile: {_folder.Write("hook.yaml", _hook.Kubeconfig("/authorize", "{token: t0ken}"))}{"}"}
        {more}
        """;

    async Task<SecureServer> StartWith(string authorizers)
    {
        string file = _folder.Write("authz.yaml", Head + authorizers + "\n");
        return await StartAsync(o => o with { AuthorizationFile = file });
    }

    static Task<ApiResult> ListAsync(SecureServer server, Identity user, params (string, string)[] query) => server.CallAsync(user, "GET", "/api/v1/namespaces/default/pods", null, query);

    [Fact]
    public async Task A_webhook_hears_who_wants_what_and_its_word_is_kept_for_a_while()
    {
        await using var server = await StartWith(Webhook());

        Assert.Equal(200, (await ListAsync(server, s_ann, ("fieldSelector", "spec.nodeName=n1"), ("labelSelector", "app in (a,b),!old"))).Code);

        Assert.True(_asked.TryDequeue(out var review));
        Assert.Equal("{\"resourceAttributes\":{\"namespace\":\"default\",\"verb\":\"list\",\"version\":\"v1\",\"resource\":\"pods\",\"fieldSelector\":{\"requirements\":[{\"key\":\"spec.nodeName\",\"operator\":\"In\",\"values\":[\"n1\"]}]},"
            + "\"labelSelector\":{\"requirements\":[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"a\",\"b\"]},{\"key\":\"old\",\"operator\":\"DoesNotExist\"}]}},\"user\":\"ann\",\"groups\":[\"devs\",\"system:authenticated\"],\"uid\":\"u1\"}", review["spec"]!.ToString());
        await ListAsync(server, s_ann, ("fieldSelector", "spec.nodeName=n1"), ("labelSelector", "app in (a,b),!old"));
        Assert.Empty(_asked);
        server.Clock.Now += TimeSpan.FromSeconds(61);
        await ListAsync(server, s_ann, ("fieldSelector", "spec.nodeName=n1"), ("labelSelector", "app in (a,b),!old"));
        Assert.Single(_asked);
    }

    [Fact]
    public async Task A_no_ends_it_and_no_opinion_leaves_it_to_the_next()
    {
        await using var server = await StartWith(Webhook() + "\n- {type: RBAC, name: rbac}");
        await server.BindAsync("pods", User("ann"), Rule("list", "", "pods"));

        _says = _ => JsonObject.Of(("allowed", false), ("reason", "who knows"));
        Assert.Equal(200, (await ListAsync(server, s_ann)).Code);
        Assert.Equal("pods is forbidden: User \"eve\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\": who knows", Message(await ListAsync(server, new("eve", []))));
        server.Clock.Now += TimeSpan.FromSeconds(31);
        _says = _ => JsonObject.Of(("allowed", false), ("denied", true), ("reason", "never"));
        Assert.Equal(403, (await ListAsync(server, s_ann)).Code);
    }

    [Theory]
    [InlineData("NoOpinion", 200)]
    [InlineData("Deny", 500)]
    public async Task When_a_webhook_fails_its_policy_decides(string policy, int code)
    {
        _says = _ => null;
        await using var server = await StartWith(Webhook(policy: policy) + "\n- {type: RBAC, name: rbac}");
        await server.BindAsync("pods", User("ann"), Rule("list", "", "pods"));

        Assert.Equal(code, (await ListAsync(server, s_ann)).Code);
        // Whom nobody allows is told that somebody could not say.
        Assert.Equal(500, (await ListAsync(server, new("eve", []))).Code);
        Assert.Contains("webhook authorizer hook", Message(await ListAsync(server, new("eve", []))));
        // Masters can always repair the cluster.
        Assert.Equal(200, (await ListAsync(server, Admin)).Code);
    }

    [Fact]
    public async Task Only_what_the_conditions_match_is_asked_about()
    {
        await using var server = await StartWith(Webhook(more: "    matchConditions:\n    - expression: has(request.resourceAttributes)\n    - expression: request.resourceAttributes.namespace == 'default'\n    - expression: \"!('devs' in request.groups)\"") + "\n- {type: RBAC, name: rbac}");
        _says = _ => JsonObject.Of(("allowed", true));

        Assert.Equal(403, (await ListAsync(server, s_ann)).Code);
        Assert.Equal(200, (await ListAsync(server, new("eve", []))).Code);
        Assert.Equal(403, (await server.CallAsync(new("eve", []), "GET", "/api/v1/namespaces/kube-system/pods")).Code);
        Assert.Equal(403, (await server.CallAsync(new("eve", []), "GET", "/metrics")).Code);
        Assert.Single(_asked);
    }

    [Fact]
    [Trait("Attack", "CEL cost bombs")]
    public async Task A_condition_that_costs_too_much_is_as_the_policy_says()
    {
        const string Bomb = "    matchConditions:\n    - expression: \"request.groups.all(a, request.groups.all(b, request.groups.all(c, a + b + c != '')))\"";
        await using var server = await StartWith(Webhook(policy: "Deny", more: Bomb));

        var bomber = new Identity("ann", [.. Enumerable.Range(0, 500).Select(i => "group-" + i)]);

        Assert.Equal(500, (await ListAsync(server, bomber)).Code);
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task Reviews_show_what_the_webhook_said()
    {
        await using var server = await StartWith(Webhook(version: "v1beta1"));
        _says = spec => ((JsonString)spec["user"]!).Value == "eve" ? JsonObject.Of(("allowed", false), ("denied", true), ("reason", "never")) : JsonObject.Of(("allowed", true), ("reason", "always"));
        async Task<SubjectAccessReviewStatus> Review(string user) => ((SubjectAccessReview)Good(await server.CreateAsync(Admin, new SubjectAccessReview { Spec = new() { User = user, Groups = ["g"], NonResourceAttributes = new() { Verb = "get", Path = "/x" } } })).Object!).Status;

        Assert.Equal(new() { Allowed = true, Reason = "always" }, await Review("ann"));
        Assert.Equal(new() { Denied = true, Reason = "never" }, await Review("eve"));
        Assert.Equal("[\"g\"]", ((JsonObject)_asked.Last()["spec"]!)["group"]!.ToString());
        var list = (SelfSubjectRulesReview)Good(await server.CreateAsync(s_ann, new SelfSubjectRulesReview { Spec = new() { Namespace = "default" } })).Object!;
        Assert.Equal("webhook authorizer does not support user rule resolution", list.Status.EvaluationError);
    }

    [Fact]
    public async Task A_webhook_that_comes_back_to_this_server_ends()
    {
        // Its question arrives here as a question of its own, which is the webhook's to answer, and so on.
        SecureServer? server = null;
        _says = _ =>
        {
            var review = new SubjectAccessReview { Spec = new() { User = "ann", ResourceAttributes = new() { Verb = "list", Resource = "pods", Namespace = "default", Version = "v1" } } };
            var answer = server!.CallAsync(new("hook", []), "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review).GetAwaiter().GetResult();
            return JsonObject.Of(("allowed", answer.Code < 300));
        };
        await using (server = await StartWith(Webhook(policy: "Deny").Replace("timeout: 5s", "timeout: 1s")))
        {
            Assert.Equal(500, (await ListAsync(server, new("ann", []))).Code);
            Assert.InRange(_asked.Count, 1, 6);
        }
    }

    [Fact]
    public async Task The_file_is_taken_over_when_it_changes()
    {
        await using var server = await StartWith("- {type: AlwaysDeny, name: never}");
        Assert.Equal(403, (await ListAsync(server, s_ann)).Code);

        _folder.Write("authz.yaml", Head + "- {type: AlwaysAllow, name: allow-all}\n");
        Assert.True(server.Security.Reload());
        Assert.Equal(200, (await ListAsync(server, s_ann)).Code);
        _folder.Write("authz.yaml", Head + "- {type: Nonsense, name: never}\n");
        Assert.False(server.Security.Reload());
        Assert.Equal(200, (await ListAsync(server, s_ann)).Code);
    }

    [Theory]
    [InlineData("[]", "authorizers: Required value: at least one authorization mode must be defined")]
    [InlineData("[{name: a}]", "authorizers[0].type: Required value")]
    [InlineData("[{type: Nope, name: a}]", "authorizers[0].type: Unsupported value: \"Nope\": supported values: \"AlwaysAllow\", \"AlwaysDeny\", \"Node\", \"RBAC\", \"Webhook\"")]
    [InlineData("[{type: RBAC, name: a}, {type: RBAC, name: b}]", "authorizers[1].type: Duplicate value: \"RBAC\"")]
    [InlineData("[{type: RBAC}]", "authorizers[0].name: Required value")]
    [InlineData("[{type: RBAC, name: a}, {type: Node, name: a}]", "authorizers[1].name: Duplicate value: \"a\"")]
    [InlineData("[{type: Webhook, name: a}]", "authorizers[0].webhook: Required value: required when type=Webhook")]
    [InlineData("[{type: RBAC, name: a, webhook: {}}]", "authorizers[0].webhook: Invalid value: \"non-null\": may only be specified when type=Webhook")]
    [InlineData("[{type: Webhook, name: a, webhook: {timeout: 31s, subjectAccessReviewVersion: v2, matchConditionSubjectAccessReviewVersion: v1, failurePolicy: No, connectionInfo: {type: KubeConfigFile, kubeConfigFile: x}}}]",
        "[authorizers[0].webhook.timeout: Invalid value: \"31s\": must be > 0s and <= 30s, authorizers[0].webhook.subjectAccessReviewVersion: Unsupported value: \"v2\": supported values: \"v1\", \"v1beta1\", authorizers[0].webhook.failurePolicy: Unsupported value: \"No\": supported values: \"NoOpinion\", \"Deny\", authorizers[0].webhook.connectionInfo.kubeConfigFile: Invalid value: \"x\": must be an absolute path]")]
    public void The_file_is_checked(string authorizers, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => AuthorizationConfiguration.Parse(Head.Replace("authorizers:\n", "authorizers: " + authorizers.Replace("No,", "'No',") + "\n"))).Message);
}
