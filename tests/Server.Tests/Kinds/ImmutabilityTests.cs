namespace Hanbae.Server.Tests.Kinds;

/// <summary>What is for life, by kind, in upstream's words.</summary>
public sealed class ImmutabilityTests
{
    const string Merge = "application/merge-patch+json";

    [Theory]
    [InlineData("v1", "persistentvolumes", "PersistentVolume", "\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOnce\"],\"hostPath\":{\"path\":\"/a\"}}",
        "{\"spec\":{\"hostPath\":{\"path\":\"/b\"}}}", "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n-  hostPath: {\"path\":\"/a\",\"type\":\"\"}\n+  hostPath: {\"path\":\"/b\",\"type\":\"\"}\n")]
    [InlineData("storage.k8s.io/v1", "csidrivers", "CSIDriver", "\"spec\":{}", "{\"spec\":{\"attachRequired\":false}}", "spec.attachedRequired: Invalid value: false: field is immutable")]
    [InlineData("storage.k8s.io/v1", "volumeattachments", "VolumeAttachment", "\"spec\":{\"attacher\":\"a\",\"nodeName\":\"n\",\"source\":{\"persistentVolumeName\":\"p\"}}",
        "{\"spec\":{\"nodeName\":\"m\"}}", "spec: Invalid value: {\"attacher\":\"a\",\"source\":{\"persistentVolumeName\":\"p\"},\"nodeName\":\"m\"}: field is immutable")]
    [InlineData("storage.k8s.io/v1", "volumeattributesclasses", "VolumeAttributesClass", "\"driverName\":\"d\",\"parameters\":{\"a\":\"b\"}", "{\"driverName\":\"e\"}", "driverName: Forbidden: updates to driverName are forbidden.")]
    [InlineData("storage.k8s.io/v1", "storageclasses", "StorageClass", "\"provisioner\":\"p\"", "{\"provisioner\":\"q\"}", "provisioner: Forbidden: updates to provisioner are forbidden.")]
    [InlineData("networking.k8s.io/v1", "ingressclasses", "IngressClass", "\"spec\":{\"controller\":\"a.b/c\"}", "{\"spec\":{\"controller\":\"a.b/d\"}}", "spec.controller: Invalid value: \"a.b/d\": field is immutable")]
    [InlineData("networking.k8s.io/v1", "servicecidrs", "ServiceCIDR", "\"spec\":{\"cidrs\":[\"10.1.0.0/16\"]}", "{\"spec\":{\"cidrs\":[\"10.2.0.0/16\"]}}", "spec.cidrs: Invalid value: [\"10.2.0.0/16\"]: field is immutable")]
    [InlineData("node.k8s.io/v1", "runtimeclasses", "RuntimeClass", "\"handler\":\"a\"", "{\"handler\":\"b\"}", "handler: Invalid value: \"b\": field is immutable")]
    [InlineData("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", "\"value\":1", "{\"value\":2}", "value: Forbidden: may not be changed in an update.")]
    [InlineData("rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", "\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"a\"}",
        "{\"roleRef\":{\"name\":\"b\"}}", "roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"b\"}: cannot change roleRef")]
    [InlineData("resource.k8s.io/v1", "resourceslices", "ResourceSlice", "\"spec\":{\"driver\":\"d\",\"nodeName\":\"n\",\"pool\":{\"name\":\"p\",\"generation\":1,\"resourceSliceCount\":1}}",
        "{\"spec\":{\"driver\":\"e\"}}", "spec.driver: Invalid value: \"e\": field is immutable")]
    public async Task What_is_for_life_stays(string version, string resource, string kind, string body, string patch, string message)
    {
        await using var server = await TestServer.StartAsync();
        string path = (version.Contains('/') ? "/apis/" : "/api/") + version + "/" + resource;
        var made = await server.PostAsync(path, $$"""{"kind":"{{kind}}","apiVersion":"{{version}}","metadata":{"name":"x"},{{body}} }""");
        Assert.True(made.Code == 201, made.Body);
        var changed = await server.SendAsync("PATCH", path + "/x", patch, Merge);
        Assert.Equal(422, changed.Code);
        Assert.EndsWith("\"x\" is invalid: " + message, changed.Message);
        // Labels are not for life.
        Assert.Equal(200, (await server.SendAsync("PATCH", path + "/x", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}", Merge)).Code);
    }

    [Theory]
    [InlineData("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "\"webhooks\":[{\"name\":\"a\",\"clientConfig\":{},\"rules\":[]}]",
        "webhooks[0].name: Invalid value: \"a\": should be a domain with at least three segments separated by dots|webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun|webhooks[0].clientConfig: Required value: exactly one of url or service is required|webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1")]
    [InlineData("admissionregistration.k8s.io/v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", "\"spec\":{\"matchConstraints\":{}}",
        "spec.matchConstraints.resourceRules: Required value|spec.validations: Required value: validations or auditAnnotations must contain at least one item|spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item")]
    [InlineData("admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", "\"spec\":{\"policyName\":\"p\",\"validationActions\":[\"Deny\",\"Warn\"]}",
        "spec.validationActions: Invalid value: [\"Deny\",\"Warn\"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)")]
    [InlineData("flowcontrol.apiserver.k8s.io/v1", "flowschemas", "FlowSchema", "\"spec\":{\"matchingPrecedence\":20000}",
        "spec.matchingPrecedence: Invalid value: 20000: must not be greater than 10000|spec.priorityLevelConfiguration.name: Required value: must reference a priority level")]
    [InlineData("flowcontrol.apiserver.k8s.io/v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", "\"spec\":{\"type\":\"Limited\"}", "spec.limited: Required value: must not be empty when type is Limited")]
    [InlineData("certificates.k8s.io/v1", "certificatesigningrequests", "CertificateSigningRequest", "\"spec\":{\"request\":\"eA==\",\"signerName\":\"me\",\"expirationSeconds\":5}",
        "spec.request: Invalid value: \"x\": PEM block type must be CERTIFICATE REQUEST|spec.usages: Required value|spec.signerName: Invalid value: \"me\": must be a fully qualified domain and path of the form 'example.com/signer-name'|spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)")]
    [InlineData("networking.k8s.io/v1", "ingressclasses", "IngressClass", "\"spec\":{\"controller\":\"nope\"}", "spec.controller: Invalid value: \"nope\": must be a domain-prefixed path (such as \"acme.io/foo\")")]
    [InlineData("storage.k8s.io/v1", "csinodes", "CSINode", "\"spec\":{\"drivers\":[{\"name\":\"d\",\"nodeID\":\"\"}]}", "spec.drivers[0].nodeID: Required value")]
    [InlineData("resource.k8s.io/v1", "resourceslices", "ResourceSlice", "\"spec\":{\"driver\":\"d\",\"pool\":{\"name\":\"p\",\"generation\":1,\"resourceSliceCount\":1}}",
        "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required")]
    [InlineData("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", "\"aggregationRule\":{}", "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil")]
    [InlineData("apiregistration.k8s.io/v1", "apiservices", "APIService", "\"spec\":{\"group\":\"g.io\",\"version\":\"v1\",\"groupPriorityMinimum\":1,\"versionPriority\":1}",
        "metadata.name: Invalid value: \"x\": must be `spec.version+\".\"+spec.group`: \"v1.g.io\"")]
    public async Task What_is_wrong_is_told(string version, string resource, string kind, string body, string messages)
    {
        await using var server = await TestServer.StartAsync();
        var made = await server.PostAsync("/apis/" + version + "/" + resource, $$"""{"kind":"{{kind}}","apiVersion":"{{version}}","metadata":{"name":"x"},{{body}} }""");
        string[] all = messages.Split('|');
        Assert.Equal((422, all.Length == 1 ? all[0] : "[" + string.Join(", ", all) + "]"), (made.Code, made.Message[(made.Message.IndexOf(" is invalid: ", StringComparison.Ordinal) + 13)..]));
    }
}
