using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Of what keeps Pods running: its spec, the counts in its status, and Pods that wait at a gate.</summary>
public sealed class WorkloadRulesTests
{
    const string Head = """ "selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""";

    static IObject Read(string version, string kind, string rest, string name = "x")
    {
        int slash = version.IndexOf('/');
        var info = ApiData.Kind(new(slash < 0 ? "" : version[..slash], version[(slash + 1)..], kind))!;
        return Defaults.Apply((IObject)info.Decode(System.Text.Encoding.UTF8.GetBytes($$"""{"kind":"{{kind}}","apiVersion":"{{version}}","metadata":{"name":"{{name}}","namespace":"default"},{{rest}}}""")));
    }

    static string[] Told(IReadOnlyList<FieldError> errors) => [.. errors.Select(e => e.ToString())];

    [Theory]
    [InlineData("DaemonSet", """ "updateStrategy":{"rollingUpdate":{"maxUnavailable":1,"maxSurge":1}}""", "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero")]
    [InlineData("DaemonSet", """ "updateStrategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":"0%"}}""", "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0")]
    [InlineData("DaemonSet", """ "updateStrategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":"101%"}}""", "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"101%\": must not be greater than 100%")]
    [InlineData("DaemonSet", """ "updateStrategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":"100%"}}""", "")]
    [InlineData("StatefulSet", """ "podManagementPolicy":"Sideways" """, "spec.podManagementPolicy: Invalid value: \"Sideways\": must be 'OrderedReady' or 'Parallel'")]
    [InlineData("StatefulSet", """ "persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Burn","whenScaled":"Retain"}""",
        "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: \"Burn\": supported values: \"Retain\", \"Delete\"")]
    [InlineData("StatefulSet", """ "persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Delete","whenScaled":"Retain"}""", "")]
    [InlineData("StatefulSet", """ "updateStrategy":{"rollingUpdate":{"maxUnavailable":0}}""", "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0")]
    [InlineData("StatefulSet", """ "serviceName":"a.b" """, "spec.serviceName: Invalid value: \"a.b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")]
    [InlineData("StatefulSet", """ "serviceName":"ab" """, "")]
    [InlineData("StatefulSet", """ "volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":{"resources":{"requests":{"storage":"1Gi"}}}}]""", "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required")]
    [InlineData("StatefulSet", """ "volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":{"accessModes":["ReadWriteOnce"]}}]""", "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value")]
    public void A_wrong_spec_is_told_what_is_wrong(string kind, string spec, string message) =>
        Assert.Equal(message.Length == 0 ? [] : [message], Told(Rules.Create(Read("apps/v1", kind, $$""" "spec":{{{Head}},{{spec}}}"""), true)));

    [Theory]
    [InlineData("DaemonSet", "DaemonSet")]
    [InlineData("StatefulSet", "StatefulSet")]
    [InlineData("Deployment", "ReplicaSet")]
    public void Pods_that_run_always_have_no_deadline(string kind, string said) =>
        Assert.Contains($"spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in {said} is not Supported",
            Told(Rules.Create(Read("apps/v1", kind, $$""" "spec":{{{Head.Replace("\"containers\"", "\"activeDeadlineSeconds\":5,\"containers\"", StringComparison.Ordinal)}}}"""), true)));

    [Theory]
    [InlineData("""{"containerPort":80}""", "")]
    [InlineData("""{"containerPort":80,"hostPort":80}""", "")]
    [InlineData("""{"containerPort":80,"hostPort":81}""", "spec.template.spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true")]
    public void Ports_of_the_nodes_network_are_the_nodes(string port, string message) =>
        Assert.Equal(message.Length == 0 ? [] : [message], Told(Rules.Create(Read("apps/v1", "DaemonSet",
            $$""" "spec":{{{Head.Replace("\"containers\":[{\"name\":\"c\"", "\"hostNetwork\":true,\"containers\":[{\"ports\":[" + port + "],\"name\":\"c\"", StringComparison.Ordinal)}}}"""), true)));

    [Fact]
    public void What_a_StatefulSet_cannot_change_is_not_held_against_it_later()
    {
        string wrong = "\"spec\":{" + Head + """ ,"serviceName":"a.b","volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":{}}],"replicas":"""; // from before it was looked at
        Assert.Empty(Told(Rules.Update(Read("apps/v1", "StatefulSet", wrong + "2}"), Read("apps/v1", "StatefulSet", wrong + "1}"), "")));
    }

    [Fact]
    public void Members_are_named_after_their_set_so_its_name_is_a_label()
    {
        Assert.NotEmpty(Rules.Create(Read("apps/v1", "StatefulSet", $$""" "spec":{{{Head}}}""", "a.b"), true));
        Assert.Empty(Rules.Create(Read("apps/v1", "ReplicaSet", $$""" "spec":{{{Head}}}""", "a.b"), true));
    }

    [Theory]
    [InlineData("1abc", true)]
    [InlineData("a.b", false)]
    [InlineData("ab-", false)]
    public void A_service_is_named_as_a_label_is(string name, bool right) =>
        Assert.Equal(right, Rules.Create(Read("v1", "Service", """ "spec":{"ports":[{"port":80}]}""", name), true).Count == 0);

    [Theory]
    [InlineData("Deployment", """{"replicas":1,"updatedReplicas":2}""", "status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas")]
    [InlineData("Deployment", """{"replicas":3,"readyReplicas":1,"availableReplicas":2}""", "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas")]
    [InlineData("Deployment", """{"collisionCount":1}""", "status.collisionCount: Invalid value: 1: cannot be decremented")]
    [InlineData("Deployment", """{"collisionCount":2,"replicas":-1}""", "status.replicas: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("ReplicaSet", """{"replicas":1,"fullyLabeledReplicas":2}""", "status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas")]
    [InlineData("ReplicaSet", """{"replicas":2,"fullyLabeledReplicas":2,"readyReplicas":2,"availableReplicas":2,"terminatingReplicas":1}""", "")]
    [InlineData("StatefulSet", """{"collisionCount":2,"replicas":2,"readyReplicas":1,"availableReplicas":2}""", "status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas")]
    [InlineData("StatefulSet", """{"collisionCount":2,"replicas":1,"currentReplicas":2}""", "status.currentReplicas: Invalid value: 2: cannot be greater than status.replicas")]
    [InlineData("DaemonSet", """{"collisionCount":2,"numberReady":-2}""", "status.numberReady: Invalid value: -2: must be greater than or equal to 0")]
    public void A_status_cannot_count_more_than_there_is(string kind, string status, string message)
    {
        string spec = $$""" "spec":{{{Head}}}""";
        var old = Read("apps/v1", kind, spec + ""","status":{"collisionCount":2}""");
        Assert.Equal(message.Length == 0 ? [] : [message], Told(Rules.Update(Read("apps/v1", kind, spec + ",\"status\":" + status), old, "status")).Where(m => m.StartsWith("status.", StringComparison.Ordinal)).Take(1));
    }

    const string Terms = "\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":";
    const string Zone = """{"key":"zone","operator":"In","values":["a"]}""", Disk = """{"key":"disk","operator":"Exists"}""";
    const string Anti = """ "podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"host","labelSelector":{}}]}""";

    [Theory]
    [InlineData("", "{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]}]}}}", "")]
    [InlineData("{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]}]}}}", "{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "," + Disk + "]}]}}}", "")]
    [InlineData("{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]}]}}}", "{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Disk + "]}]}}}", "nodeSelectorTerms[0]: Invalid value")]
    [InlineData("{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]}]}}}", "{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]},{\"matchExpressions\":[" + Disk + "]}]}}}", "no additions/deletions to non-empty NodeSelectorTerms list are allowed")]
    [InlineData("{\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]}]}}}", "", "no additions/deletions to non-empty NodeSelectorTerms list are allowed")]
    [InlineData("", "{" + Anti + ",\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]}]}}}", "pod updates may not change fields other than")]
    [InlineData("{" + Anti + "}", "{" + Anti + ",\"nodeAffinity\":{" + Terms + "[{\"matchExpressions\":[" + Zone + "]}]}}}", "")]
    public void A_pod_at_a_gate_may_be_aimed_more_narrowly(string before, string after, string message)
    {
        IObject Pod(string affinity) => Read("v1", "Pod", """ "spec":{"schedulingGates":[{"name":"g"}],"containers":[{"name":"c","image":"i"}]""" + (affinity.Length > 0 ? ",\"affinity\":" + affinity : "") + "}");
        string[] told = Told(Rules.Update(Pod(after), Pod(before), ""));
        if (message.Length == 0) Assert.Empty(told);
        else Assert.Contains(message, Assert.Single(told), StringComparison.Ordinal);
    }
}
