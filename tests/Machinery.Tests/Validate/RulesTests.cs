using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Tests.Validate;

public sealed class RulesTests
{
    const string Meta = """ "metadata":{"name":"x","namespace":"default"}""";
    const string Web = """{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""";

    static IObject Read(string kind, string rest)
    {
        string version = kind switch { "Deployment" or "StatefulSet" => "apps/v1", "Job" or "CronJob" => "batch/v1", "RoleBinding" => "rbac.authorization.k8s.io/v1", _ => "v1" };
        int slash = version.IndexOf('/');
        var info = ApiData.Kind(new(slash < 0 ? "" : version[..slash], version[(slash + 1)..], kind))!;
        return Defaults.Apply((IObject)info.Decode(System.Text.Encoding.UTF8.GetBytes($$"""{"kind":"{{kind}}","apiVersion":"{{version}}",{{rest}}}""")));
    }

    static string[] Wrong(string kind, string rest) => [.. Rules.Create(Read(kind, rest), true).Select(e => e.ToString())];
    static string[] WrongChange(string kind, string before, string after) => [.. Rules.Update(Read(kind, after), Read(kind, before), "").Select(e => e.ToString())];

    static string Pod(string container = "\"name\":\"c\",\"image\":\"i\"", string more = "") => $$"""{{Meta}},"spec":{"containers":[{{{container}}}]{{more}}}""";

    [Fact]
    public void A_plain_pod_is_right() => Assert.Empty(Wrong("Pod", Pod()));

    [Theory]
    [InlineData("\"image\":\"i\"", "", "spec.containers[0].name: Required value")]
    [InlineData("\"name\":\"c\"", "", "spec.containers[0].image: Required value")]
    [InlineData("\"name\":\"C\",\"image\":\"i\"", "", "spec.containers[0].name: Invalid value: \"C\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"ports\":[{\"containerPort\":70000}]", "", "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"ports\":[{\"containerPort\":80,\"protocol\":\"HTTP\"}]", "", "spec.containers[0].ports[0].protocol: Unsupported value: \"HTTP\": supported values: \"SCTP\", \"TCP\", \"UDP\"")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/v\"}]", "", "spec.containers[0].volumeMounts[0].name: Not found: \"v\"")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"livenessProbe\":{}", "", "spec.containers[0].livenessProbe: Required value: must specify a handler type")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"2\"},\"limits\":{\"cpu\":\"1\"}}", "", "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"imagePullPolicy\":\"Sometimes\"", "", "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"env\":[{\"name\":\"a=b\"}]", "", "spec.containers[0].env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='")]
    [InlineData("\"name\":\"c\",\"image\":\"i\"},{\"name\":\"c\",\"image\":\"i\"", "", "spec.containers[1].name: Duplicate value: \"c\"")]
    [InlineData("\"name\":\"c\",\"image\":\"i\"", ",\"restartPolicy\":\"Maybe\"", "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"OnFailure\", \"Never\"")]
    [InlineData("\"name\":\"c\",\"image\":\"i\"", ",\"volumes\":[{\"name\":\"v\",\"emptyDir\":{},\"hostPath\":{\"path\":\"/x\"}}]", "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type")]
    [InlineData("\"name\":\"c\",\"image\":\"i\"", ",\"tolerations\":[{\"effect\":\"NoSchedule\"}]", "spec.tolerations[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"")]
    [InlineData("\"name\":\"c\",\"image\":\"i\"", ",\"topologySpreadConstraints\":[{\"maxSkew\":0,\"topologyKey\":\"z\",\"whenUnsatisfiable\":\"DoNotSchedule\"}]", "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero")]
    [InlineData("\"name\":\"c\",\"image\":\"i\"", ",\"initContainers\":[{\"name\":\"d\",\"image\":\"i\",\"readinessProbe\":{\"tcpSocket\":{\"port\":80}}}]", "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always")]
    public void A_wrong_pod_is_told_what_is_wrong(string container, string more, string message) => Assert.Equal([message], Wrong("Pod", Pod(container, more)));

    [Fact]
    public void A_pod_needs_containers() => Assert.Equal(["spec.containers: Required value"], Wrong("Pod", Meta + ",\"spec\":{}"));

    [Fact]
    public void A_name_is_a_subdomain() => Assert.Equal(
        ["metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"],
        Wrong("ConfigMap", "\"metadata\":{\"name\":\"A_b\",\"namespace\":\"default\"}"));

    [Fact]
    public void A_name_is_not_too_long() => Assert.Equal([$"metadata.name: Invalid value: \"{new string('a', 254)}\": must be no more than 253 bytes"],
        Wrong("ConfigMap", $$""" "metadata":{"name":"{{new string('a', 254)}}","namespace":"default"}"""));

    [Fact]
    public void Annotations_have_a_size() => Assert.Equal(["metadata.annotations: Too long: may not be more than 262144 bytes"],
        Wrong("ConfigMap", "\"metadata\":{\"name\":\"x\",\"namespace\":\"default\",\"annotations\":{\"a\":\"" + new string('a', 262144) + "\"}}"));

    [Fact]
    public void A_generated_name_may_end_in_a_dash() => Assert.Empty(Wrong("ConfigMap", "\"metadata\":{\"generateName\":\"x-\",\"namespace\":\"default\"}"));

    [Theory]
    [InlineData("Deployment", "\"selector\":{\"matchLabels\":{\"app\":\"api\"}},\"template\":" + Web, "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`")]
    [InlineData("Deployment", "\"selector\":{},\"template\":" + Web, "spec.selector: Invalid value: {}: empty selector is invalid for deployment")]
    [InlineData("Deployment", "\"template\":" + Web, "spec.selector: Required value|spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`")]
    [InlineData("Deployment", "\"replicas\":-1,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":" + Web, "spec.replicas: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("Deployment", "\"strategy\":{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":0}},\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":" + Web, "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0")]
    [InlineData("Service", "\"clusterIP\":\"10.0.0.1\"", "spec.ports: Required value")]
    [InlineData("Service", "\"ports\":[{\"port\":80},{\"name\":\"b\",\"port\":81}]", "spec.ports[0].name: Required value")]
    [InlineData("Service", "\"ports\":[{\"port\":0}]", "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive|spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive")]
    [InlineData("Service", "\"type\":\"Magic\",\"internalTrafficPolicy\":\"Cluster\",\"ports\":[{\"port\":80}]", "spec.type: Unsupported value: \"Magic\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"")]
    [InlineData("Service", "\"type\":\"ExternalName\"", "spec.externalName: Required value")]
    [InlineData("Service", "\"ports\":[{\"port\":80,\"nodePort\":30000}]", "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'")]
    public void A_wrong_spec_is_told_what_is_wrong(string kind, string spec, string messages) =>
        Assert.Equal(messages.Split('|'), Wrong(kind, Meta + ",\"spec\":{" + spec + "}"));

    [Theory]
    [InlineData("ConfigMap", "\"data\":{\"a b\":\"\"}", "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")]
    [InlineData("Secret", "\"type\":\"kubernetes.io/tls\",\"data\":{\"tls.crt\":\"\"}", "data[tls.key]: Required value")]
    public void Wrong_data_is_told_what_is_wrong(string kind, string rest, string message) => Assert.Equal([message], Wrong(kind, Meta + "," + rest));

    const string FromFile = "\"name\":\"c\",\"image\":\"i\",\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fileKeyRef\":{\"volumeName\":\"v\",\"path\":\"a.env\",\"key\":\"A\"}}}]";

    [Theory]
    [InlineData(FromFile, ",\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]", "")]
    [InlineData(FromFile, "", "volumeName: Not found: \"v\"")]
    [InlineData(FromFile, ",\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/x\"}}]", "volumeName: Invalid value: \"v\": referenced volume must be of type emptyDir")]
    [InlineData("\"name\":\"c\",\"image\":\"i\",\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fileKeyRef\":{\"volumeName\":\"v\",\"path\":\"../a\",\"key\":\"\"}}}]", ",\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]",
        "key: Required value|path: Invalid value: \"../a\": must not contain '..'")]
    public void A_variable_from_a_file_names_a_scratch_volume_of_the_pod(string container, string more, string messages)
    {
        string[] Expected(string list) => messages.Length == 0 ? [] : [.. messages.Split('|').Select(m => $"spec.{list}[0].env[0].valueFrom.fileKeyRef.{m}")];
        Assert.Equal(Expected("containers"), Wrong("Pod", Pod(container, more)));
        Assert.Equal(Expected("initContainers"), Wrong("Pod", Pod(more: ",\"initContainers\":[{" + container.Replace("\"name\":\"c\"", "\"name\":\"d\"") + "}]" + more)));
    }

    [Theory]
    [InlineData("\"restartPolicy\":\"Never\",\"restartPolicyRules\":[{\"action\":\"Restart\",\"exitCodes\":{\"operator\":\"In\",\"values\":[42]}}]", "")]
    [InlineData("\"restartPolicyRules\":[{\"action\":\"Restart\",\"exitCodes\":{\"operator\":\"In\",\"values\":[42]}}]", "restartPolicy: Required value: must specify restartPolicy when restart rules are used")]
    [InlineData("\"restartPolicy\":\"Never\",\"restartPolicyRules\":[{\"action\":\"Reboot\",\"exitCodes\":{\"operator\":\"Like\",\"values\":[42]}}]",
        "restartPolicyRules[0].action: Unsupported value: \"Reboot\": supported values: \"Restart\", \"RestartAllContainers\"|restartPolicyRules[0].exitCodes.operator: Unsupported value: \"Like\": supported values: \"In\", \"NotIn\"")]
    [InlineData("\"restartPolicy\":\"Never\",\"restartPolicyRules\":[{\"action\":\"Restart\"}]", "restartPolicyRules[0].exitCodes: Required value: must be specified")]
    public void Rules_of_restarts_are_whole(string rules, string messages) => Assert.Equal(
        messages.Length == 0 ? [] : [.. messages.Split('|').Select(m => "spec.containers[0]." + m)], Wrong("Pod", Pod("\"name\":\"c\",\"image\":\"i\"," + rules)));

    [Fact]
    public void A_container_has_few_rules_of_restarts_and_a_sidecar_none_about_itself()
    {
        string Rules(int count, string action) => "\"restartPolicy\":\"Always\",\"restartPolicyRules\":["
            + string.Join(',', Enumerable.Repeat("{\"action\":\"" + action + "\",\"exitCodes\":{\"operator\":\"NotIn\",\"values\":[0]}}", count)) + "]";
        Assert.Equal(["spec.containers[0].restartPolicyRules: Too many: 21: must have at most 20 items"], Wrong("Pod", Pod("\"name\":\"c\",\"image\":\"i\"," + Rules(21, "Restart"))));
        Assert.StartsWith("spec.initContainers[0].restartPolicyRules[0].action: Forbidden: ", Assert.Single(Wrong("Pod", Pod(more: ",\"initContainers\":[{\"name\":\"d\",\"image\":\"i\"," + Rules(1, "Restart") + "}]"))));
        Assert.Empty(Wrong("Pod", Pod(more: ",\"initContainers\":[{\"name\":\"d\",\"image\":\"i\"," + Rules(1, "RestartAllContainers") + "}]")));
    }

    [Fact]
    public void A_pods_negative_grace_is_one_second()
    {
        string Given(int seconds) => Pod(more: $",\"terminationGracePeriodSeconds\":{seconds}");
        Assert.Equal(1, ((Hanbae.Api.Core.V1.Pod)Read("Pod", Given(-1))).Spec.TerminationGracePeriodSeconds);
        Assert.Equal(0, ((Hanbae.Api.Core.V1.Pod)Read("Pod", Given(0))).Spec.TerminationGracePeriodSeconds);
        Assert.Empty(WrongChange("Pod", Given(1), Given(-1)));
        var template = (Hanbae.Api.Apps.V1.Deployment)Read("Deployment", Meta + ",\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":" + Web.Replace("\"spec\":{", "\"spec\":{\"terminationGracePeriodSeconds\":-1,") + "}");
        Assert.Equal(-1, template.Spec.Template.Spec.TerminationGracePeriodSeconds);
    }

    static string Sized(string names, string resources = "\"requests\":{\"cpu\":\"5m\"}", string more = "") => Meta + ",\"spec\":{\"containers\":["
        + string.Join(',', names.Select(n => "{\"name\":\"" + n + "\",\"image\":\"i\",\"resources\":{" + resources + "}}")) + "]" + more + "}";

    const string Whole = ",\"resources\":{\"requests\":{\"cpu\":\"10m\"},\"limits\":{\"cpu\":\"25m\"}}";

    public static TheoryData<string, string, string> Resizes => new()
    {
        { Sized("ab"), Sized("ba"), "spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize|spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize" },
        { Sized("ab"), Sized("a"), "spec.containers: Forbidden: containers may not be added or removed on resize" },
        { Sized("a", more: ",\"initContainers\":[{\"name\":\"i\",\"image\":\"i\"}]"), Sized("a", more: ",\"initContainers\":[{\"name\":\"i\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"1m\"}}}]"),
            "spec.initContainers[0].resources: Forbidden: resources for non-sidecar init containers are immutable" },
        { Sized("a"), Sized("a", more: Whole), "" },
        { Sized("a", more: Whole), Sized("a"), "spec.resources.limits: Forbidden: resource limits cannot be removed|spec.resources.requests: Forbidden: resource requests cannot be removed" },
        { Sized("a", more: Whole), Sized("a", more: Whole.Replace("\"25m\"", "\"25m\",\"hugepages-2Mi\":\"2Mi\"").Replace("\"10m\"", "\"10m\",\"hugepages-2Mi\":\"2Mi\"")),
            "spec.resources.limits: Forbidden: only cpu and memory resources are mutable|spec.resources.requests: Forbidden: only cpu and memory resources are mutable" },
    };

    [Theory, MemberData(nameof(Resizes))]
    public void A_refused_resize_is_told_in_upstreams_words(string before, string after, string messages) =>
        Assert.Equal(messages.Length == 0 ? [] : messages.Split('|'), Rules.Update(Read("Pod", after), Read("Pod", before), "resize").Select(e => e.ToString()));

    [Fact]
    public void Of_a_pod_only_the_image_may_change()
    {
        Assert.Empty(WrongChange("Pod", Pod(), Pod("\"name\":\"c\",\"image\":\"j\"")));
        string wrong = Assert.Single(WrongChange("Pod", Pod(), Pod("\"name\":\"c\",\"image\":\"i\",\"command\":[\"x\"]")));
        Assert.StartsWith("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)", wrong);
        Assert.Equal(["spec.containers: Forbidden: pod updates may not add or remove containers"], WrongChange("Pod", Pod(), Pod("\"name\":\"c\",\"image\":\"i\"},{\"name\":\"d\",\"image\":\"i\"")));
    }

    [Theory]
    [InlineData("Deployment", "\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":" + Web + "}", "\"spec\":{\"selector\":{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Exists\"}]},\"template\":" + Web + "}", "spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Exists\"}]}: field is immutable")]
    [InlineData("ConfigMap", "\"immutable\":true,\"data\":{\"a\":\"1\"}", "\"immutable\":true,\"data\":{\"a\":\"2\"}", "data: Forbidden: field is immutable when `immutable` is set")]
    [InlineData("Secret", "\"type\":\"Opaque\"", "\"type\":\"a/b\"", "type: Invalid value: \"a/b\": field is immutable")]
    [InlineData("RoleBinding", "\"roleRef\":{\"kind\":\"Role\",\"name\":\"a\"}", "\"roleRef\":{\"kind\":\"Role\",\"name\":\"b\"}", "roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"b\"}: cannot change roleRef")]
    public void What_is_fixed_stays(string kind, string before, string after, string message) => Assert.Equal([message], WrongChange(kind, Meta + "," + before, Meta + "," + after));

    static string Job(string more, string pod = "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]") =>
        Meta + ",\"spec\":{\"manualSelector\":true,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{" + pod + "}}," + more + "}";

    static string Indexed(string more) => Job("\"completionMode\":\"Indexed\",\"completions\":5," + more);

    [Theory]
    [InlineData("", "spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified")]
    [InlineData("{}", "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified")]
    [InlineData("{\"succeededCount\":6}", "spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)")]
    [InlineData("{\"succeededCount\":-1}", "spec.successPolicy.rules[0].succeededCount: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("{\"succeededCount\":3,\"succeededIndexes\":\"0,2\"}", "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)")]
    [InlineData("{\"succeededIndexes\":\"2-\"}", "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"2-\": error parsing succeededIndexes: cannot convert string to integer for index: \"\"")]
    [InlineData("{\"succeededIndexes\":\"0,5\"}", "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"0,5\": error parsing succeededIndexes: too large index: \"5\"")]
    [InlineData("{\"succeededIndexes\":\"3,1-2\"}", "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"3,1-2\": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1")]
    [InlineData("{\"succeededIndexes\":\"0-1-2\"}", "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"0-1-2\": error parsing succeededIndexes: the fragment \"0-1-2\" violates the requirement that an index interval can have at most two parts separated by '-'")]
    [InlineData("{\"succeededIndexes\":\"0-2,4\",\"succeededCount\":4}", null)]
    public void A_success_policy_can_be_met(string rules, string? wrong) =>
        Assert.Equal(wrong is null ? [] : [wrong], Wrong("Job", Indexed("\"successPolicy\":{\"rules\":[" + rules + "]}")));

    [Theory]
    [InlineData("{\"action\":\"Ignore\"}", "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required")]
    [InlineData("{\"action\":\"FailIndex\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[1]}}", "spec.podFailurePolicy.rules[0].action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set")]
    [InlineData("{\"action\":\"Ponder\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[1]}}", "spec.podFailurePolicy.rules[0].action: Unsupported value: \"Ponder\": supported values: \"Count\", \"FailIndex\", \"FailJob\", \"Ignore\"")]
    [InlineData("{\"action\":\"Count\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[]}}", "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: []: at least one value is required")]
    [InlineData("{\"action\":\"Count\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[0]}}", "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator")]
    [InlineData("{\"action\":\"Count\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[2,1]}}", "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1]: must be ordered")]
    [InlineData("{\"action\":\"Count\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[1,1]}}", "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Duplicate value: 1")]
    [InlineData("{\"action\":\"Count\",\"onExitCodes\":{\"containerName\":\"x\",\"operator\":\"In\",\"values\":[1]}}", "spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: \"x\": must be one of the container or initContainer names in the pod template")]
    [InlineData("{\"action\":\"Count\",\"onPodConditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"Maybe\"}]}", "spec.podFailurePolicy.rules[0].onPodConditions[0].status: Unsupported value: \"Maybe\": supported values: \"False\", \"True\", \"Unknown\"")]
    [InlineData("{\"action\":\"Ignore\",\"onPodConditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\"}]}", null)]
    public void A_failure_policy_can_be_followed(string rule, string? wrong) =>
        Assert.Equal(wrong is null ? [] : [wrong], Wrong("Job", Job("\"podReplacementPolicy\":\"Failed\",\"podFailurePolicy\":{\"rules\":[" + rule + "]}")));

    [Fact]
    public void Policies_of_indexes_need_indexes_and_limits_each_other()
    {
        Assert.Equal(["spec.successPolicy: Invalid value: {\"rules\":[{\"succeededCount\":1}]}: requires indexed completion mode"], Wrong("Job", Job(""" "successPolicy":{"rules":[{"succeededCount":1}]}""")));
        Assert.Equal(["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified", "spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions"], Wrong("Job", Indexed(""" "maxFailedIndexes":6""")));
        Assert.Equal(["spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: \"Failed\""],
            Wrong("Job", Job(""" "podReplacementPolicy":"TerminatingOrFailed","podFailurePolicy":{"rules":[{"action":"Count","onExitCodes":{"operator":"NotIn","values":[0]}}]}""")));
    }

    [Theory]
    [InlineData("\"managedBy\":\"example.com/a\"", "\"managedBy\":\"example.com/b\"", "spec.managedBy: Invalid value: \"example.com/b\": field is immutable")]
    [InlineData("\"successPolicy\":{\"rules\":[{\"succeededCount\":1}]}", "\"successPolicy\":{\"rules\":[{\"succeededCount\":2}]}", "spec.successPolicy: Invalid value: {\"rules\":[{\"succeededCount\":2}]}: field is immutable")]
    public void What_a_Job_was_promised_does_not_change(string before, string after, string wrong) => Assert.Equal([wrong], WrongChange("Job", Indexed(before), Indexed(after)));

    static string Resting(string template, string status = "\"conditions\":[{\"type\":\"Suspended\",\"status\":\"True\"}],\"startTime\":\"2030-01-01T00:00:00Z\"", string labels = "\"app\":\"web\"") =>
        Meta + ",\"status\":{" + status + "},\"spec\":{\"suspend\":true,\"manualSelector\":true,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":{\"metadata\":{\"labels\":{" + labels + "}},\"spec\":{\"restartPolicy\":\"Never\"," + template + "}}}";

    const string Plain = "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]", Asking = "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"2\"}}}]";
    const string ToNodes = "\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}]}}},";
    const string ToPods = "\"affinity\":{\"podAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":1,\"podAffinityTerm\":{\"topologyKey\":\"zone\",\"labelSelector\":{}}}]}},";

    [Theory]
    [InlineData(Asking, true), InlineData("\"nodeSelector\":{\"a\":\"b\"}," + Plain, true), InlineData(ToNodes + Plain, true), InlineData(ToPods + Plain, false)]
    public void What_a_Job_that_rests_asks_for_may_change_but_not_what_it_is(string template, bool may)
    {
        Assert.Equal(may, WrongChange("Job", Resting(Plain), Resting(template)).Length == 0);
        // Not while Pods of it run.
        const string Busy = "\"active\":1,\"startTime\":\"2030-01-01T00:00:00Z\"";
        Assert.NotEmpty(WrongChange("Job", Resting(Plain, Busy), Resting(template, Busy)));
    }

    [Fact]
    public void A_Job_that_changes_has_to_be_right_still()
    {
        Assert.Equal(["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"], WrongChange("Job", Job("\"parallelism\":1"), Job("\"parallelism\":-1")));
        Assert.Equal(["spec.completions: Invalid value: 6: can only be modified in tandem with spec.parallelism"],
            WrongChange("Job", Job("\"completionMode\":\"Indexed\",\"completions\":5,\"parallelism\":5"), Job("\"completionMode\":\"Indexed\",\"completions\":6,\"parallelism\":5")));
        Assert.Empty(WrongChange("Job", Job("\"completionMode\":\"Indexed\",\"completions\":5,\"parallelism\":5"), Job("\"completionMode\":\"Indexed\",\"completions\":6,\"parallelism\":6")));
    }
}
