using Hanbae.Api.Rest;
using Hanbae.Server.Audit;
using Hanbae.Server.InProcess;

namespace Hanbae.Server.Tests.Audit;

public sealed class AuditPolicyTests
{
    static AuditTerms Of(string rules, string method, string path, string user = "jane", params string[] groups)
    {
        var request = InProcessContext.Of(new() { Method = method, Path = path, Identity = new(user, [.. groups]) }, CancellationToken.None);
        return AuditPolicy.Parse("apiVersion: audit.k8s.io/v1\nkind: Policy\n" + rules).Of(request);
    }

    [Fact]
    public void The_first_rule_that_matches_counts_and_what_none_matches_is_not_written()
    {
        const string rules = """
            omitStages: [RequestReceived]
            omitManagedFields: true
            rules:
            - level: None
              users: ["system:kube-proxy"]
              verbs: ["watch"]
              resources:
              - group: ""
                resources: ["endpoints", "services"]
            - level: RequestResponse
              userGroups: ["admins"]
              omitStages: [ResponseStarted]
              omitManagedFields: false
            - level: Metadata
              resources:
              - group: ""
                resources: ["secrets"]
              - group: apps
            - level: Request
              namespaces: ["kube-system"]
            - level: None
              nonResourceURLs: ["/healthz*", "/version"]
            - level: Metadata
              nonResourceURLs: ["*"]
            """;
        Assert.Equal(AuditLevel.None, Of(rules, "GET", "/api/v1/watch/services", "system:kube-proxy").Level);
        Assert.Equal(new AuditTerms(AuditLevel.RequestResponse, AuditStages.RequestReceived | AuditStages.ResponseStarted, false), Of(rules, "GET", "/api/v1/pods", "a", "admins"));
        Assert.Equal(new AuditTerms(AuditLevel.Metadata, AuditStages.RequestReceived, true), Of(rules, "GET", "/api/v1/namespaces/kube-system/secrets/x"));
        Assert.Equal(AuditLevel.Metadata, Of(rules, "GET", "/apis/apps/v1/namespaces/a/deployments/d/scale").Level);
        Assert.Equal(AuditLevel.Request, Of(rules, "GET", "/api/v1/namespaces/kube-system/pods").Level);
        Assert.Equal(AuditLevel.None, Of(rules, "GET", "/api/v1/namespaces/default/pods").Level);
        Assert.Equal(AuditLevel.None, Of(rules, "GET", "/healthz/etcd").Level);
        Assert.Equal(AuditLevel.None, Of(rules, "GET", "/version").Level);
        Assert.Equal(AuditLevel.Metadata, Of(rules, "GET", "/version/x").Level);
    }

    [Theory]
    [InlineData("pods", "/api/v1/namespaces/a/pods/x", true)]
    [InlineData("pods", "/api/v1/namespaces/a/pods/x/log", false)]
    [InlineData("pods/log", "/api/v1/namespaces/a/pods/x/log", true)]
    [InlineData("pods/*", "/api/v1/namespaces/a/pods/x/log", true)]
    [InlineData("pods/*", "/api/v1/namespaces/a/pods/x", false)]
    [InlineData("*/log", "/api/v1/namespaces/a/pods/x/log", true)]
    [InlineData("*/log", "/api/v1/namespaces/a/pods/x/status", false)]
    [InlineData("*", "/api/v1/namespaces/a/pods/x/status", true)]
    [InlineData("*", "/apis/apps/v1/namespaces/a/deployments/x", false)]
    public void Resources_and_their_subresources_are_told_apart(string pattern, string path, bool matches) =>
        Assert.Equal(matches, Of($"rules: [{{level: Metadata, resources: [{{group: '', resources: ['{pattern}']}}]}}]", "GET", path).Level == AuditLevel.Metadata);

    [Fact]
    public void Names_are_of_resources_that_are_named()
    {
        const string rules = "rules: [{level: Metadata, resources: [{group: '', resources: [configmaps], resourceNames: [leader]}]}]";
        Assert.Equal(AuditLevel.Metadata, Of(rules, "GET", "/api/v1/namespaces/a/configmaps/leader").Level);
        Assert.Equal(AuditLevel.None, Of(rules, "GET", "/api/v1/namespaces/a/configmaps/other").Level);
        Assert.Equal(AuditLevel.None, Of(rules, "GET", "/api/v1/namespaces/a/configmaps").Level);
    }

    [Theory]
    [InlineData("kind: Policy", "want Policy of audit.k8s.io/v1")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy", "0 rules")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: All}]", "rules[0].level: Unsupported value: \"All\"")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, omitStages: [Done]}]", "rules[0].omitStages: Unsupported value: \"Done\"")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, user: x}]", "unknown field \"rules[0].user\"")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, nonResourceURLs: ['/a'], namespaces: [x]}]", "cannot apply to both")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, nonResourceURLs: ['a']}]", "must begin with a '/'")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, resources: [{group: 'apps/v1'}]}]", "resources[0].group")]
    [InlineData("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, resources: [{group: '', resourceNames: [x]}]}]", "requires at least one resource")]
    [InlineData("rules: [", "failed decoding")]
    public void A_wrong_policy_says_what_is_wrong(string text, string says) => Assert.Contains(says, Assert.Throws<FormatException>(() => AuditPolicy.Parse(text)).Message);
}
