using System.Text;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Admission.PodSecurity;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Each check of the Pod Security Standards, by what it says in upstream's words.</summary>
public sealed class PodChecksTests
{
    /// <summary>All that the profile has against a Pod; "" when nothing.</summary>
    static string Against(string profile, string spec, string metadata = "{}")
    {
        var pod = (Pod)Pod.Info.Decode(Encoding.UTF8.GetBytes($$"""{"metadata":{{metadata}},"spec":{{spec}}}"""));
        string[] parts = profile.Split(':');
        var found = PodChecks.Check(new(SecurityProfile.ParseLevel(parts[0])!.Value, SecurityProfile.ParseVersion(parts[1])!.Value), pod.Metadata, pod.Spec);
        return string.Join(", ", found.Select(v => $"{v.Reason} ({v.Detail})"));
    }

    static string One(string security, string more = "", string pod = "") => $$"""{"containers":[{"name":"a","securityContext":{{security}}{{more}}}]{{pod}}}""";

    public static TheoryData<string, string, string> Baseline => new()
    {
        { "v1.36", """{"hostNetwork":true,"hostPID":true,"hostIPC":true,"containers":[{"name":"a"}]}""", "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)" },
        { "v1.0", """{"volumes":[{"name":"x","hostPath":{"path":"/"}},{"name":"y","hostPath":{"path":"/"}},{"name":"z","emptyDir":{}}]}""", "hostPath volumes (volumes \"x\", \"y\")" },
        { "v1.0", One("{\"privileged\":true}", "", ",\"initContainers\":[{\"name\":\"i\",\"securityContext\":{\"privileged\":true}}],\"ephemeralContainers\":[{\"name\":\"e\",\"securityContext\":{\"privileged\":true}}]"), "privileged (containers \"i\", \"a\", \"e\" must not set securityContext.privileged=true)" },
        { "v1.0", One("{\"capabilities\":{\"add\":[\"NET_RAW\",\"CHOWN\",\"BPF\"]}}"), "non-default capabilities (container \"a\" must not include \"BPF\", \"NET_RAW\" in securityContext.capabilities.add)" },
        { "v1.0", One("{}", ",\"ports\":[{\"containerPort\":1,\"hostPort\":8080},{\"containerPort\":2,\"hostPort\":80},{\"containerPort\":3}]"), "hostPort (container \"a\" uses hostPorts 80, 8080)" },
        { "v1.34", One("{}", ",\"livenessProbe\":{\"httpGet\":{\"port\":1,\"host\":\"h1\"}},\"lifecycle\":{\"preStop\":{\"tcpSocket\":{\"port\":1,\"host\":\"h2\"}}}"), "probe or lifecycle host (container \"a\" uses probe or lifecycle hosts \"h1\", \"h2\")" },
        { "v1.33", One("{}", ",\"livenessProbe\":{\"httpGet\":{\"port\":1,\"host\":\"h1\"}}"), "" },
        { "v1.36", One("{\"procMount\":\"Unmasked\"}"), "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")" },
        { "v1.36", One("{\"procMount\":\"Unmasked\"}", "", ",\"hostUsers\":false"), "" },
        { "v1.34", One("{\"procMount\":\"Unmasked\"}", "", ",\"hostUsers\":false"), "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")" },
        { "v1.30", One("{\"seLinuxOptions\":{\"type\":\"container_engine_t\",\"user\":\"u\"}}", "", ",\"securityContext\":{\"seLinuxOptions\":{\"role\":\"r\"}}"), "seLinuxOptions (pod and container \"a\" set forbidden securityContext.seLinuxOptions: type \"container_engine_t\"; user may not be set; role may not be set)" },
        { "v1.31", One("{\"seLinuxOptions\":{\"type\":\"container_engine_t\"}}"), "" },
        { "v1.19", One("{\"seccompProfile\":{\"type\":\"Unconfined\"}}", "", ",\"securityContext\":{\"seccompProfile\":{\"type\":\"Unconfined\"}}"), "seccompProfile (pod and container \"a\" must not set securityContext.seccompProfile.type to \"Unconfined\")" },
        { "v1.36", One("{\"seccompProfile\":{\"type\":\"Localhost\"}}"), "" },
        { "v1.26", One("{}", "", ",\"securityContext\":{\"sysctls\":[{\"name\":\"net.ipv4.ip_local_reserved_ports\"},{\"name\":\"kernel.shm_rmid_forced\"},{\"name\":\"other\"}]}"), "forbidden sysctls (net.ipv4.ip_local_reserved_ports, other)" },
        { "v1.32", One("{}", "", ",\"securityContext\":{\"sysctls\":[{\"name\":\"net.ipv4.ip_local_reserved_ports\"},{\"name\":\"net.ipv4.tcp_keepalive_time\"},{\"name\":\"net.ipv4.tcp_rmem\"}]}"), "" },
        { "v1.31", One("{}", "", ",\"securityContext\":{\"sysctls\":[{\"name\":\"net.ipv4.tcp_keepalive_time\"},{\"name\":\"net.ipv4.tcp_rmem\"}]}"), "forbidden sysctls (net.ipv4.tcp_rmem)" },
        { "v1.0", One("{\"windowsOptions\":{\"hostProcess\":true}}", "", ",\"securityContext\":{\"windowsOptions\":{\"hostProcess\":true}}"), "hostProcess (pod and container \"a\" must not set securityContext.windowsOptions.hostProcess=true)" },
        { "v1.0", One("{\"appArmorProfile\":{\"type\":\"Unconfined\"}}"), "forbidden AppArmor profile (container \"a\" must not set AppArmor profile type to \"Unconfined\")" },
        { "v1.0", One("{\"allowPrivilegeEscalation\":true,\"runAsUser\":0}"), "" },
    };

    [Theory]
    [MemberData(nameof(Baseline))]
    public void Baseline_keeps_known_ways_out_shut(string version, string spec, string expected)
    {
        Assert.Equal(expected, Against("baseline:" + version, spec));
        Assert.Equal("", Against("privileged:" + version, spec));
    }

    [Fact]
    public void Annotations_named_profiles_once()
    {
        const string old = """{"annotations":{"container.apparmor.security.beta.kubernetes.io/a":"unconfined","container.apparmor.security.beta.kubernetes.io/b":"localhost/x","seccomp.security.alpha.kubernetes.io/pod":"unconfined","container.seccomp.security.alpha.kubernetes.io/a":"docker/default"}}""";
        Assert.Equal("forbidden AppArmor profile (annotation must not set AppArmor profile type to \"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\"), seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")",
            Against("baseline:v1.18", One("{}"), old));
        Assert.DoesNotContain("seccomp", Against("baseline:v1.19", One("{}"), old), StringComparison.Ordinal);
    }

    const string Good = "{\"allowPrivilegeEscalation\":false,\"runAsNonRoot\":true,\"capabilities\":{\"drop\":[\"ALL\"]},\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}";

    public static TheoryData<string, string, string> Restricted => new()
    {
        { "latest", One(Good), "" },
        { "v1.36", One("{}"), "allowPrivilegeEscalation != false (container \"a\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"a\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"a\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container \"a\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")" },
        { "v1.0", One("{}"), "runAsNonRoot != true (pod or container \"a\" must set securityContext.runAsNonRoot=true)" },
        { "v1.8", One("{\"runAsNonRoot\":true}"), "allowPrivilegeEscalation != false (container \"a\" must set securityContext.allowPrivilegeEscalation=false)" },
        { "v1.36", One(Good.Replace("[\"ALL\"]", "[\"ALL\"],\"add\":[\"NET_BIND_SERVICE\",\"CHOWN\"]", StringComparison.Ordinal)), "unrestricted capabilities (container \"a\" must not include \"CHOWN\" in securityContext.capabilities.add)" },
        // What the stricter check says again is said once.
        { "v1.36", One(Good.Replace("\"drop\":[\"ALL\"]", "\"add\":[\"BPF\"]", StringComparison.Ordinal)), "unrestricted capabilities (container \"a\" must set securityContext.capabilities.drop=[\"ALL\"]; container \"a\" must not include \"BPF\" in securityContext.capabilities.add)" },
        { "v1.36", One(Good, "", ",\"volumes\":[{\"name\":\"h\",\"hostPath\":{\"path\":\"/\"}},{\"name\":\"n\",\"nfs\":{\"server\":\"s\",\"path\":\"/\"}},{\"name\":\"c\",\"configMap\":{}},{\"name\":\"i\",\"image\":{\"reference\":\"x\"}}]"), "restricted volume types (volumes \"h\", \"n\" use restricted volume types \"hostPath\", \"nfs\")" },
        // Images are no more than what a container runs, in every version since they are volumes.
        { "v1.0", One("{\"runAsNonRoot\":true}", "", ",\"volumes\":[{\"name\":\"i\",\"image\":{\"reference\":\"x\"}}]"), "" },
        { "v1.36", One(Good.Replace("\"runAsNonRoot\":true", "\"runAsNonRoot\":false", StringComparison.Ordinal), "", ",\"securityContext\":{\"runAsNonRoot\":false}"), "runAsNonRoot != true (pod and container \"a\" must not set securityContext.runAsNonRoot=false)" },
        { "v1.36", One(Good.Replace("\"runAsNonRoot\":true,", "", StringComparison.Ordinal), "", ",\"securityContext\":{\"runAsNonRoot\":true}"), "" },
        { "v1.36", One(Good.Replace("\"runAsNonRoot\":true", "\"runAsUser\":0", StringComparison.Ordinal), "", ",\"hostUsers\":false"), "" },
        { "v1.34", One(Good.Replace("\"runAsNonRoot\":true", "\"runAsNonRoot\":true,\"runAsUser\":0", StringComparison.Ordinal), "", ",\"hostUsers\":false"), "runAsUser=0 (container \"a\" must not set runAsUser=0)" },
        { "v1.22", One(Good.Replace("\"runAsNonRoot\":true", "\"runAsNonRoot\":true,\"runAsUser\":0", StringComparison.Ordinal)), "" },
        { "v1.36", One(Good, "", ",\"securityContext\":{\"runAsUser\":0}"), "runAsUser=0 (pod must not set runAsUser=0)" },
        { "v1.36", One(Good.Replace("RuntimeDefault", "Unconfined", StringComparison.Ordinal)), "seccompProfile (container \"a\" must not set securityContext.seccompProfile.type to \"Unconfined\")" },
        { "v1.36", One(Good.Replace(",\"seccompProfile\":{\"type\":\"RuntimeDefault\"}", "", StringComparison.Ordinal), "", ",\"securityContext\":{\"seccompProfile\":{\"type\":\"Localhost\"}}"), "" },
        { "v1.36", One("{\"procMount\":\"Unmasked\"," + Good[1..], "", ",\"hostUsers\":false"), "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")" },
        { "v1.25", One("{\"runAsNonRoot\":true}", "", ",\"os\":{\"name\":\"windows\"}"), "" },
        { "v1.24", One("{\"runAsNonRoot\":true}", "", ",\"os\":{\"name\":\"windows\"},\"securityContext\":{\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}"), "allowPrivilegeEscalation != false (container \"a\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"a\" must set securityContext.capabilities.drop=[\"ALL\"])" },
        { "v1.36", One(Good, "", ",\"hostPID\":true"), "host namespaces (hostPID=true)" },
    };

    [Theory]
    [MemberData(nameof(Restricted))]
    public void Restricted_holds_to_what_hardening_recommends(string version, string spec, string expected) => Assert.Equal(expected, Against("restricted:" + version, spec));

    [Theory]
    [InlineData("v1.0", 0)]
    [InlineData("v1.36", 36)]
    [InlineData("v1.100", 100)]
    [InlineData("latest", SecurityProfile.Latest)]
    [InlineData("v1.01", null)]
    [InlineData("v2.0", null)]
    [InlineData("1.2", null)]
    [InlineData("", null)]
    public void Versions_are_those_of_Kubernetes(string text, int? minor) => Assert.Equal(minor, SecurityProfile.ParseVersion(text));
}
