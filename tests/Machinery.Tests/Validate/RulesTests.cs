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
        string version = kind switch { "Deployment" or "StatefulSet" => "apps/v1", "Job" => "batch/v1", "RoleBinding" => "rbac.authorization.k8s.io/v1", _ => "v1" };
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
}
