using Hanbae.Api.Json;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Tests.Crd;

/// <summary>A server on which definitions are made, discovered and described, and the short words that tests need for it.</summary>
public sealed class CrdRig(TestServer server) : IAsyncDisposable
{
    public const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    public TestServer Test { get; } = server;

    public static async Task<CrdRig> StartAsync(Func<ServerOptions, ServerOptions>? change = null)
    {
        TestServer? made = null;
        made = await TestServer.StartAsync(o =>
        {
            o = o with
            {
                Table = TableCatalog.Of,
                Paths = [.. new DiscoveryHandler(() => made?.Server.Resources.CustomGroups ?? [], "10.0.0.1:6443").Routes, .. new OpenApiHandler(() => made?.Server.Resources.CustomOpenApi ?? []).Routes],
            };
            return change?.Invoke(o) ?? o;
        });
        var rig = new CrdRig(made);
        await made.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        return rig;
    }

    /// <summary>A namespaced kind <c>Thing</c> of <c>example.com/v1</c> with such a schema for spec (and a free-form status).</summary>
    public static string Thing(string spec, string version = "", string more = "", string root = "") => $$$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},
        "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing","shortNames":["th"],"categories":["all","toys"]},
        "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","description":"A thing.","properties":{
        "spec":{{{spec}}},"status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}{{{root}}}}}{{{version}}}}{{{more}}}]}}
        """;

    public const string Things = "/apis/example.com/v1/namespaces/default/things";

    public static string Object(string name, string spec, string more = "") =>
        $$"""{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"{{name}}"},"spec":{{spec}}{{more}}}""";

    /// <summary>Makes a definition and waits until it is served.</summary>
    public async Task DefineAsync(string json)
    {
        var answer = await Test.PostAsync(Definitions, json);
        Assert.True(answer.Code == 201, answer.Body);
        await EstablishedAsync(answer.Text("metadata", "name"));
    }

    public Task EstablishedAsync(string name) => ConditionAsync(name, "Established", "True");

    public async Task<JsonObject> ConditionAsync(string name, string type, string status)
    {
        JsonObject? found = null;
        await UntilAsync(async () =>
        {
            var answer = await Test.GetAsync(Definitions + "/" + name);
            found = (answer.Json["status"] as JsonObject)?["conditions"] is JsonArray conditions
                ? conditions.OfType<JsonObject>().FirstOrDefault(c => c["type"]!.Equals(new JsonString(type)) && c["status"]!.Equals(new JsonString(status))) : null;
            return found is not null;
        }, $"{type}={status} of {name}");
        return found!;
    }

    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        var limit = DateTime.UtcNow.AddSeconds(90);
        while (!await holds())
        {
            Assert.True(DateTime.UtcNow < limit, "never: " + what);
            await Task.Yield();
        }
    }

    public ValueTask DisposeAsync() => Test.DisposeAsync();
}
