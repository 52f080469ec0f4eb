using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Tests.Certificates;
using static Hanbae.Server.Tests.Auth.SecureServer;
using CSIDriver = Hanbae.Api.Storage.V1.CSIDriver;

namespace Hanbae.Server.Tests.Auth;

public sealed class NodeAuthorizerTests : IAsyncLifetime
{
    static readonly Identity Node1 = new("system:node:n1", ["system:nodes", "system:authenticated"]), Node2 = new("system:node:n2", ["system:nodes", "system:authenticated"]);
    SecureServer _server = null!;

    public async Task InitializeAsync() => _server = await StartAsync();
    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task<Pod> PodOnAsync(string node, string name = "web")
    {
        var pod = Pod(name);
        return await _server.MakeAsync(pod with
        {
            Spec = pod.Spec with { NodeName = node, Volumes = [new() { Name = "s", Secret = new() { SecretName = "mine" } }] },
        });
    }

    [Fact]
    public async Task A_node_reads_the_secrets_of_its_own_Pods_only()
    {
        await _server.MakeAsync(new Secret { Metadata = new() { Name = "mine", Namespace = "default" } });
        await _server.MakeAsync(new Secret { Metadata = new() { Name = "other", Namespace = "default" } });
        await PodOnAsync("n1");

        Assert.Equal(200, (await _server.CallAsync(Node1, "GET", "/api/v1/namespaces/default/secrets/mine")).Code);
        var other = await _server.CallAsync(Node1, "GET", "/api/v1/namespaces/default/secrets/other");
        Assert.Equal("secrets \"other\" is forbidden: User \"system:node:n1\" cannot get resource \"secrets\" in API group \"\" in the namespace \"default\": no relationship found between node 'n1' and this object", Message(other));
        Assert.Equal(403, (await _server.CallAsync(Node2, "GET", "/api/v1/namespaces/default/secrets/mine")).Code);
        Assert.Equal(403, (await _server.CallAsync(Node1, "GET", "/api/v1/namespaces/default/secrets")).Code);
        Assert.Equal(200, (await _server.CallAsync(Node1, "GET", "/api/v1/namespaces/default/secrets", null, ("fieldSelector", "metadata.name=mine"))).Code);
    }

    [Fact]
    public async Task A_node_lists_Pods_by_its_name_only()
    {
        Assert.Equal(200, (await _server.CallAsync(Node1, "GET", "/api/v1/pods", null, ("fieldSelector", "spec.nodeName=n1"))).Code);
        Assert.Equal(403, (await _server.CallAsync(Node1, "GET", "/api/v1/pods", null, ("fieldSelector", "spec.nodeName=n2"))).Code);
        Assert.Equal(403, (await _server.CallAsync(Node1, "GET", "/api/v1/pods")).Code);
    }

    [Fact]
    public async Task A_node_is_itself_and_no_other()
    {
        Assert.Equal(201, (await _server.CreateAsync(Node1, new Node { Metadata = new() { Name = "n1" } })).Code);
        var other = await _server.CreateAsync(Node1, new Node { Metadata = new() { Name = "n2" } });

        Assert.Equal("nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"", Message(other));
        var labelled = (await _server.GetAsync<Node>("", "n1")) is var node
            ? await _server.CallAsync(Node1, "PUT", "/api/v1/nodes/n1", node with { Metadata = node.Metadata with { Labels = Map.Of(("node-restriction.kubernetes.io/zone", "secure")) } }) : null;
        Assert.Equal("nodes \"n1\" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/zone", Message(labelled!));
    }

    [Theory]
    [InlineData("node-role.kubernetes.io/control-plane", "", false)] // a label without a value is one, too
    [InlineData("example.k8s.io/a", "b", false)]
    [InlineData("team.node-restriction.kubernetes.io/a", "b", false)]
    [InlineData("pool.node.kubernetes.io/a", "b", true)]
    [InlineData("kubelet.kubernetes.io/a", "", true)]
    [InlineData("topology.kubernetes.io/zone", "z", true)]
    [InlineData("example.com/a", "b", true)]
    public async Task Of_Kubernetes_own_labels_a_node_sets_changes_and_removes_a_kubelets_only(string label, string value, bool its)
    {
        static Node Labelled(params (string, string)[] labels) => new() { Metadata = new() { Name = "n1", Labels = Map.Of(labels) } };
        async Task<ApiResult> WriteAsync(Identity user, Node node) =>
            await _server.CallAsync(user, "PUT", "/api/v1/nodes/n1", node with { Spec = (await _server.GetAsync<Node>("", "n1")).Spec }); // the taint of what is not ready
        void AssertTold(ApiResult answer, string why) => Assert.Equal(its ? "" : $"nodes \"n1\" is forbidden: {why}: {label}", Message(answer));

        AssertTold(await _server.CreateAsync(Node1, Labelled((label, value))), "node \"n1\" is not allowed to set the following labels");
        if (its) Good(await _server.DeleteAsync<Node>(Admin, "", "n1"));
        await _server.MakeAsync(Labelled());
        AssertTold(await WriteAsync(Node1, Labelled((label, value))), "is not allowed to modify labels");
        Good(await WriteAsync(Admin, Labelled((label, value))));
        Good(await WriteAsync(Node1, Labelled((label, value), ("example.com/other", "x")))); // what stays is no change
        AssertTold(await WriteAsync(Node1, Labelled((label, "else"))), "is not allowed to modify labels");
        AssertTold(await WriteAsync(Node1, Labelled()), "is not allowed to modify labels");
        Assert.Equal(its ? null : value, (await _server.GetAsync<Node>("", "n1")).Metadata.Labels[label]);
    }

    [Fact]
    public async Task A_node_makes_only_mirror_Pods_on_itself()
    {
        var pod = Pod("static-n1");
        var node = await _server.MakeAsync(new Node { Metadata = new() { Name = "n1" } });
        var plain = await _server.CreateAsync(Node1, pod with { Spec = pod.Spec with { NodeName = "n1" } });
        var owner = new OwnerReference { ApiVersion = "v1", Kind = "Node", Name = "n1", Uid = node.Metadata.Uid, Controller = true };
        var mirror = pod with { Metadata = pod.Metadata with { Annotations = Map.Of(("kubernetes.io/config.mirror", "x")), OwnerReferences = [owner] }, Spec = pod.Spec with { NodeName = "n1" } };
        var elsewhere = await _server.CreateAsync(Node2, mirror);

        Assert.Equal(403, plain.Code);
        Assert.Equal("pods \"static-n1\" is forbidden: node \"n2\" can only create pods with spec.nodeName set to itself", Message(elsewhere));
        async Task RefusedAsync(Pod of, string why) => Assert.Equal("pods \"static-n1\" is forbidden: " + why, Message(await _server.CreateAsync(Node1, of)));
        Pod OwnedBy(params OwnerReference[] owners) => mirror with { Metadata = mirror.Metadata with { OwnerReferences = owners } };
        Pod With(VolumeProjection source) => mirror with { Spec = mirror.Spec with { Volumes = [new() { Name = "v", Projected = new() { Sources = [source] } }] } };
        await RefusedAsync(OwnedBy(), "node \"n1\" can only create pods with an owner reference set to itself");
        await RefusedAsync(OwnedBy(owner with { Name = "n2" }), "node \"n1\" can only create pods with an owner reference set to itself");
        await RefusedAsync(OwnedBy(owner with { Controller = null }), "node \"n1\" can only create pods with a controller owner reference set to itself");
        await RefusedAsync(OwnedBy(owner with { BlockOwnerDeletion = true }), "node \"n1\" must not set blockOwnerDeletion on an owner reference");
        await RefusedAsync(OwnedBy(owner with { Uid = "x" }), $"node n1 UID mismatch: expected x got {node.Metadata.Uid}");
        await RefusedAsync(mirror with { Spec = mirror.Spec with { ServiceAccountName = "default" } }, "node \"n1\" can not create pods that reference serviceaccounts");
        await RefusedAsync(With(new() { ServiceAccountToken = new() { Path = "t" } }), "node \"n1\" can not create pods that reference serviceaccounts (via projected volumes)");
        await RefusedAsync(With(new() { ClusterTrustBundle = new() { Name = "b", Path = "t" } }), "node \"n1\" can not create pods that reference clustertrustbundles");
        await RefusedAsync(With(new() { PodCertificate = new() { SignerName = "example.com/x", KeyType = "ED25519", KeyPath = "k" } }), "node \"n1\" can not create pods that reference podcertificates");
        await RefusedAsync(With(new() { Secret = new() { Name = "s" } }), "node \"n1\" can not create pods that reference secrets");
        var made = Good(await _server.CreateAsync(Node1, mirror));
        Assert.Empty(((Pod)made.Object!).Spec.Volumes);
    }

    [Fact]
    public async Task A_node_is_signed_as_itself_only()
    {
        Task<ApiResult> AskAsync(string name, string signer, string of) => _server.CreateAsync(Node1, SigningRequest.Of(name, signer, of, "system:nodes"));
        foreach (string signer in (string[])["kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"])
        {
            var other = await AskAsync("a", signer, "system:node:n2");
            Assert.Equal("certificatesigningrequests.certificates.k8s.io \"a\" is forbidden: can only create a node CSR with CN=system:node:n1", Message(other));
            Good(await AskAsync("mine-" + signer[^7..], signer, "system:node:n1"));
        }
        Good(await AskAsync("else", "example.com/mine", "anybody"));
    }

    [Fact]
    public async Task A_node_tells_of_its_own_devices_only()
    {
        ResourceSlice Slice(string name, string node) => new() { Metadata = new() { Name = name }, Spec = new() { Driver = "example.com", NodeName = node, Pool = new() { Name = "p", ResourceSliceCount = 1 } } };
        Good(await _server.CreateAsync(Node1, Slice("mine", "n1")));
        Assert.Equal("resourceslices.resource.k8s.io \"theirs\" is forbidden: can only create ResourceSlice with the same NodeName as the requesting node", Message(await _server.CreateAsync(Node1, Slice("theirs", "n2"))));
        await _server.MakeAsync(Slice("theirs", "n2"));
        Assert.Equal("resourceslices.resource.k8s.io \"theirs\" is forbidden: can only delete ResourceSlice with the same NodeName as the requesting node", Message(await _server.DeleteAsync<ResourceSlice>(Node1, "", "theirs")));
        Good(await _server.DeleteAsync<ResourceSlice>(Node1, "", "mine"));
    }

    [Fact]
    public async Task Of_a_claim_a_node_writes_how_large_its_volume_is_and_no_more()
    {
        var claim = await _server.MakeAsync(new PersistentVolumeClaim
        {
            Metadata = new() { Name = "data", Namespace = "default" }, Spec = new() { AccessModes = ["ReadWriteOnce"], Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } },
        });
        await _server.MakeAsync(Pod("web") with { Spec = Pod("web").Spec with { NodeName = "n1", Volumes = [new() { Name = "v", PersistentVolumeClaim = new() { ClaimName = "data" } }] } });
        const string Path = "/api/v1/namespaces/default/persistentvolumeclaims/data/status";
        var grown = Good(await _server.CallAsync(Node1, "PUT", Path, claim with { Status = claim.Status with { Capacity = Map.Of(("storage", Quantity.Parse("2Gi"))) } }));
        var now = (PersistentVolumeClaim)grown.Object!;
        Assert.Contains("is not allowed to update fields other than status.quantity and status.conditions", Message(await _server.CallAsync(Node1, "PUT", Path, now with { Status = now.Status with { Phase = "Bound" } })), StringComparison.Ordinal);
        Assert.Equal(403, (await _server.CallAsync(Node1, "PUT", Path, now with { Metadata = now.Metadata with { Labels = Map.Of(("a", "b")) } })).Code);
    }

    [Fact]
    public async Task A_node_gets_tokens_for_Pods_on_it_only()
    {
        var pod = await PodOnAsync("n1");
        var request = new TokenRequest { Spec = new() { BoundObjectRef = new() { Kind = "Pod", ApiVersion = "v1", Name = "web", Uid = pod.Metadata.Uid } } };
        const string path = "/api/v1/namespaces/default/serviceaccounts/default/token";

        Assert.Equal(201, (await _server.CallAsync(Node1, "POST", path, request)).Code);
        Assert.Equal(403, (await _server.CallAsync(Node2, "POST", path, request)).Code);
        Assert.Equal("serviceaccounts \"default\" is forbidden: node requested token not bound to a pod", Message(await _server.CallAsync(Node1, "POST", path, new TokenRequest())));
    }

    /// <summary>Of upstream's cases: by a projected token, by a driver of the Pod's own volume, of its claim's or of its ephemeral claim's, and by a right to ask.</summary>
    [Fact]
    public async Task A_nodes_tokens_are_for_those_whom_the_Pods_volumes_name_or_whom_it_may_ask_for()
    {
        await _server.MakeAsync(new CSIDriver { Metadata = new() { Name = "csi.example.com" }, Spec = new() { TokenRequests = [new() { Audience = "of-the-driver" }] } });
        await _server.MakeAsync(new CSIDriver { Metadata = new() { Name = "file.csi.azure.com" }, Spec = new() { TokenRequests = [new() { Audience = "of-the-cloud" }] } });
        await _server.MakeAsync(new PersistentVolume
        {
            Metadata = new() { Name = "pv" },
            Spec = new() { Capacity = Map.Of(("storage", Quantity.Parse("1Gi"))), AccessModes = ["ReadWriteOnce"], Csi = new() { Driver = "csi.example.com", VolumeHandle = "h" } },
        });
        foreach (string claim in (string[])["data", "ephemeral-data"])
            await _server.MakeAsync(new PersistentVolumeClaim
            {
                Metadata = new() { Name = claim, Namespace = "default" },
                Spec = new() { VolumeName = "pv", AccessModes = ["ReadWriteOnce"], Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } },
            });
        await _server.MakeAsync(new ClusterRole { Metadata = new() { Name = "asks" }, Rules = [new() { Verbs = ["request-serviceaccounts-token-audience"], ApiGroups = [""], Resources = ["granted"], ResourceNames = ["default"] }] });
        await _server.MakeAsync(new ClusterRoleBinding
        {
            Metadata = new() { Name = "asks" }, RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "asks" },
            Subjects = [new() { Kind = "Group", ApiGroup = "rbac.authorization.k8s.io", Name = "system:nodes" }],
        });
        (string Pod, Volume Volume, string Audience)[] named =
        [
            ("projected", new() { Name = "data", Projected = new() { Sources = [new() { ServiceAccountToken = new() { Path = "t", Audience = "of-the-pod" } }] } }, "of-the-pod"),
            ("inline", new() { Name = "data", Csi = new() { Driver = "csi.example.com" } }, "of-the-driver"),
            ("disk", new() { Name = "data", AzureFile = new() { ShareName = "s", SecretName = "login" } }, "of-the-cloud"),
            ("claim", new() { Name = "data", PersistentVolumeClaim = new() { ClaimName = "data" } }, "of-the-driver"),
            ("ephemeral", new() { Name = "data", Ephemeral = new() { VolumeClaimTemplate = new() { Spec = new() { AccessModes = ["ReadWriteOnce"], Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } } } } }, "of-the-driver"),
        ];
        foreach (var (name, volume, audience) in named)
        {
            var made = Pod(name);
            made = await _server.MakeAsync(made with { Spec = made.Spec with { NodeName = "n1", Volumes = [volume] } });
            Task<ApiResult> Ask(params Seq<string> audiences) => _server.CallAsync(Node1, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token",
                new TokenRequest { Spec = new() { Audiences = audiences, BoundObjectRef = new() { Kind = "Pod", ApiVersion = "v1", Name = name, Uid = made.Metadata.Uid } } });

            Assert.True((await Ask(audience)).Code == 201, name);
            Assert.Equal(201, (await Ask("granted")).Code);
            Assert.Equal("serviceaccounts \"default\" is forbidden: audience \"vault\" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience", Message(await Ask("vault")));
            Assert.Equal("serviceaccounts \"default\" is forbidden: node may only request 0 or 1 audiences", Message(await Ask(audience, "granted")));
        }
    }
}
