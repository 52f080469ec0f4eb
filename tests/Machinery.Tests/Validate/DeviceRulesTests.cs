namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Devices: what is asked for, and what there is.</summary>
public sealed class DeviceRulesTests
{
    const string Request = "\"requests\":[{\"name\":\"r\",\"exactly\":{\"deviceClassName\":\"gpu\"}}]";

    [Theory]
    [InlineData(Request + ",\"constraints\":[{\"matchAttribute\":\"example.com/numa\"}]", "")]
    [InlineData(Request + ",\"constraints\":[{\"matchAttribute\":\"numa\"}]", "spec.devices.constraints[0].matchAttribute: Invalid value: \"numa\": must include a domain")]
    [InlineData(Request + ",\"constraints\":[{\"requests\":[\"r\",\"r\",\"s\"],\"matchAttribute\":\"example.com/numa\"}]",
        "spec.devices.constraints[0].requests[1]: Duplicate value: \"r\"|spec.devices.constraints[0].requests[2]: Invalid value: \"s\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'")]
    [InlineData(Request + ",\"config\":[{\"opaque\":{\"driver\":\"d\",\"parameters\":[1]}}]", "spec.devices.config[0].opaque.parameters: Invalid value: \"<value omitted>\": must be a valid JSON object")]
    [InlineData("\"requests\":[{\"name\":\"r\",\"exactly\":{\"deviceClassName\":\"gpu\",\"tolerations\":[{\"operator\":\"Exists\",\"value\":\"a\",\"effect\":\"Maybe\"}]}}]",
        "spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: \"a\": must be empty for operator `Exists`|spec.devices.requests[0].exactly.tolerations[0].effect: Unsupported value: \"Maybe\": supported values: \"NoExecute\", \"NoSchedule\", \"None\"")]
    public void A_claim_says_what_it_wants(string devices, string messages) => Samples.Create("resource.k8s.io/v1 ResourceClaim", "\"spec\":{\"devices\":{" + devices + "}}", messages);

    [Theory]
    [InlineData("\"attributes\":{\"model\":{\"string\":\"a\"},\"example.com/v\":{\"version\":\"1.2.3\"}},\"capacity\":{\"memory\":{\"value\":\"1Gi\"}}", "")]
    [InlineData("\"attributes\":{\"1a\":{\"bool\":true}}",
        "spec.devices[0].attributes[1a]: Invalid value: \"1a\": a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')")]
    [InlineData("\"attributes\":{\"v\":{\"version\":\"1.2\"}}", "spec.devices[0].attributes[v].version: Invalid value: \"1.2\": must be a string compatible with semver.org spec 2.0.0")]
    [InlineData("\"attributes\":{\"v\":{}}", "spec.devices[0].attributes[v]: Required value: exactly one value must be specified")]
    [InlineData("\"taints\":[{\"key\":\"example.com/a\",\"effect\":\"Never\"}]", "spec.devices[0].taints[0].effect: Unsupported value: \"Never\": supported values: \"NoExecute\", \"NoSchedule\", \"None\"")]
    public void A_device_is_described(string device, string messages) => Samples.Create("resource.k8s.io/v1 ResourceSlice", Samples.ClusterMeta
        + ",\"spec\":{\"driver\":\"d\",\"nodeName\":\"n\",\"pool\":{\"name\":\"p\",\"generation\":1,\"resourceSliceCount\":1},\"devices\":[{\"name\":\"a\"," + device + "}]}", messages);

    [Theory]
    [InlineData("\"allNodes\":false", "spec.allNodes: Invalid value: false: must be either unset or set to true|spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required")]
    [InlineData("\"nodeName\":\"n\",\"allNodes\":true", "spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set")]
    [InlineData("\"allNodes\":true,\"sharedCounters\":[],\"devices\":[]", "spec: Invalid value: \"\": only one of `sharedCounters` or `devices` is allowed")]
    public void Devices_are_somewhere(string where, string messages) => Samples.Create("resource.k8s.io/v1 ResourceSlice", Samples.ClusterMeta
        + ",\"spec\":{\"driver\":\"d\",\"pool\":{\"name\":\"p\",\"generation\":1,\"resourceSliceCount\":1}," + where + "}", messages);

    const string Given = "\"spec\":{\"devices\":{\"requests\":[{\"name\":\"r\",\"exactly\":{\"deviceClassName\":\"c\"}}]}},"
        + "\"status\":{\"allocation\":{\"devices\":{\"results\":[{\"request\":\"r\",\"driver\":\"d.io\",\"pool\":\"p\",\"device\":\"x\"}]}}";
    const string Told = "{\"driver\":\"d.io\",\"pool\":\"p\",\"device\":\"x\"";

    [Theory]
    [InlineData(Told + "}", "")]
    [InlineData(Told + "}," + Told + "}", "status.devices[1]: Duplicate value: \"d.io/p/x\"")]
    [InlineData("{\"driver\":\"d.io\",\"pool\":\"p\",\"device\":\"y\"}", "status.devices[0]: Invalid value: \"d.io/p/y\": must be an allocated device in the claim")]
    [InlineData(Told + ",\"data\":[1]}", "status.devices[0].data: Invalid value: \"<value omitted>\": must be a valid JSON object")]
    [InlineData(Told + ",\"conditions\":[{\"type\":\"A\",\"status\":\"Maybe\",\"reason\":\"R\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}]}",
        "status.devices[0].conditions[0].status: Unsupported value: \"Maybe\": supported values: \"False\", \"True\", \"Unknown\"")]
    [InlineData(Told + ",\"networkData\":{\"ips\":[\"10.9.8.7\",\"10.9.8.7/24\",\"10.9.8.7/24\"]}}",
        "status.devices[0].networkData.ips[0]: Invalid value: \"10.9.8.7\": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)|status.devices[0].networkData.ips[2]: Duplicate value: \"10.9.8.7/24\"")]
    public void Drivers_tell_of_devices_that_the_claim_has(string devices, string messages) =>
        Samples.Change("resource.k8s.io/v1 ResourceClaim", Given + "}", Given + ",\"devices\":[" + devices + "]}", messages, "status");

    [Theory]
    [InlineData("\"deviceSelector\":{\"driver\":\"d.io\",\"pool\":\"p\",\"device\":\"x\"},\"taint\":{\"key\":\"k\",\"effect\":\"NoSchedule\"}", "")]
    [InlineData("\"deviceSelector\":{\"driver\":\"\",\"device\":\"\"},\"taint\":{\"key\":\"k\",\"effect\":\"Never\"}",
        "spec.deviceSelector.driver: Required value|spec.deviceSelector.device: Required value|spec.taint.effect: Unsupported value: \"Never\": supported values: \"NoExecute\", \"NoSchedule\", \"None\"")]
    public void A_rule_taints_some_devices(string spec, string messages) => Samples.Create("resource.k8s.io/v1beta2 DeviceTaintRule", Samples.ClusterMeta + ",\"spec\":{" + spec + "}", messages);
}
