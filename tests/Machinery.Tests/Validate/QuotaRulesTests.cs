namespace Hanbae.Machinery.Tests.Validate;

/// <summary>How much of what there may be.</summary>
public sealed class QuotaRulesTests
{
    [Theory]
    [InlineData("\"hard\":{\"cpu\":\"1\",\"count/pods\":\"2\",\"requests.nvidia.com/gpu\":\"1\",\"gold.storageclass.storage.k8s.io/requests.storage\":\"1Gi\"}", "")]
    [InlineData("\"hard\":{\"foo\":\"1\"}", "spec.hard[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified|spec.hard[foo]: Invalid value: \"foo\": must be a standard resource for quota")]
    [InlineData("\"hard\":{\"pods\":\"500m\"}", "spec.hard[pods]: Invalid value: \"500m\": must be an integer")]
    [InlineData("\"hard\":{\"services\":\"1\"},\"scopes\":[\"Terminating\"]", "spec.scopes: Invalid value: [\"Terminating\"]: unsupported scope applied to resource")]
    [InlineData("\"hard\":{\"cpu\":\"1\"},\"scopes\":[\"BestEffort\"]", "spec.scopes: Invalid value: [\"BestEffort\"]: unsupported scope applied to resource")]
    [InlineData("\"hard\":{\"pods\":\"1\"},\"scopes\":[\"BestEffort\",\"NotBestEffort\"]", "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes")]
    [InlineData("\"hard\":{\"requests.storage\":\"1\"},\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"VolumeAttributesClass\",\"operator\":\"In\",\"values\":[\"gold\"]}]}", "")]
    [InlineData("\"hard\":{\"pods\":\"1\"},\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"Terminating\",\"operator\":\"DoesNotExist\"}]}",
        "spec.scopeSelector.matchExpressions.operator: Invalid value: \"DoesNotExist\": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity")]
    [InlineData("\"hard\":{\"pods\":\"1\"},\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":\"In\"}]}",
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")]
    public void A_quota_counts_what_its_scopes_have(string spec, string messages) => Samples.Create("ResourceQuota", "\"spec\":{" + spec + "}", messages);

    [Theory]
    [InlineData("{\"type\":\"Pod\",\"default\":{\"cpu\":\"1\"}}", "default: Forbidden: may not be specified when `type` is 'Pod'")]
    [InlineData("{\"type\":\"Container\",\"min\":{\"storage\":\"1\"}}", "min[storage]: Invalid value: \"storage\": must be a standard resource for containers|defaultRequest[storage]: Invalid value: \"storage\": must be a standard resource for containers")]
    [InlineData("{\"type\":\"Pod\",\"min\":{\"cpu\":\"2\"},\"max\":{\"cpu\":\"1\"}}", "min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1")]
    [InlineData("{\"type\":\"Pod\",\"maxLimitRequestRatio\":{\"cpu\":\"500m\"}}", "maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less than 1")]
    [InlineData("{\"type\":\"Pod\",\"min\":{\"cpu\":\"1\"},\"max\":{\"cpu\":\"2\"},\"maxLimitRequestRatio\":{\"cpu\":\"3\"}}", "maxLimitRequestRatio[cpu]: Invalid value: \"3\": ratio 3 is greater than max/min = 2.000000")]
    [InlineData("{\"type\":\"Container\",\"default\":{\"example.com/gpu\":\"2\"},\"defaultRequest\":{\"example.com/gpu\":\"1\"}}",
        "defaultRequest[example.com/gpu]: Invalid value: \"1\": default value 2 must equal to defaultRequest value 1 in example.com/gpu")]
    [InlineData("{\"type\":\"PersistentVolumeClaim\"}", "limits: Required value: either minimum or maximum storage value is required, but neither was provided")]
    [InlineData("{\"type\":\"Thing\"}", "type: Invalid value: \"Thing\": must be a standard limit type or fully qualified")]
    public void Limits_leave_room(string item, string messages) => Samples.Create("LimitRange", "\"spec\":{\"limits\":[" + item + "]}",
        string.Join('|', messages.Split('|').Select(m => "spec.limits[0]." + m)));
}
