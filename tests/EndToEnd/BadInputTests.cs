using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

public sealed class BadInputTests(SharedCluster shared) : NamespaceTest(shared)
{
    [NodeFact]
    public async Task What_cannot_be_is_refused_with_upstreams_status_and_words()
    {
        using var api = await RawApi.OfAsync(Cluster);
        string maps = $"/api/v1/namespaces/{Namespace}/configmaps", pods = $"/api/v1/namespaces/{Namespace}/pods";
        static string Map(string name, string more = "") => $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}"{{{more}}}}}""";

        await api.RefusedAsync(400, "BadRequest", "", HttpMethod.Post, maps, "{\"apiVersion\":");
        await api.RefusedAsync(400, "BadRequest", "yaml", HttpMethod.Post, maps, "a: [b", "application/yaml");
        await api.RefusedAsync(400, "BadRequest", "Secret in version \"v1\" cannot be handled as a ConfigMap", HttpMethod.Post, maps, """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}""");
        await api.RefusedAsync(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml", HttpMethod.Post, maps, "x", "text/plain");
        await api.RefusedAsync(415, "UnsupportedMediaType", "the body of the request was in an unknown format", HttpMethod.Patch, maps + "/kube-root-ca.crt", "{}", "application/json");
        await api.RefusedAsync(413, "RequestEntityTooLarge", "limit is 3145728", HttpMethod.Post, maps, Map("big", ",\"annotations\":{\"a\":\"" + new string('a', 4 << 20) + "\"}"));
        await api.RefusedAsync(422, "Invalid", $"ConfigMap \"{new string('n', 254)}\" is invalid: metadata.name: Invalid value: ", HttpMethod.Post, maps, Map(new string('n', 254)));
        await api.RefusedAsync(422, "Invalid", "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters", HttpMethod.Post, maps, Map("Upper_Case"));
        await api.RefusedAsync(400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request", HttpMethod.Post, maps, Map("other", ",\"namespace\":\"default\""));
        await api.RefusedAsync(404, "NotFound", "configmaps \"nothing\" not found", HttpMethod.Get, maps + "/nothing");
        await api.RefusedAsync(404, "NotFound", "the server could not find the requested resource", HttpMethod.Get, "/apis/apps/v1/things");
        await api.RefusedAsync(404, "NotFound", "namespaces \"no-such\" not found", HttpMethod.Post, "/api/v1/namespaces/no-such/configmaps", Map("x"));
        await api.RefusedAsync(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", HttpMethod.Put, maps, Map("x"));
        await api.RefusedAsync(400, "BadRequest", "unable to parse requirement", HttpMethod.Get, maps + "?labelSelector=a%20b%20c");
        await api.RefusedAsync(400, "BadRequest", "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", HttpMethod.Get, maps + "?fieldSelector=data.a=b");
        await api.RefusedAsync(422, "Invalid", "spec.containers: Required value", HttpMethod.Post, pods, """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"empty"},"spec":{"containers":[]}}""");
        await api.RefusedAsync(400, "BadRequest", "quantities must match the regular expression", HttpMethod.Post, pods,
            """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"q"},"spec":{"containers":[{"name":"a","image":"b","resources":{"limits":{"cpu":"many"}}}]}}""");

        var (code, made) = await api.SendAsync(HttpMethod.Post, maps, Map("mine"));
        Assert.Equal(201, code);
        string version = made.GetProperty("metadata").GetProperty("resourceVersion").GetString()!;
        await api.RefusedAsync(409, "AlreadyExists", "configmaps \"mine\" already exists", HttpMethod.Post, maps, Map("mine"));
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Put, maps + "/mine", Map("mine", $",\"resourceVersion\":\"{version}\",\"labels\":{{\"a\":\"b\"}}"))).Code);
        await api.RefusedAsync(409, "Conflict", "Operation cannot be fulfilled on configmaps \"mine\": the object has been modified; please apply your changes to the latest version and try again",
            HttpMethod.Put, maps + "/mine", Map("mine", $",\"resourceVersion\":\"{version}\""));
        await api.RefusedAsync(400, "BadRequest", "the name of the object (other) does not match the name on the URL (mine)", HttpMethod.Put, maps + "/mine", Map("other"));
        await api.RefusedAsync(409, "Conflict", "Precondition failed: UID in precondition: 11111111-1111-1111-1111-111111111111, UID in object meta: ",
            HttpMethod.Put, maps + "/mine", Map("mine", ",\"uid\":\"11111111-1111-1111-1111-111111111111\""));
        await api.RefusedAsync(422, "Invalid", "ConfigMap \"mine\" is invalid: metadata.uid: Invalid value: \"11111111-1111-1111-1111-111111111111\": field is immutable",
            HttpMethod.Patch, maps + "/mine", """{"metadata":{"uid":"11111111-1111-1111-1111-111111111111"}}""", "application/merge-patch+json");
    }

    [NodeFact]
    public async Task Unknown_fields_are_refused_told_or_dropped_as_asked()
    {
        const string Wrong = """
            apiVersion: v1
            kind: Pod
            metadata: {name: wrong}
            spec:
              colour: blue
              containers: [{name: main, image: 'busybox:1', imagePullPolicy: Never, imagePulPolicy: Never, command: [sleep, '1']}]
            """;
        string strict = (await WithInputAsync(Wrong, "create", "--dry-run=server", "-f", "-")).Fails();
        Assert.Contains("strict decoding error: unknown field \"spec.colour\", unknown field \"spec.containers[0].imagePulPolicy\"", strict);
        var warned = await WithInputAsync(Wrong, "create", "--dry-run=server", "--validate=warn", "-f", "-");
        Assert.Contains("pod/wrong created (server dry run)", warned.Ok());
        Assert.Contains("Warning: unknown field \"spec.colour\"", warned.Err);
        var ignored = await WithInputAsync(Wrong, "create", "--dry-run=server", "--validate=ignore", "-o", "yaml", "-f", "-");
        Assert.DoesNotContain("colour", ignored.Ok());
        Assert.DoesNotContain("unknown field", ignored.Err);
        Assert.Contains("NotFound", (await TryAsync("get", "pod", "wrong")).Fails());
        Assert.Contains("error", (await WithInputAsync("kind: Pod\n  bad: indent", "apply", "-f", "-")).Fails());
        Assert.Contains("no matches for kind \"Nothing\" in version \"v1\"", (await WithInputAsync("apiVersion: v1\nkind: Nothing\nmetadata: {name: x}", "apply", "-f", "-")).Fails());
    }
}
