using Hanbae.Api;
using Hanbae.Server.Admission;

namespace Hanbae.Server.Tests.Kinds;

/// <summary>What is taken and yet seldom meant is told in a Warning header.</summary>
public sealed class WarningTests
{
    const string Services = "/api/v1/namespaces/default/services", Volumes = "/api/v1/persistentvolumes", Claims = "/api/v1/namespaces/default/persistentvolumeclaims";

    static string Service(string spec) => $$$"""{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],{{{spec}}}}}""";
    static string Volume(string spec, string annotations = "{}") => $$$"""{"metadata":{"name":"v","annotations":{{{annotations}}}},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],{{{spec}}}}}""";

    public static TheoryData<string, string, string[]> Cases => new()
    {
        { Services, Service("\"clusterIP\":\"None\",\"sessionAffinity\":\"ClientIP\""), ["spec.SessionAffinity is ignored for headless services"] },
        { Services, Service("\"clusterIP\":\"None\",\"externalIPs\":[\"2001:DB8::1\"]"),
            ["spec.externalIPs is ignored for headless services", "spec.externalIPs is deprecated", "spec.externalIPs[0]: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")"] },
        { Services, Service("\"externalIPs\":[\"192.0.2.1\"]"), ["spec.externalIPs is deprecated"] },
        { Services, Service("\"type\":\"LoadBalancer\",\"loadBalancerSourceRanges\":[\"2001:DB8::/32\",\"10.1.0.0/16\"]"),
            ["spec.loadBalancerSourceRanges[0]: IPv6 CIDR value \"2001:DB8::/32\" should be in RFC 5952 canonical format (\"2001:db8::/32\")"] },
        { Services, Service("\"externalName\":\"example.com\""), ["spec.externalName is ignored when spec.type is not \"ExternalName\""] },
        { Services, Service("\"trafficDistribution\":\"PreferClose\""), ["spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\""] },
        { Services, Service("\"clusterIP\":\"None\""), [] },
        { "/api/v1/nodes", """{"metadata":{"name":"n"},"spec":{"externalID":"x","podCIDRs":["2001:DB8::/64"],"podCIDR":"2001:DB8::/64"}}""",
            ["spec.externalID: this field is deprecated, and is unused by Kubernetes", "spec.podCIDRs[0]: IPv6 CIDR value \"2001:DB8::/64\" should be in RFC 5952 canonical format (\"2001:db8::/64\")"] },
        { "/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"a","annotations":{"kubernetes.io/enforce-mountable-secrets":"false"}}}""",
            ["metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"] },
        { "/apis/node.k8s.io/v1/runtimeclasses", """{"metadata":{"name":"r"},"handler":"h","scheduling":{"nodeSelector":{"beta.kubernetes.io/os":"linux"}}}""",
            ["scheduling.nodeSelector: deprecated since v1.14; use \"kubernetes.io/os\" instead"] },
        { Volumes, Volume("\"hostPath\":{\"path\":\"/x\"},\"persistentVolumeReclaimPolicy\":\"Recycle\""),
            ["spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."] },
        { Volumes, Volume("\"rbd\":{\"monitors\":[\"m\"],\"image\":\"i\"}", """{"volume.beta.kubernetes.io/mount-options":"ro"}"""),
            ["metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use \"mountOptions\" attribute instead", "spec.rbd: deprecated in v1.28, non-functional in v1.31+"] },
        { Volumes, Volume("\"hostPath\":{\"path\":\"/x\"},\"nodeAffinity\":{\"required\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"beta.kubernetes.io/os\",\"operator\":\"Exists\"}]}]}}"),
            ["spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use \"kubernetes.io/os\" instead"] },
        { Claims, """{"metadata":{"name":"c","annotations":{"volume.beta.kubernetes.io/storage-class":"x"}},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1500m"}}}}""",
            ["metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use \"storageClassName\" attribute instead", "spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer"] },
        { "/apis/apps/v1/namespaces/default/replicasets", """{"metadata":{"name":"a.b"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"nodeSelector":{"beta.kubernetes.io/os":"linux"},"containers":[{"name":"c","image":"i"}]}}}}""",
            ["metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')]",
                "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead"] },
    };

    [Theory, MemberData(nameof(Cases))]
    public async Task What_is_ill_advised_is_told(string path, string body, string[] told)
    {
        await using var server = await TestServer.StartAsync();

        var answer = await server.PostAsync(path, body);

        Assert.Equal((201, ""), (answer.Code, answer.Code == 201 ? "" : answer.Body));
        Assert.Equal(told.Select(t => $"299 - \"{t.Replace("\"", "\\\"", StringComparison.Ordinal)}\""), answer.Headers.TryGetValues("Warning", out var warnings) ? warnings : []);
    }

    [Fact]
    public async Task An_account_that_had_the_annotation_before_is_told_nothing_of_it()
    {
        const string Accounts = "/api/v1/namespaces/default/serviceaccounts";
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Accounts, """{"metadata":{"name":"a","annotations":{"kubernetes.io/enforce-mountable-secrets":"true"}}}""");

        var answer = await server.SendAsync("PATCH", Accounts + "/a", """{"metadata":{"labels":{"a":"b"}}}""", "application/merge-patch+json");

        Assert.Equal((200, false), (answer.Code, answer.Headers.Contains("Warning")));
    }

    [Fact]
    public async Task Who_writes_a_status_is_told_nothing()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Services, Service("\"clusterIP\":\"None\",\"sessionAffinity\":\"ClientIP\""));

        var answer = await server.SendAsync("PATCH", Services + "/s/status", """{"status":{"conditions":[]}}""", "application/merge-patch+json");

        Assert.Equal(200, answer.Code);
        Assert.False(answer.Headers.Contains("Warning"));
    }

    [Fact]
    public async Task What_has_to_be_tried_again_is_told_once()
    {
        var meddler = new Meddler();
        await using var server = await TestServer.StartAsync(o => o with { Admission = [meddler] });
        await server.PostAsync(Services, Service("\"clusterIP\":\"None\",\"sessionAffinity\":\"ClientIP\""));
        meddler.Meddle = () => server.SendAsync("PATCH", Services + "/s", """{"metadata":{"labels":{"a":"b"}}}""", "application/merge-patch+json");

        var answer = await server.SendAsync("PATCH", Services + "/s", """{"metadata":{"labels":{"c":"d"}}}""", "application/merge-patch+json");

        Assert.Equal((200, 3), (answer.Code, meddler.Seen));
        Assert.Equal("299 - \"spec.SessionAffinity is ignored for headless services\"", Assert.Single(answer.Headers.GetValues("Warning")));
    }

    /// <summary>Has another write come before the one that it looks at, once.</summary>
    sealed class Meddler : IValidates
    {
        public Func<Task>? Meddle { get; set; }
        public int Seen { get; private set; }

        public bool Handles(Operation operation, GroupResource resource, string subresource) => operation == Operation.Update;

        public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
        {
            Seen++;
            if (Meddle is not { } meddle) return;
            Meddle = null;
            await meddle();
        }
    }
}
