namespace Hanbae.Server.Tests;

/// <summary>What is asked of a part of an object: its scale, its node, its eviction, its end, its log.</summary>
public sealed class SubresourceTests
{
    const string Pods = "/api/v1/namespaces/default/pods";

    [Fact]
    public async Task Scale_is_a_view_of_what_has_replicas()
    {
        await using var server = await TestServer.StartAsync();
        const string Path = "/apis/apps/v1/namespaces/default/deployments";
        await server.PostAsync(Path, """{"metadata":{"name":"web"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        var scale = await server.GetAsync(Path + "/web/scale");
        Assert.Equal(("Scale", "autoscaling/v1", "1", "a=b"), (scale.Text("kind"), scale.Text("apiVersion"), scale.Text("spec", "replicas"), scale.Text("status", "selector")));
        var patched = await server.SendAsync("PATCH", Path + "/web/scale", """{"spec":{"replicas":4}}""", "application/merge-patch+json");
        Assert.Equal("4", patched.Text("spec", "replicas"));
        var web = await server.GetAsync(Path + "/web");
        Assert.Equal(("4", "2"), (web.Text("spec", "replicas"), web.Text("metadata", "generation")));
        var wrong = await server.SendAsync("PATCH", Path + "/web/scale", """{"spec":{"replicas":-1}}""", "application/merge-patch+json");
        Assert.Equal((422, "Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"), (wrong.Code, wrong.Message));
    }

    [Fact]
    public async Task A_Pod_is_bound_once()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        const string Binding = """{"metadata":{"name":"a"},"target":{"kind":"Node","name":"n1"}}""";
        Assert.Equal(201, (await server.PostAsync(Pods + "/a/binding", Binding)).Code);
        var second = await server.PostAsync("/api/v1/namespaces/default/bindings", Binding);
        Assert.Equal((409, "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node \"n1\""), (second.Code, second.Message));
        var pod = await server.GetAsync(Pods + "/a");
        Assert.Equal(("n1", "PodScheduled"), (pod.Text("spec", "nodeName"), pod.Text("status", "conditions", "0", "type")));
    }

    [Fact]
    public async Task An_eviction_respects_the_budget()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a","labels":{"x":"y"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await server.SendAsync("PATCH", Pods + "/a/status", """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}""", "application/merge-patch+json");
        const string Budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
        await server.PostAsync(Budgets, """{"metadata":{"name":"b"},"spec":{"selector":{"matchLabels":{"x":"y"}}}}""");
        await server.SendAsync("PATCH", Budgets + "/b/status", """{"status":{"observedGeneration":1,"disruptionsAllowed":0,"desiredHealthy":1,"currentHealthy":1,"expectedPods":1}}""", "application/merge-patch+json");
        const string Eviction = """{"metadata":{"name":"a"}}""";
        var refused = await server.PostAsync(Pods + "/a/eviction", Eviction);
        Assert.Equal((429, "Cannot evict pod as it would violate the pod's disruption budget."), (refused.Code, refused.Message));
        Assert.Equal("The disruption budget b needs 1 healthy pods and has 1 currently", refused.Text("details", "causes", "0", "message"));
        foreach (var (status, why) in new[]
        {
            (""" "currentHealthy":1,"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"SyncFailed","message":"no scale","lastTransitionTime":"2030-01-01T00:00:00Z"}]""", " because it failed sync: no scale"),
            (""" "currentHealthy":2,"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"Paused","message":"by hand","lastTransitionTime":"2030-01-01T00:00:00Z"}]""", " (Paused): by hand"),
            (""" "currentHealthy":2,"conditions":[]""", ""),
        })
        {
            await server.SendAsync("PATCH", Budgets + "/b/status", "{\"status\":{" + status + "}}", "application/merge-patch+json");
            Assert.Equal("The disruption budget b does not allow evicting pods currently" + why, (await server.PostAsync(Pods + "/a/eviction", Eviction)).Text("details", "causes", "0", "message"));
        }
        await server.SendAsync("PATCH", Budgets + "/b/status", """{"status":{"disruptionsAllowed":1}}""", "application/merge-patch+json");
        Assert.Equal(201, (await server.PostAsync(Pods + "/a/eviction", Eviction)).Code);
        Assert.Equal(404, (await server.GetAsync(Pods + "/a")).Code);
        var spent = await server.GetAsync(Budgets + "/b");
        Assert.Equal(("0", "False", "InsufficientPods"), (spent.Text("status", "disruptionsAllowed"), spent.Text("status", "conditions", "0", "status"), spent.Text("status", "conditions", "0", "reason")));
    }

    [Fact]
    public async Task An_eviction_of_the_older_version_will_do_and_one_that_only_asks_changes_nothing()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        const string Eviction = """{"apiVersion":"policy/v1beta1","kind":"Eviction","metadata":{"name":"a"}}""";

        Assert.Equal(201, (await server.PostAsync(Pods + "/a/eviction?dryRun=All", Eviction)).Code);
        Assert.Equal(201, (await server.PostAsync(Pods + "/a/eviction", """{"apiVersion":"policy/v1beta1","kind":"Eviction","metadata":{"name":"a"},"deleteOptions":{"dryRun":["All"]}}""")).Code);
        Assert.Equal("", (await server.GetAsync(Pods + "/a")).Text("status", "conditions"));
        Assert.Equal(400, (await server.PostAsync(Pods + "/a/eviction", Eviction.Replace("v1beta1", "v2", StringComparison.Ordinal))).Code);

        Assert.Equal(201, (await server.PostAsync(Pods + "/a/eviction", Eviction)).Code);
        Assert.Equal(404, (await server.GetAsync(Pods + "/a")).Code);
    }

    [Fact]
    public async Task An_evicted_Pod_says_so_and_has_one_budget_at_most()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a","labels":{"x":"y"},"finalizers":["example.com/wait"]},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await server.SendAsync("PATCH", Pods + "/a/status", """{"status":{"phase":"Running"}}""", "application/merge-patch+json");
        string version = (await server.GetAsync(Pods + "/a")).Text("metadata", "resourceVersion")!;
        Assert.Equal(409, (await server.PostAsync(Pods + "/a/eviction", """{"metadata":{"name":"a"},"deleteOptions":{"preconditions":{"resourceVersion":"1"}}}""")).Code);
        const string Budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
        foreach (string name in (string[])["b", "c"]) await server.PostAsync(Budgets, "{\"metadata\":{\"name\":\"" + name + "\"},\"spec\":{\"selector\":{\"matchLabels\":{\"x\":\"y\"}}}}");
        var refused = await server.PostAsync(Pods + "/a/eviction", """{"metadata":{"name":"a"}}""");
        Assert.Equal((500, "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."), (refused.Code, refused.Message));
        foreach (string name in (string[])["b", "c"]) await server.SendAsync("DELETE", Budgets + "/" + name);

        // The version that was asked for is that before it was said.
        Assert.Equal(201, (await server.PostAsync(Pods + "/a/eviction", $$$"""{"metadata":{"name":"a"},"deleteOptions":{"preconditions":{"resourceVersion":"{{{version}}}"} } }""")).Code);
        var pod = await server.GetAsync(Pods + "/a");
        Assert.NotNull(pod.Text("metadata", "deletionTimestamp"));
        Assert.Equal(("DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting"),
            (pod.Text("status", "conditions", "0", "type"), pod.Text("status", "conditions", "0", "status"), pod.Text("status", "conditions", "0", "reason"), pod.Text("status", "conditions", "0", "message")));
    }

    [Fact]
    public async Task A_namespace_goes_when_its_finalizer_does()
    {
        await using var server = await TestServer.StartAsync();
        const string Path = "/api/v1/namespaces";
        var created = await server.PostAsync(Path, """{"metadata":{"name":"n"}}""");
        Assert.Equal(("kubernetes", "Active"), (created.Text("spec", "finalizers", "0"), created.Text("status", "phase")));
        var deleted = await server.SendAsync("DELETE", Path + "/n");
        Assert.Equal(("Namespace", "Terminating"), (deleted.Text("kind"), deleted.Text("status", "phase")));
        var finalized = await server.SendAsync("PUT", Path + "/n/finalize", """{"metadata":{"name":"n"},"spec":{"finalizers":[]}}""");
        Assert.Equal(200, finalized.Code);
        Assert.Equal(404, (await server.GetAsync(Path + "/n")).Code);
    }

    [Fact]
    public async Task A_log_wants_one_container()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"},{"name":"d","image":"i"}],"initContainers":[{"name":"i","image":"i"}]}}""");
        var several = await server.GetAsync(Pods + "/a/log");
        Assert.Equal((400, "a container name must be specified for pod a, choose one of: [i c d]"), (several.Code, several.Message));
        var wrong = await server.GetAsync(Pods + "/a/log?container=x");
        Assert.Equal((400, "container x is not valid for pod a"), (wrong.Code, wrong.Message));
        var unbound = await server.GetAsync(Pods + "/a/log?container=c");
        Assert.Equal((200, ""), (unbound.Code, unbound.Body));
        var exec = await server.SendAsync("POST", Pods + "/a/exec?container=c&command=ls&stdout=1");
        Assert.Equal((400, "pod a does not have a host assigned"), (exec.Code, exec.Message));
    }
}
