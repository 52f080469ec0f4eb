namespace Hanbae.Server.Tests.Crd;

/// <summary>Real kubectl with custom resources: applies their definitions, finds them, explains and shows them.</summary>
public sealed class CrdKubectlTests
{
    const string Ready = """,{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}""";

    [Theory, Kubectl("1.27"), Kubectl("1.30"), Kubectl("1.33")]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in discovery documents [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation schema [Conformance]")]
    public async Task A_definition_is_applied_and_its_objects_are_used(string kubectl)
    {
        await using var session = new KubectlSession(kubectl, (await CrdRig.StartAsync()).Test);
        string definition = CrdRig.Thing("""{"type":"object","description":"What is wanted.","required":["color"],"properties":{"color":{"type":"string","description":"Its color.","enum":["red","blue"]},"size":{"type":"integer"},"host":{"type":"string"}}}""",
            version: ",\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":\".spec.size\",\"statusReplicasPath\":\".status.size\"}},\"selectableFields\":[{\"jsonPath\":\".spec.color\"}],\"additionalPrinterColumns\":["
                + """{"name":"Color","type":"string","jsonPath":".spec.color"},{"name":"Size","type":"integer","jsonPath":".spec.size","priority":1},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}""" + Ready + "]");
        Assert.Contains("created", await session.RunAsync(definition, "apply", "-f", "-"));
        await session.RunAsync("", "wait", "--for", "condition=established", "--timeout=60s", "crd/things.example.com");
        Assert.Contains("unchanged", await session.RunAsync(definition, "apply", "-f", "-"));
        Assert.Matches(@"things\.example\.com\s+\d{4}-", await session.RunAsync("", "get", "crd"));
        Assert.Matches(@"(?m)^things\s+th\s+example\.com/v1\s+true\s+Thing\s*$", await session.RunAsync("", "api-resources", "--api-group=example.com", "--no-headers"));

        await session.RunAsync(CrdRig.Object("a", """{"color":"red","size":2}"""), "apply", "-n", "default", "-f", "-");
        await session.RunAsync(CrdRig.Object("b", """{"color":"blue"}"""), "apply", "-n", "default", "-f", "-");
        Assert.Contains("configured", await session.RunAsync(CrdRig.Object("b", """{"color":"blue","host":"h"}"""), "apply", "-n", "default", "-f", "-"));
        string table = await session.RunAsync("", "get", "th", "-n", "default");
        Assert.Matches(@"NAME\s+COLOR\s+AGE\s+READY", table);
        Assert.Matches(@"a\s+red\s+\d+s", table);
        Assert.Matches(@"NAME\s+COLOR\s+SIZE\s+AGE", await session.RunAsync("", "get", "things", "-n", "default", "-o", "wide"));
        Assert.DoesNotContain("red", await session.RunAsync("", "get", "things", "-n", "default", "--field-selector", "spec.color=blue"));
        Assert.Contains("thing.example.com/a", await session.RunAsync("", "get", "toys", "-n", "default", "-o", "name"));
        Assert.Contains("Kind:         Thing", await session.RunAsync("", "describe", "thing", "a", "-n", "default"));
        string explained = await session.RunAsync("", "explain", "things.spec");
        Assert.Contains("Its color.", explained);
        Assert.Matches(@"color\s+<string> -required-", explained);
        Assert.Matches(@"size\s+<integer>", await session.RunAsync("", "explain", "thing", "--recursive"));
        Assert.Contains("scaled", await session.RunAsync("", "scale", "thing/a", "-n", "default", "--replicas=5"));
        Assert.Equal("5", await session.RunAsync("", "get", "thing", "a", "-n", "default", "-o", "jsonpath={.spec.size}"));
        await session.RunAsync("", "patch", "thing", "a", "-n", "default", "--type=merge", "-p", """{"spec":{"host":"x"}}""");
        await session.RunAsync("", "patch", "thing", "a", "-n", "default", "--subresource=status", "--type=merge", "-p", """{"status":{"conditions":[{"type":"Ready","status":"True"}]}}""");
        Assert.Matches(@"a\s+red\s+\S+\s+True", await session.RunAsync("", "get", "thing", "a", "-n", "default"));
        var (code, _, error) = await session.TryAsync(CrdRig.Object("c", """{"color":"green"}"""), "apply", "-n", "default", "-f", "-");
        Assert.NotEqual(0, code);
        Assert.Contains("spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"", error);
        (_, _, error) = await session.TryAsync(CrdRig.Object("c", """{"color":"red","shape":"round"}"""), "apply", "-n", "default", "-f", "-");
        Assert.Contains("unknown field \"spec.shape\"", error);

        await session.RunAsync("", "delete", "crd", "things.example.com", "--timeout=60s");
        (_, _, error) = await session.TryAsync("", "get", "things", "-n", "default");
        Assert.Contains("(NotFound)", error);
    }
}
