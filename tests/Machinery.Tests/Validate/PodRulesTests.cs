namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Pods and templates of them: what they may ask for, and how they may change.</summary>
public sealed class PodRulesTests
{
    const string C = "\"name\":\"c\",\"image\":\"i\"";

    static string Pod(string container, string more = "") => "\"spec\":{\"containers\":[{" + container + "}]" + more + "}";

    [Theory]
    [InlineData("\"resources\":{\"requests\":{\"foo\":\"1\"}}", "resources.requests[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified|resources.requests[foo]: Invalid value: \"foo\": must be a standard resource for containers")]
    [InlineData("\"resources\":{\"requests\":{\"storage\":\"1\"}}", "resources.requests[storage]: Invalid value: \"storage\": must be a standard resource for containers")]
    [InlineData("\"resources\":{\"limits\":{\"example.com/gpu\":\"500m\"}}", "resources.limits[example.com/gpu]: Invalid value: \"500m\": must be an integer|resources.requests[example.com/gpu]: Invalid value: \"500m\": must be an integer")]
    [InlineData("\"resources\":{\"requests\":{\"example.com/gpu\":\"1\"}}", "resources.limits: Required value: Limit must be set for non overcommitable resources")]
    [InlineData("\"resources\":{\"requests\":{\"example.com/gpu\":\"1\"},\"limits\":{\"example.com/gpu\":\"2\"}}", "resources.requests: Invalid value: \"1\": must be equal to example.com/gpu limit of 2")]
    [InlineData("\"resources\":{\"limits\":{\"hugepages-2Mi\":\"2Mi\",\"cpu\":\"1\"}}", "")]
    [InlineData("\"resources\":{\"limits\":{\"hugepages-2Mi\":\"2Mi\"}}", "resources: Forbidden: HugePages require cpu or memory")]
    [InlineData("\"resources\":{\"limits\":{\"hugepages-2Mi\":\"3Mi\",\"cpu\":\"1\"}}",
        "resources.limits[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer multiple of hugepages-2Mi|resources.requests[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer multiple of hugepages-2Mi")]
    [InlineData("\"resources\":{\"claims\":[{\"name\":\"a\"}]}", "resources.claims[0]: Not found: \"a\": must be one of the names in pod.spec.resourceClaims which is empty")]
    [InlineData("\"resizePolicy\":[{\"resourceName\":\"cpu\",\"restartPolicy\":\"Maybe\"},{\"resourceName\":\"cpu\",\"restartPolicy\":\"NotRequired\"}]",
        "resizePolicy: Unsupported value: \"Maybe\": supported values: \"NotRequired\", \"RestartContainer\"|resizePolicy[1]: Duplicate value: \"cpu\"")]
    [InlineData("\"lifecycle\":{\"stopSignal\":\"SIGUSR1\"}", "lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`")]
    [InlineData("\"env\":[{\"name\":\"A\",\"value\":\"b\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.name\"}}}]", "env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty")]
    [InlineData("\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.labels\"}}}]",
        "env[0].valueFrom.fieldRef.fieldPath: Unsupported value: \"metadata.labels\": supported values: \"metadata.name\", \"metadata.namespace\", \"metadata.uid\", \"spec.nodeName\", \"spec.serviceAccountName\", \"status.hostIP\", \"status.hostIPs\", \"status.podIP\", \"status.podIPs\"")]
    [InlineData("\"env\":[{\"name\":\"A\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"limits.gpu\"}}}]",
        "env[0].valueFrom.resourceFieldRef.resource: Unsupported value: \"limits.gpu\": supported values: \"limits.cpu\", \"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", \"requests.ephemeral-storage\", \"requests.memory\"")]
    [InlineData("\"env\":[{\"name\":\"A\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"limits.cpu\",\"divisor\":\"1Mi\"}}}]", "env[0].valueFrom.resourceFieldRef.divisor: Invalid value: \"limits.cpu\": only divisor's values 1m and 1 are supported with the cpu resource")]
    [InlineData("\"envFrom\":[{}]", "envFrom: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`")]
    [InlineData("\"securityContext\":{\"procMount\":\"Unmasked\"}", "securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`")]
    [InlineData("\"securityContext\":{\"seccompProfile\":{\"type\":\"Localhost\",\"localhostProfile\":\"../a\"}}", "securityContext.seccompProfile.localhostProfile: Invalid value: \"../a\": must not contain '..'")]
    [InlineData("\"securityContext\":{\"seccompProfile\":{\"type\":\"\"}}", "securityContext.seccompProfile.type: Required value: type is required when seccompProfile is set")]
    [InlineData("\"securityContext\":{\"appArmorProfile\":{\"type\":\"Localhost\"}}", "securityContext.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost")]
    [InlineData("\"securityContext\":{\"appArmorProfile\":{\"type\":\"RuntimeDefault\",\"localhostProfile\":\"a\"}}", "securityContext.appArmorProfile.localhostProfile: Invalid value: \"a\": can only be set when AppArmor type is Localhost")]
    [InlineData("\"securityContext\":{\"windowsOptions\":{\"runAsUserName\":\"a\\\\b\\\\c\"}}", "securityContext.windowsOptions.runAsUserName: Invalid value: \"a\\\\b\\\\c\": runAsUserName cannot contain more than one backslash")]
    [InlineData("\"image\":\" i\"", "image: Invalid value: \" i\": must not have leading or trailing whitespace")]
    public void A_container_asks_for_what_there_is(string part, string messages) => Samples.Create("Pod",
        Pod(part.StartsWith("\"image\"", StringComparison.Ordinal) ? "\"name\":\"c\"," + part : C + "," + part), Each(messages, "spec.containers[0]."));

    static string Each(string messages, string prefix) => messages.Length == 0 ? "" : string.Join('|', messages.Split('|').Select(m => prefix + m));

    [Theory]
    [InlineData(",\"nodeName\":\"n\",\"schedulingGates\":[{\"name\":\"g\"}]", "nodeName: Forbidden: cannot be set until all schedulingGates have been cleared")]
    [InlineData(",\"dnsPolicy\":\"None\"", "dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None")]
    [InlineData(",\"dnsConfig\":{\"nameservers\":[\"010.0.0.1\",\"::ffff:1.2.3.4\",\"x\"],\"searches\":[\".\",\"_a.b.\",\"A\"]}",
        "dnsConfig.nameservers[0]: Invalid value: \"010.0.0.1\": must not have leading 0s|dnsConfig.nameservers[1]: Invalid value: \"::ffff:1.2.3.4\": must not be an IPv4-mapped IPv6 address|dnsConfig.nameservers[2]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)|dnsConfig.searches[2]: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*')")]
    [InlineData(",\"hostUsers\":false,\"hostPID\":true,\"hostIPC\":true", "HostPID: Forbidden: when `hostUsers` is false|HostIPC: Forbidden: when `hostUsers` is false")]
    [InlineData(",\"os\":{\"name\":\"windows\"},\"hostPID\":true,\"securityContext\":{\"fsGroup\":1}", "hostPID: Forbidden: cannot be set for a windows pod|securityContext.fsGroup: Forbidden: cannot be set for a windows pod")]
    [InlineData(",\"os\":{\"name\":\"linux\"},\"securityContext\":{\"windowsOptions\":{}}", "securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod")]
    [InlineData(",\"os\":{\"name\":\"plan9\"}", "os: Unsupported value: \"plan9\": supported values: \"linux\", \"windows\"")]
    [InlineData(",\"securityContext\":{\"windowsOptions\":{\"hostProcess\":true}}", "hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers")]
    [InlineData(",\"securityContext\":{\"supplementalGroupsPolicy\":\"Some\",\"seLinuxChangePolicy\":\"Never\"}",
        "securityContext.supplementalGroupsPolicy: Unsupported value: \"Some\": supported values: \"Merge\", \"Strict\"|securityContext.seLinuxChangePolicy: Unsupported value: \"Never\": supported values: \"MountOption\", \"Recursive\"")]
    [InlineData(",\"hostNetwork\":true,\"securityContext\":{\"sysctls\":[{\"name\":\"net.ipv4.ip_forward\",\"value\":\"1\"}]}", "securityContext.sysctls[0].name: Invalid value: \"net.ipv4.ip_forward\": may not be specified when 'hostNetwork' is true")]
    [InlineData(",\"hostnameOverride\":\"a.b\",\"hostNetwork\":true", "hostnameOverride: Forbidden: may not be set when `hostNetwork` is true")]
    [InlineData(",\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"z\",\"whenUnsatisfiable\":\"DoNotSchedule\",\"matchLabelKeys\":[\"a\"]}]",
        "topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set")]
    [InlineData(",\"affinity\":{\"podAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":\"z\",\"labelSelector\":{},\"matchLabelKeys\":[\"a\"],\"mismatchLabelKeys\":[\"a\"]}]}}",
        "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and mismatchLabelKeys")]
    [InlineData(",\"resources\":{\"requests\":{\"cpu\":\"1\"},\"claims\":[{\"name\":\"a\"}]}", "resources.claims: Forbidden: claims cannot be set for Resources at pod-level")]
    [InlineData(",\"resources\":{\"requests\":{\"ephemeral-storage\":\"1\"}}", "resources.requests[ephemeral-storage]: Unsupported value: \"ephemeral-storage\": supported values: \"cpu\", \"hugepages-\", \"memory\"")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"image\":{\"reference\":\"\"}}]", "volumes[0].image.reference: Required value")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"downwardAPI\":{\"items\":[{\"path\":\"..a\"}]}}]",
        "volumes[0].downwardAPI.path: Invalid value: \"..a\": must not start with '..'|volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"projected\":{\"sources\":[{\"secret\":{\"name\":\"a\",\"items\":[{\"key\":\"k\",\"path\":\"p\"}]}},{\"configMap\":{\"name\":\"b\",\"items\":[{\"key\":\"k\",\"path\":\"p\"}]}}]}}]",
        "volumes[0].projected: Invalid value: \"b\": conflicting duplicate paths")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"projected\":{\"sources\":[{\"serviceAccountToken\":{\"path\":\"t\",\"expirationSeconds\":1}}]}}]",
        "volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes|volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"projected\":{\"sources\":[{\"podCertificate\":{\"signerName\":\"example.com/a\",\"keyType\":\"ED25519\",\"keyPath\":\"k\",\"maxExpirationSeconds\":3599}}]}}]",
        "volumes[0].projected.sources[0].podCertificate.maxExpirationSeconds: Invalid value: 3599: if provided, maxExpirationSeconds must be >= 3600")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"projected\":{\"sources\":[{\"podCertificate\":{\"signerName\":\"example.com/a\",\"keyType\":\"ED25519\",\"keyPath\":\"k\",\"maxExpirationSeconds\":7862401}}]}}]",
        "volumes[0].projected.sources[0].podCertificate.maxExpirationSeconds: Invalid value: 7862401: if provided, maxExpirationSeconds must be <= 7862400")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"emptyDir\":{\"sizeLimit\":\"-1\"}}]", "volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"ephemeral\":{}}]", "volumes[0].ephemeral.volumeClaimTemplate: Required value")]
    [InlineData(",\"volumes\":[{\"name\":\"v\",\"ephemeral\":{\"volumeClaimTemplate\":{\"metadata\":{\"name\":\"a\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1\"}}}}}}]",
        "volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set")]
    [InlineData(",\"overhead\":{\"foo\":\"1\"}", "overhead.limits[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified|overhead.limits[foo]: Invalid value: \"foo\": must be a standard resource for containers")]
    public void A_pod_is_told_what_is_wrong(string more, string messages) => Samples.Create("Pod", Pod(C, more), Each(messages, "spec."));

    [Theory]
    [InlineData("\"controller.kubernetes.io/pod-deletion-cost\":\"+1\"", "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: \"+1\": must be a 32bit integer")]
    [InlineData("\"controller.kubernetes.io/pod-deletion-cost\":\"-10\"", "")]
    [InlineData("\"container.apparmor.security.beta.kubernetes.io/d\":\"runtime/default\"", "metadata.annotations[container.apparmor.security.beta.kubernetes.io/d]: Invalid value: \"d\": container not found")]
    [InlineData("\"container.apparmor.security.beta.kubernetes.io/c\":\"unconfined\"", "spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match")]
    public void Annotations_agree_with_fields(string annotation, string messages) => Samples.Create("Pod",
        "\"metadata\":{\"name\":\"x\",\"namespace\":\"default\",\"annotations\":{" + annotation + "}}," + Pod(C + ",\"securityContext\":{\"appArmorProfile\":{\"type\":\"RuntimeDefault\"}}"), messages);

    [Fact]
    public void A_template_may_leave_open_what_a_Pod_has_to_say() => Samples.Create("PodTemplate",
        "\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\" i\"}],\"volumes\":[{\"name\":\"v\",\"image\":{\"reference\":\"\"}}]}}", "");

    const string Frozen = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        + "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";

    [Theory]
    [InlineData("", ",\"nodeName\":\"n\"", Frozen + "+  nodeName: \"n\"\n")]
    [InlineData("", ",\"activeDeadlineSeconds\":10", "")]
    [InlineData(",\"activeDeadlineSeconds\":10", ",\"activeDeadlineSeconds\":20", "spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value")]
    [InlineData(",\"activeDeadlineSeconds\":10", "", "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value")]
    [InlineData("", ",\"tolerations\":[{\"key\":\"a\",\"operator\":\"Exists\"}]", "")]
    [InlineData(",\"tolerations\":[{\"key\":\"a\",\"operator\":\"Exists\"}]", "", "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds")]
    [InlineData("", ",\"schedulingGates\":[{\"name\":\"g\"}]", "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'")]
    [InlineData(",\"schedulingGates\":[{\"name\":\"g\"}],\"nodeSelector\":{\"a\":\"b\"}", ",\"nodeSelector\":{\"a\":\"c\"}", "spec.nodeSelector: Invalid value: {\"a\":\"c\"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)")]
    [InlineData(",\"hostAliases\":[{\"ip\":\"010.0.0.1\",\"hostnames\":[\"a\"]}]", ",\"hostAliases\":[{\"ip\":\"010.0.0.1\",\"hostnames\":[\"a\"]}],\"activeDeadlineSeconds\":10", "")]
    public void A_pod_changes_little(string before, string after, string messages) => Samples.Change("Pod", Pod(C, before), Pod(C, after), messages);

    static string With(string ephemeral) => Pod(C, ",\"ephemeralContainers\":[" + ephemeral + "]");

    [Theory]
    [InlineData("{\"name\":\"d\",\"image\":\"i\",\"targetContainerName\":\"c\"}", "")]
    [InlineData("{\"name\":\"c\",\"image\":\"i\",\"targetContainerName\":\"d\"}", "spec.ephemeralContainers[0].name: Duplicate value: \"c\"|spec.ephemeralContainers[0].targetContainerName: Not found: \"d\"")]
    [InlineData("{\"name\":\"d\",\"image\":\"i\",\"ports\":[{\"containerPort\":80}],\"resources\":{\"limits\":{\"cpu\":\"1\"}},\"livenessProbe\":{\"tcpSocket\":{\"port\":1}},\"lifecycle\":{}}",
        "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container|spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container|spec.ephemeralContainers[0].livenessProbe: Forbidden: cannot be set for an Ephemeral Container|spec.ephemeralContainers[0].lifecycle: Forbidden: cannot be set for an Ephemeral Container")]
    public void A_container_for_a_look_has_little(string ephemeral, string messages) => Samples.Change("Pod", Pod(C), With(ephemeral), messages, "ephemeralcontainers");

    [Theory]
    [InlineData("{\"name\":\"d\",\"image\":\"i\"}", "{\"name\":\"d\",\"image\":\"j\"}", "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be changed\n-  image: \"i\"\n+  image: \"j\"\n-  imagePullPolicy")]
    [InlineData("{\"name\":\"d\",\"image\":\"i\"}", "{\"name\":\"e\",\"image\":\"i\"}", "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be removed\n")]
    public void A_container_for_a_look_stays(string before, string after, string message) =>
        Assert.StartsWith(message.Split("-  imagePullPolicy")[0], Assert.Single(Samples.Told(Machinery.Validate.Rules.Update(Samples.Read("Pod", Samples.Meta + "," + With(after)), Samples.Read("Pod", Samples.Meta + "," + With(before)), "ephemeralcontainers"))));

    const string Ended = "\"status\":{\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":{\"exitCode\":1}}}]}", Runs = "\"status\":{\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"running\":{}}}]}";

    [Theory]
    [InlineData("Never", C, "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state")]
    [InlineData("OnFailure", C, "")]
    [InlineData("Always", C, "")]
    [InlineData("Never", C + ",\"restartPolicy\":\"Always\"", "")]
    public void What_has_ended_for_good_does_not_run_again(string policy, string container, string messages)
    {
        string spec = Pod(container, ",\"restartPolicy\":\"" + policy + "\"");
        Samples.Change("Pod", spec + "," + Ended, spec + "," + Runs, messages, "status");
    }

    [Theory]
    [InlineData("\"podIPs\":[{\"ip\":\"10.0.0.1\"},{\"ip\":\"fd00::1\"}]", "")]
    [InlineData("\"podIPs\":[{\"ip\":\"10.0.0.1\"},{\"ip\":\"10.0.0.2\"}]", "status.podIPs: Invalid value: [{\"ip\":\"10.0.0.1\"},{\"ip\":\"10.0.0.2\"}]: may specify no more than one IP for each IP family")]
    [InlineData("\"podIPs\":[{\"ip\":\"nowhere\"}]", "status.podIPs[0]: Invalid value: \"nowhere\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    [InlineData("\"hostIP\":\"10.0.0.1\",\"hostIPs\":[{\"ip\":\"10.0.0.2\"}]", "status.hostIPs[0].ip: Invalid value: \"10.0.0.2\": must be equal to `hostIP`")]
    [InlineData("\"qosClass\":\"Burstable\"", "status.qosClass: Invalid value: \"Burstable\": field is immutable")]
    [InlineData("\"resourceClaimStatuses\":[{\"name\":\"a\"}]", "status.resourceClaimStatuses[0].name: Invalid value: \"a\": must match the name of an entry in `spec.resourceClaims`")]
    public void A_kubelet_reports_what_can_be(string status, string messages) => Samples.Change("Pod", Pod(C), Pod(C) + ",\"status\":{" + status + "}", messages, "status");
}
