using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Auth;

/// <summary>What a node may see and do: upstream's end-to-end tests of the Node authorizer and of what binds accounts to nodes.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class NodeAccessTests(ControlPlaneRig rig)
{
    const string Registration = "/apis/admissionregistration.k8s.io/v1/", Policies = Registration + "validatingadmissionpolicies", Bindings = Registration + "validatingadmissionpolicybindings";

    async Task<string> NodeAsync() => (await rig.Admin.ListAsync("/api/v1/nodes"))[0].Name();

    Wire AsNode(string node) => rig.As("system:node:" + node, ("Impersonate-Group", "system:nodes"));

    [Theory]
    [InlineData("secrets"), InlineData("configmaps")]
    public async Task A_node_reads_what_its_Pods_name_and_is_not_told_what_else_there_is(string resource)
    {
        string root = $"/api/v1/namespaces/{await rig.NamespaceAsync()}", node = await NodeAsync(), path = $"{root}/{resource}/wanted";
        using var kubelet = AsNode(node);
        await kubelet.RefusedAsync(403, "Forbidden", "GET", $"{root}/{resource}/none");
        await rig.Admin.CreateAsync($"{root}/{resource}", """{"metadata":{"name":"wanted"}}""");
        await kubelet.RefusedAsync(403, "Forbidden", "GET", path);
        string volume = resource == "secrets" ? """{"secret":{"secretName":"wanted"}}""" : """{"configMap":{"name":"wanted"}}""";
        await rig.Admin.CreateAsync(root + "/pods", $$"""{"metadata":{"name":"uses"},"spec":{"nodeName":"{{node}}","containers":[{"name":"pause","image":"pause"}],"volumes":[{"name":"v",{{volume[1..]}}]} }""");
        await Wire.EventuallyAsync(async () => (await kubelet.SendAsync("GET", path)).Code == 200);
        // Another node still does not.
        using var other = AsNode((await rig.Admin.ListAsync("/api/v1/nodes"))[1].Name());
        await other.RefusedAsync(403, "Forbidden", "GET", path);
        await rig.Admin.DeleteAsync(root + "/pods/uses", """{"gracePeriodSeconds":0}""");
        await Wire.EventuallyAsync(async () => (await kubelet.SendAsync("GET", path)).Code == 403);
    }

    [Fact]
    public async Task A_node_neither_makes_nor_deletes_another()
    {
        using var kubelet = AsNode(await NodeAsync());
        await kubelet.RefusedAsync(403, "Forbidden", "POST", "/api/v1/nodes", """{"metadata":{"name":"foo"}}""");
        await kubelet.RefusedAsync(403, "Forbidden", "DELETE", "/api/v1/nodes/foo");
        await rig.Admin.RefusedAsync(404, "NotFound", "GET", "/api/v1/nodes/foo");
    }

    [Fact]
    public async Task A_policy_can_hold_an_account_to_the_node_its_Pod_runs_on()
    {
        string ns = await rig.NamespaceAsync(), root = $"/api/v1/namespaces/{ns}", maps = root + "/configmaps", node = await NodeAsync(), name = $"per-node.{ns}.example.com";
        await rig.Admin.CreateAsync(Policies, $$"""
            {"metadata":{"name":"{{name}}"},"spec":{"failurePolicy":"Fail",
            "matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","UPDATE","DELETE"],"resources":["configmaps"]}]},
            "matchConditions":[{"name":"held","expression":"request.userInfo.username == 'system:serviceaccount:{{ns}}:default'"}],
            "variables":[{"name":"node","expression":"request.userInfo.extra[?'authentication.kubernetes.io/node-name'][0].orValue('')"},
            {"name":"object","expression":"(request.operation == 'DELETE' ? oldObject : object).?metadata.name.orValue('')"}],
            "validations":[{"expression":"variables.node != ''","message":"this account runs on no node"},
            {"expression":"variables.node == variables.object","messageExpression":"'on ' + variables.node + ' there is no writing of ' + variables.object"}]} }
            """);
        try
        {
            await rig.Admin.CreateAsync(Bindings, $$"""{"metadata":{"name":"{{name}}"},"spec":{"policyName":"{{name}}","validationActions":["Deny"]} }""");
            await rig.Admin.CreateAsync($"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
                $$"""{"metadata":{"name":"edit"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"edit"},"subjects":[{"kind":"ServiceAccount","name":"default","namespace":"{{ns}}"}]}""");
            var pod = await rig.Admin.CreateAsync(root + "/pods", $$"""{"metadata":{"name":"runs"},"spec":{"nodeName":"{{node}}","containers":[{"name":"pause","image":"pause"}]} }""");
            using var held = rig.Client(token: await TokenAsync(root, $$"""{"spec":{"boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"runs","uid":"{{pod.Uid()}}"} } }"""));
            var self = await held.CreateAsync("/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
            Assert.Equal(($"system:serviceaccount:{ns}:default", node, "runs"), (self.Text("status", "userInfo", "username"),
                self.Text("status", "userInfo", "extra", "authentication.kubernetes.io/node-name", "0"), self.Text("status", "userInfo", "extra", "authentication.kubernetes.io/pod-name", "0")));
            static string Map(string name) => $$"""{"metadata":{"name":"{{name}}"} }""";
            string refusal = $"on {node} there is no writing of other";
            await Wire.EventuallyAsync(async () => (await held.SendAsync("GET", maps)).Code == 200);
            var mine = await held.CreateAsync(maps, Map(node));
            Assert.Contains(refusal, (await held.RefusedAsync(422, "Invalid", "POST", maps, Map("other"))).Text("message"));
            var theirs = await rig.Admin.CreateAsync(maps, Map("other"));
            await held.PutAsync($"{maps}/{node}", mine);
            Assert.Contains(refusal, (await held.RefusedAsync(422, "Invalid", "PUT", maps + "/other", theirs.ToJsonString())).Text("message"));
            await held.DeleteAsync($"{maps}/{node}");
            Assert.Contains(refusal, (await held.RefusedAsync(422, "Invalid", "DELETE", maps + "/other")).Text("message"));
            await held.CreateAsync(maps, Map(node));
            Assert.Contains($"on {node} there is no writing of ", (await held.RefusedAsync(422, "Invalid", "DELETE", maps)).Text("message"));

            using var loose = rig.Client(token: await TokenAsync(root, """{"spec":{"expirationSeconds":600}}"""));
            Assert.Equal("", (await loose.CreateAsync("/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}")).Text("status", "userInfo", "extra", "authentication.kubernetes.io/node-name", "0"));
            // Also what was read before, and has a version: nobody gets as far as that.
            foreach (var (method, path, body) in ((string, string, string?)[])[("POST", maps, Map("new")), ("POST", maps, theirs.ToJsonString()), ("POST", maps, mine.ToJsonString()), ("DELETE", maps + "/other", null)])
                Assert.Contains("this account runs on no node", (await loose.RefusedAsync(422, "Invalid", method, path, body)).Text("message"));
        }
        finally
        {
            await rig.Admin.SendAsync("DELETE", $"{Bindings}/{name}");
            await rig.Admin.DeleteAsync($"{Policies}/{name}");
        }
    }

    async Task<string> TokenAsync(string root, string request) => (await rig.Admin.CreateAsync(root + "/serviceaccounts/default/token", request)).Text("status", "token");

    [Fact]
    public async Task An_account_acts_as_its_own_node_only_where_that_is_granted()
    {
        string ns = await rig.NamespaceAsync(), root = $"/api/v1/namespaces/{ns}", node = await NodeAsync(), pods = $"{root}/pods?fieldSelector=spec.nodeName%3D{node}";
        var pod = await rig.Admin.CreateAsync(root + "/pods", $$"""{"metadata":{"name":"runs"},"spec":{"nodeName":"{{node}}","containers":[{"name":"pause","image":"pause"}]} }""");
        using var acting = rig.Client(token: await TokenAsync(root, $$"""{"spec":{"boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"runs","uid":"{{pod.Uid()}}"} } }"""), headers: ("Impersonate-User", "system:node:" + node));
        await acting.RefusedAsync(403, "Forbidden", "GET", pods);
        const string Roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        await rig.Admin.CreateAsync(Roles, $$"""
            {"metadata":{"name":"acts-{{ns}}"},"rules":[{"verbs":["impersonate:associated-node"],"apiGroups":["authentication.k8s.io"],"resources":["nodes"]},
            {"verbs":["impersonate-on:associated-node:list"],"apiGroups":[""],"resources":["pods"]}]}
            """);
        await rig.Admin.CreateAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            $$"""{"metadata":{"name":"acts-{{ns}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"acts-{{ns}}"},"subjects":[{"kind":"ServiceAccount","name":"default","namespace":"{{ns}}"}]}""");
        try
        {
            await Wire.EventuallyAsync(async () => (await acting.SendAsync("GET", pods)).Code == 200);
            Assert.Equal("runs", Assert.Single(await acting.ListAsync(pods)).Name());
            await acting.RefusedAsync(403, "Forbidden", "GET", pods + "&watch=1");
        }
        finally
        {
            await rig.Admin.DeleteAsync($"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/acts-{ns}");
            await rig.Admin.DeleteAsync($"{Roles}/acts-{ns}");
        }
    }
}
