namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Who may do what, what is asked before it is done, and whose turn it is.</summary>
public sealed class AccessRulesTests
{
    static string Rule(string more) => Samples.ClusterMeta + ",\"rules\":[{\"verbs\":[\"get\"]" + more + "}]";

    [Theory]
    [InlineData(",\"nonResourceURLs\":[\"/a\"]", "")]
    [InlineData(",\"nonResourceURLs\":[\"/a\"],\"resources\":[\"pods\"]", "rules[0].nonResourceURLs: Invalid value: [\"/a\"]: rules cannot apply to both regular resources and non-resource URLs")]
    [InlineData("", "rules[0].apiGroups: Required value: resource rules must supply at least one api group|rules[0].resources: Required value: resource rules must supply at least one resource")]
    [InlineData(",\"apiGroups\":[\"\"],\"resources\":[\"a\",\"b\"],\"resourceNames\":[\"c\"]", "")]
    public void A_role_is_about_resources_or_paths(string more, string messages) => Samples.Create("rbac.authorization.k8s.io/v1 ClusterRole", Rule(more), messages);

    static string Binding(string subject, string role = "ClusterRole") => "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"" + role + "\",\"name\":\"r\"},\"subjects\":[" + subject + "]";

    [Theory]
    [InlineData("{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"\"}", "subjects[0].name: Required value|subjects[0].name: Invalid value: \"\": user name cannot be empty")]
    [InlineData("{\"kind\":\"Group\",\"apiGroup\":\"x\",\"name\":\"\"}", "subjects[0].name: Required value|subjects[0].name: Invalid value: \"\": group name cannot be empty|subjects[0].apiGroup: Unsupported value: \"x\": supported values: \"rbac.authorization.k8s.io\"")]
    [InlineData("{\"kind\":\"ServiceAccount\",\"apiGroup\":\"x\",\"name\":\"a\",\"namespace\":\"n\"}", "subjects[0].apiGroup: Unsupported value: \"x\": supported values: \"\"")]
    [InlineData("{\"kind\":\"Robot\",\"name\":\"a\"}", "subjects[0].kind: Unsupported value: \"Robot\": supported values: \"ServiceAccount\", \"User\", \"Group\"")]
    public void A_binding_names_somebody(string subject, string messages) => Samples.Create("rbac.authorization.k8s.io/v1 RoleBinding", Binding(subject), messages);

    [Fact]
    public void A_binding_keeps_its_role() => Samples.Change("rbac.authorization.k8s.io/v1 RoleBinding", Binding(""), Binding("{\"kind\":\"Robot\",\"name\":\"a\"}", "Role"),
        "subjects[0].kind: Unsupported value: \"Robot\": supported values: \"ServiceAccount\", \"User\", \"Group\"|roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"r\"}: cannot change roleRef");

    const string Everybody = "\"subjects\":[{\"kind\":\"Group\",\"group\":{\"name\":\"g\"}}]", Paths = "\"nonResourceRules\":[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/a\"]}]";
    static string Schema(string subjects, string rules) => Samples.ClusterMeta + ",\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"l\"},\"rules\":[{" + subjects + "," + rules + "}]}";
    static string Url(string url) => "\"nonResourceRules\":[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"" + url + "\"]}]";
    const string AtUrl = "spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: ";

    [Fact]
    public void A_flow_schemas_urls_are_paths_with_a_star_at_the_end_at_most()
    {
        foreach (var (url, wrong) in (ReadOnlySpan<(string, string)>)[("/", ""), ("/a/*", ""), ("", "\"\": must not be empty"), ("a", "\"a\": must start with slash"), ("/a b", "\"/a b\": must not contain white-space"),
            ("/a//b", "\"/a//b\": must not contain double slash"), ("/a*", "\"/a*\": wildcard can only do suffix matching"), ("/*/a", "\"/*/a\": wildcard can only do suffix matching")])
            Samples.Create("flowcontrol.apiserver.k8s.io/v1 FlowSchema", Schema(Everybody, Url(url)), wrong.Length == 0 ? "" : AtUrl + wrong);
    }

    [Theory]
    [InlineData("\"verbs\":[\"fly\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"clusterScope\":true", "verbs: Unsupported value: [\"fly\"]: supported values: \"create\", \"delete\", \"deletecollection\", \"get\", \"list\", \"patch\", \"proxy\", \"update\", \"watch\"")]
    [InlineData("\"verbs\":[\"*\",\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"clusterScope\":true", "verbs: Invalid value: [\"*\",\"get\"]: if '*' is present, must not specify other verbs")]
    [InlineData("\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"namespaces\":[\"a b\"]",
        "namespaces[0]: Invalid value: \"a b\": each member of this list must be '*' or a DNS-1123 label; a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")]
    public void A_flow_schemas_rules_name_verbs_and_namespaces(string rule, string message) =>
        Samples.Create("flowcontrol.apiserver.k8s.io/v1 FlowSchema", Schema(Everybody, "\"resourceRules\":[{" + rule + "}]"), "spec.rules[0].resourceRules[0]." + message);

    [Fact]
    public void A_flow_schemas_subject_is_one_thing() => Samples.Create("flowcontrol.apiserver.k8s.io/v1 FlowSchema",
        Schema("\"subjects\":[{\"kind\":\"User\",\"user\":{\"name\":\"u\"},\"group\":{\"name\":\"g\"},\"serviceAccount\":{\"namespace\":\"n\",\"name\":\"a\"}}]", Paths),
        "spec.rules[0].subjects[0].serviceAccount: Forbidden: serviceAccount is forbidden when subject kind is not 'ServiceAccount'|spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'");

    [Fact]
    public void A_flows_conditions_are_told_apart() => Samples.Change("flowcontrol.apiserver.k8s.io/v1 FlowSchema", Schema(Everybody, Paths),
        Schema(Everybody, Paths) + ",\"status\":{\"conditions\":[{\"type\":\"A\"},{\"type\":\"A\"},{\"type\":\"\"}]}",
        "status.conditions[1].type: Duplicate value: \"A\"|status.conditions[2].type: Required value: must not be empty", "status");

    [Theory]
    [InlineData("x", "{\"type\":\"Exempt\"}", "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'")]
    [InlineData("exempt", "{\"type\":\"Exempt\",\"exempt\":{\"nominalConcurrencyShares\":-1,\"lendablePercent\":101}}",
        "spec.exempt.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer|spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive")]
    public void Only_one_level_is_exempt(string name, string spec, string messages) =>
        Samples.Create("flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration", "\"metadata\":{\"name\":\"" + name + "\"},\"spec\":" + spec, messages);

    static string Hook(string more, string name = "a.b.c") => Samples.ClusterMeta + ",\"webhooks\":[{\"name\":\"" + name + "\",\"sideEffects\":\"None\",\"admissionReviewVersions\":[\"v1\"]" + more + "}]";
    static string At(string url) => ",\"clientConfig\":{\"url\":\"" + url + "\"}";
    const string Form = "; desired format: https://host[/path]";

    [Theory]
    [InlineData("https://example.com/a", "")]
    [InlineData("http://example.com", "'https' is the only allowed URL scheme")]
    [InlineData("example.com", "")]
    public void A_webhooks_url_is_whole(string url, string wrong) => Samples.Create("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", Hook(At(url)), url == "example.com"
        ? $"webhooks[0].clientConfig.url: Invalid value: \"\": 'https' is the only allowed URL scheme{Form}|webhooks[0].clientConfig.url: Invalid value: \"\": host must be specified{Form}"
        : wrong.Length == 0 ? "" : $"webhooks[0].clientConfig.url: Invalid value: \"http\": {wrong}{Form}");

    [Theory]
    [InlineData("https://u:p@h/a", "Invalid value: \"u:p\": user information is not permitted in the URL")]
    [InlineData("https://h/a#f", "Invalid value: \"f\": fragments are not permitted in the URL")]
    [InlineData("https://h/a?q=1", "Invalid value: \"q=1\": query parameters are not permitted in the URL")]
    [InlineData("1a:b", "Required value: url must be a valid URL: parse \"1a:b\": first path segment in URL cannot contain colon" + Form)]
    [InlineData("https://h:x/", "Required value: url must be a valid URL: parse \"https://h:x/\": invalid port \":x\" after host" + Form)]
    public void A_webhooks_url_is_no_more_than_an_address(string url, string wrong) =>
        Samples.Create("admissionregistration.k8s.io/v1 MutatingWebhookConfiguration", Hook(At(url)), "webhooks[0].clientConfig.url: " + wrong);

    [Theory]
    [InlineData("/a/", "")]
    [InlineData("//", "segment[0] may not be empty")]
    [InlineData("/a//b", "segment[1] may not be empty")]
    [InlineData("a", "must start with a '/'|segment[0] may not be empty")]
    public void A_webhooks_service_has_a_path(string path, string wrong) =>
        Samples.Create("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", Hook(",\"clientConfig\":{\"service\":{\"name\":\"s\",\"namespace\":\"n\",\"path\":\"" + path + "\"}}"),
            string.Join('|', wrong.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(w => $"webhooks[0].clientConfig.service.path: Invalid value: \"{path}\": {w}")));

    static string Resources(string list) => At("https://h") + ",\"rules\":[{\"operations\":[\"CREATE\"],\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[" + list + "]}]";

    [Theory]
    [InlineData("\"pods\",\"pods/*\"", "")]
    [InlineData("\"pods/*\",\"pods/status\"", "[1]: Invalid value: \"pods/status\": if 'pods/*' is present, must not specify pods/status")]
    [InlineData("\"*/status\",\"pods/status\"", "[1]: Invalid value: \"pods/status\": if '*/status' is present, must not specify pods/status")]
    [InlineData("\"pods\",\"*/*\"", ": Invalid value: [\"pods\",\"*/*\"]: if '*/*' is present, must not specify other resources")]
    [InlineData("\"*\",\"pods\"", ": Invalid value: [\"*\",\"pods\"]: if '*' is present, must not specify other resources without subresources")]
    public void A_webhooks_resources_do_not_say_things_twice(string list, string wrong) =>
        Samples.Create("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", Hook(Resources(list)), wrong.Length == 0 ? "" : "webhooks[0].rules[0].resources" + wrong);

    [Fact]
    public void What_a_stored_webhook_was_allowed_it_stays_allowed()
    {
        const string Old = Samples.ClusterMeta + ",\"webhooks\":[{\"name\":\"a.b.c\",\"sideEffects\":\"Some\",\"admissionReviewVersions\":[\"v9\"],\"clientConfig\":{\"url\":\"https://h\"},"
            + "\"objectSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b c\"]}]}}]";
        Samples.Change("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", Old, Old.Replace("https://h", "https://i", StringComparison.Ordinal), "");
        Samples.Change("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", Hook(At("https://h")), Hook(At("https://h")).Replace("None", "Some", StringComparison.Ordinal),
            "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"");
    }

    const string Match = "\"matchConstraints\":{\"resourceRules\":[{\"operations\":[\"DELETE\"],\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"pods\"]}]}";
    static string Policy(string more) => Samples.ClusterMeta + ",\"spec\":{" + Match + "," + more + "}";

    [Theory]
    [InlineData("\"validations\":[]", "spec.validations: Required value: validations or auditAnnotations must contain at least one item|spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item")]
    [InlineData("\"validations\":[{\"expression\":\"a ||\\nb\"}]", "")]
    [InlineData("\"validations\":[{\"expression\":\"a\",\"message\":\"b\\nc\",\"reason\":\"Unauthorized\"}]",
        "spec.validations[0].message: Invalid value: \"b\\nc\": must not contain line breaks|spec.validations[0].reason: Unsupported value: \"Unauthorized\": supported values: \"Forbidden\", \"Invalid\", \"RequestEntityTooLarge\"")]
    [InlineData("\"variables\":[{\"name\":\"in\",\"expression\":\"1\"},{\"name\":\"a\",\"expression\":\"1\"},{\"name\":\"a\",\"expression\":\"2\"}],\"validations\":[{\"expression\":\"a\"}]",
        "spec.variables[0].name: Invalid value: \"in\": must be a valid CEL identifier")]
    [InlineData("\"paramKind\":{\"apiVersion\":\"a_b/\",\"kind\":\"K\"},\"validations\":[{\"expression\":\"a\"}]",
        "spec.paramKind.apiVersion: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        + "|spec.paramKind.apiVersion: Invalid value: \"a_b/\": version must be specified")]
    public void A_policy_says_what_it_holds_against_what(string more, string messages) => Samples.Create("admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy", Policy(more), messages);

    [Theory]
    [InlineData("{\"patchType\":\"JSONPatch\",\"applyConfiguration\":{\"expression\":\"a\"}}",
        "jsonPatch: Required value: must be specified when patchType is JSONPatch|spec.mutations[0].applyConfiguration: Invalid value: \"{applyConfiguration}\": must not be specified when patchType is JSONPatch")]
    [InlineData("{\"patchType\":\"ApplyConfiguration\",\"applyConfiguration\":{\"expression\":\" \"}}", "applyConfiguration.expression: Required value")]
    [InlineData("{}", "patchType: Required value")]
    public void A_mutation_is_of_one_kind(string mutation, string wrong) => Samples.Create("admissionregistration.k8s.io/v1 MutatingAdmissionPolicy",
        Policy("\"reinvocationPolicy\":\"Never\",\"mutations\":[" + mutation + "]").Replace("DELETE", "CREATE", StringComparison.Ordinal), "spec.mutations[0]." + wrong);

    [Fact]
    public void What_is_deleted_is_not_mutated() => Samples.Create("admissionregistration.k8s.io/v1 MutatingAdmissionPolicy",
        Policy("\"reinvocationPolicy\":\"Never\",\"mutations\":[{\"patchType\":\"JSONPatch\",\"jsonPatch\":{\"expression\":\"[]\"}}]"),
        "spec.matchConstraints.resourceRules.operations: Unsupported value: \"DELETE\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"UPDATE\"");

    [Theory]
    [InlineData("\"paramRef\":{\"name\":\"p\",\"selector\":{},\"parameterNotFoundAction\":\"Maybe\"},\"validationActions\":[\"Deny\"]",
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive|spec.paramRef.selector: Forbidden: name and selector are mutually exclusive|spec.paramRef.parameterNotFoundAction: Unsupported value: \"Maybe\": supported values: \"Deny\", \"Allow\"")]
    [InlineData("\"matchResources\":{\"resourceRules\":[{\"resourceNames\":[\"a/b\",\"c\",\"c\"],\"operations\":[\"CREATE\"],\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"pods\"]}]},\"validationActions\":[]",
        "spec.matchResources.resourceRules[0].resourceNames[0]: Invalid value: \"a/b\": may not contain '/'|spec.matchResources.resourceRules[0].resourceNames[2]: Duplicate value: \"c\"|spec.validationActions: Required value: at least one validation action is required")]
    public void A_bindings_parts_go_together(string more, string messages) =>
        Samples.Create("admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding", Samples.ClusterMeta + ",\"spec\":{\"policyName\":\"p\"," + more + "}", messages);
}
