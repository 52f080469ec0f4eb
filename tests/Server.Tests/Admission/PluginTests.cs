using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Admission;
using Hanbae.Server.Admission.Configuration;
using Hanbae.Server.Auth;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Plugins that are off by default, and those about certificates.</summary>
public sealed class PluginTests
{
    static Task<SecureServer> WithAsync(string enable, AdmissionConfiguration? configuration = null) =>
        StartAsync(o => o with { Admission = new() { Enable = enable.Split(',').ToSeq(), Configuration = configuration ?? new() } });

    static Task AnnotateAsync(SecureServer server, string key, string value) => server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default",
        new Namespace { Metadata = new() { Name = "default", Annotations = Map.Of((key, value)) } });

    [Fact]
    public async Task Images_are_always_pulled()
    {
        await using var server = await WithAsync("AlwaysPullImages");
        var pod = await server.MakeAsync(Pod("a") with { Spec = new() { Containers = [new() { Name = "main", Image = "example/app:1", ImagePullPolicy = "Never" }], InitContainers = [new() { Name = "i", Image = "example/app:1" }] } });
        Assert.Equal(("Always", "Always"), (pod.Spec.Containers[0].ImagePullPolicy, pod.Spec.InitContainers[0].ImagePullPolicy));
    }

    [Fact]
    public async Task A_namespaces_Pods_are_kept_on_its_nodes()
    {
        await using var server = await WithAsync("PodNodeSelector", new() { NodeSelectors = new Dictionary<string, string> { ["default"] = "env=test,disk=ssd" } });
        await AnnotateAsync(server, "scheduler.alpha.kubernetes.io/node-selector", "env=test");
        Assert.Equal("test", (await server.MakeAsync(Pod("a"))).Spec.NodeSelector["env"]);
        async Task<string> RefusedAsync(string key, string value)
        {
            var answer = await server.CreateAsync(Admin, Pod("b") with { Spec = Pod("b").Spec with { NodeSelector = Map.Of((key, value)) } });
            Assert.Equal(403, answer.Code);
            return Message(answer);
        }
        Assert.EndsWith("pod node label selector conflicts with its namespace node label selector", await RefusedAsync("env", "prod"), StringComparison.Ordinal);
        Assert.EndsWith("pod node label selector labels conflict with its namespace whitelist", await RefusedAsync("disk", "slow"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_namespace_says_what_its_Pods_may_tolerate()
    {
        await using var server = await WithAsync("PodTolerationRestriction", new() { AllowedTolerations = [new() { Key = "a", Operator = "Exists" }, new() { Key = "node.kubernetes.io/not-ready", Operator = "Exists" }, new() { Key = "node.kubernetes.io/unreachable", Operator = "Exists" }] });
        await AnnotateAsync(server, "scheduler.alpha.kubernetes.io/defaultTolerations", """[{"key":"a","operator":"Equal","value":"x","effect":"NoSchedule"}]""");
        Assert.Equal(["a", "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"], (await server.MakeAsync(Pod("a"))).Spec.Tolerations.Select(t => t.Key));
        var refused = await server.CreateAsync(Admin, Pod("b") with { Spec = Pod("b").Spec with { Tolerations = [new() { Key = "b", Operator = "Exists" }] } });
        Assert.Equal((403, "pods \"b\" is forbidden: pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist"), (refused.Code, Message(refused)));
    }

    [Fact]
    public async Task Pods_that_ask_for_devices_tolerate_their_taints()
    {
        await using var server = await WithAsync("ExtendedResourceToleration");
        var amounts = Map.Of(("example.com/gpu", Quantity.Parse("1")), ("cpu", Quantity.Parse("1")));
        var pod = await server.MakeAsync(Pod("a") with { Spec = new() { Containers = [new() { Name = "main", Image = "example/app:1", Resources = new() { Requests = amounts, Limits = amounts } }] } });
        Assert.Contains(pod.Spec.Tolerations, t => t is { Key: "example.com/gpu", Operator: "Exists", Effect: "NoSchedule" });
        Assert.DoesNotContain(pod.Spec.Tolerations, t => t.Key == "cpu");
    }

    [Fact]
    public async Task Events_beyond_the_rate_are_answered_429()
    {
        await using var server = await WithAsync("EventRateLimit", new() { EventLimits = [new("Namespace", 0.0001, 2)] });
        Event Of(string name, string ns = "default") => new() { Metadata = new() { Name = name, Namespace = ns }, InvolvedObject = new() { Kind = "Pod", Name = "p", Namespace = ns }, Reason = "r", Message = "m", Type = "Normal" };
        await server.MakeAsync(Of("a"));
        await server.MakeAsync(Of("b"));
        var refused = await server.CreateAsync(Admin, Of("c"));
        Assert.Equal((429, "limit reached on type Namespace for key default"), (refused.Code, Message(refused)));
        await server.MakeAsync(Of("c", "kube-system"));
    }

    [Fact]
    public async Task An_owner_is_named_by_those_who_may_delete()
    {
        await using var server = await WithAsync("OwnerReferencesPermissionEnforcement");
        var owner = await server.MakeAsync(new ConfigMap { Metadata = new() { Name = "owner", Namespace = "default" } });
        await server.BindAsync("maker", User("maker"), Rule("create,update,get", "", "configmaps"));
        await server.BindAsync("deleter", User("deleter"), Rule("create,update,get,delete", "", "configmaps"));
        ConfigMap Owned(string name, bool block = false) => new() { Metadata = new() { Name = name, Namespace = "default", OwnerReferences = [new() { ApiVersion = "v1", Kind = "ConfigMap", Name = "owner", Uid = owner.Metadata.Uid, BlockOwnerDeletion = block }] } };
        var refused = await server.CreateAsync(new("maker", [Groups.Authenticated]), Owned("a"));
        Assert.Equal((403, true), (refused.Code, Message(refused).Contains("cannot set an ownerRef on a resource you can't delete: ", StringComparison.Ordinal)));
        var deleter = new Identity("deleter", [Groups.Authenticated]);
        Assert.Equal(201, (await server.CreateAsync(deleter, Owned("a"))).Code);
        var blocked = await server.CreateAsync(deleter, Owned("b", block: true));
        Assert.Contains("cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ", Message(blocked), StringComparison.Ordinal);
    }

    static CertificateSigningRequest Request(string name, string signer, string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string pem = new CertificateRequest(subject, key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        return new() { Metadata = new() { Name = name }, Spec = new() { Request = new(Encoding.UTF8.GetBytes(pem + "\n")), SignerName = signer, Usages = ["client auth"] } };
    }

    [Fact]
    public async Task Certificates_are_approved_and_signed_by_those_who_may_for_the_signer()
    {
        await using var server = await StartAsync();
        var masters = await server.CreateAsync(Admin, Request("m", "kubernetes.io/kube-apiserver-client", "CN=a, O=system:masters"));
        Assert.Equal((403, true), (masters.Code, Message(masters).EndsWith("use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed", StringComparison.Ordinal)));

        var made = await server.MakeAsync(Request("c", "example.com/mine", "CN=a"));
        await server.BindAsync("updater", User("updater"), Rule("get,update,patch", "certificates.k8s.io", "certificatesigningrequests,certificatesigningrequests/approval,certificatesigningrequests/status"));
        var updater = new Identity("updater", [Groups.Authenticated]);
        var approved = made with { Status = new() { Conditions = [new() { Type = "Approved", Status = "True", Reason = "r" }] } };
        string path = Resources.Of<CertificateSigningRequest>().Path("", "c");
        var refused = await server.CallAsync(updater, "PUT", path + "/approval", approved);
        Assert.Equal((403, "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: user not permitted to approve requests with signerName \"example.com/mine\""), (refused.Code, Message(refused)));
        await server.BindAsync("approver", User("updater"), Rule("approve", "certificates.k8s.io", "signers", "example.com/*"));
        Assert.Equal(200, (await server.CallAsync(updater, "PUT", path + "/approval", approved)).Code);

        var now = await server.GetAsync<CertificateSigningRequest>("", "c");
        var unsigned = await server.CallAsync(updater, "PUT", path + "/status", now with { Status = now.Status with { Conditions = now.Status.Conditions.Add(new() { Type = "Failed", Status = "True", Reason = "r" }) } });
        Assert.Equal((403, "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: user not permitted to sign requests with signerName \"example.com/mine\""), (unsigned.Code, Message(unsigned)));
    }

    [Fact]
    public async Task External_addresses_may_be_kept_but_not_claimed()
    {
        await using var server = await WithAsync("DenyServiceExternalIPs");
        var refused = await server.CreateAsync(Admin, new Service { Metadata = new() { Name = "s", Namespace = "default" }, Spec = new() { ExternalIPs = ["192.0.2.1"], Ports = [new() { Port = 80 }] } });
        Assert.Equal((403, "services \"s\" is forbidden: Use of external IPs is denied by admission control"), (refused.Code, Message(refused)));
    }

    [Fact]
    public async Task A_namespace_is_made_with_its_first_object()
    {
        await using var server = await WithAsync("NamespaceAutoProvision");
        await server.MakeAsync(new ConfigMap { Metadata = new() { Name = "a", Namespace = "fresh" } });
        Assert.Equal("Active", (await server.GetAsync<Namespace>("", "fresh")).Status.Phase);
    }

    [Fact]
    public async Task A_Pod_learns_its_zone_when_it_gets_its_node()
    {
        await using var server = await StartAsync();
        await server.MakeAsync(new Node { Metadata = new() { Name = "n", Labels = Map.Of(("topology.kubernetes.io/zone", "z1"), ("topology.kubernetes.io/region", "r1"), ("other", "x")) } });
        await server.MakeAsync(Pod("a"));
        Good(await server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/pods/a/binding", new Binding { Metadata = new() { Name = "a" }, Target = new() { Kind = "Node", Name = "n" } }));
        var pod = await server.GetAsync<Pod>("default", "a");
        Assert.Equal(("n", "z1", "r1", false), (pod.Spec.NodeName, pod.Metadata.Labels["topology.kubernetes.io/zone"], pod.Metadata.Labels["topology.kubernetes.io/region"], pod.Metadata.Labels.ContainsKey("other")));
    }

    [Fact]
    public async Task What_is_disabled_has_no_say()
    {
        await using var server = await StartAsync(o => o with { Admission = new() { Disable = ["ServiceAccount", "DefaultTolerationSeconds"] } });
        var pod = await server.MakeAsync(Pod("a"));
        Assert.Equal(("", 0), (pod.Spec.ServiceAccountName, pod.Spec.Tolerations.Count));
    }
}
