using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using static Hanbae.Server.Tests.Auth.SecureServer;

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

    [Fact]
    public async Task A_node_makes_only_mirror_Pods_on_itself()
    {
        var pod = Pod("static-n1");
        var plain = await _server.CreateAsync(Node1, pod with { Spec = pod.Spec with { NodeName = "n1" } });
        var mirror = pod with { Metadata = pod.Metadata with { Annotations = Map.Of(("kubernetes.io/config.mirror", "x")) }, Spec = pod.Spec with { NodeName = "n1" } };
        var elsewhere = await _server.CreateAsync(Node2, mirror);

        Assert.Equal(403, plain.Code);
        Assert.Equal("pods \"static-n1\" is forbidden: node \"n2\" can only create pods with spec.nodeName set to itself", Message(elsewhere));
        var made = Good(await _server.CreateAsync(Node1, mirror));
        Assert.Empty(((Pod)made.Object!).Spec.Volumes);
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
}
