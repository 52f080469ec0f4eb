using System.Text.Json.Nodes;

namespace Hanbae.Host.Tests.Conformance.Rig;

/// <summary>CustomResourceDefinitions for tests: made, served, and taken away at the end.</summary>
public sealed class Definition : IAsyncDisposable
{
    public const string All = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    /// <summary>A schema that takes everything, as of a definition that has none.</summary>
    public const string Anything = """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""";
    static int _count;

    readonly Wire _api;

    Definition(Wire api, string group, string plural, string kind) => (_api, Group, Plural, Kind) = (api, group, plural, kind);

    public string Group { get; }
    public string Plural { get; }
    public string Kind { get; }
    public string Name => $"{Plural}.{Group}";
    public string Path(string version = "v1", string ns = "") => $"/apis/{Group}/{version}{(ns.Length > 0 ? "/namespaces/" + ns : "")}/{Plural}";
    /// <summary>In OpenAPI: the group backwards.</summary>
    public string ModelName(string version = "v1") => string.Join('.', Group.Split('.').Reverse()) + $".{version}.{Kind}";

    public static string Version(string name, string schema, bool storage = true, string more = "") =>
        $$"""{"name":"{{name}}","served":true,"storage":{{(storage ? "true" : "false")}},"schema":{"openAPIV3Schema":{{schema}} }{{more}} }""";

    /// <param name="group">That of another definition, or null for one of its own.</param>
    public static async Task<Definition> MakeAsync(Wire api, string scope, string? group, params string[] versions)
    {
        int n = Interlocked.Increment(ref _count);
        var made = new Definition(api, group ?? $"group{n}.example.com", $"noxus{n}", $"Noxu{n}");
        await api.CreateAsync(All, $$"""
            {"metadata":{"name":"{{made.Name}}"},"spec":{"group":"{{made.Group}}","scope":"{{scope}}","names":{"plural":"{{made.Plural}}","kind":"{{made.Kind}}","singular":"noxu{{n}}","listKind":"Noxu{{n}}List"},"versions":[{{string.Join(",", versions)}}]} }
            """);
        await api.UntilAsync(All, made.Name, d => d.Items("status", "conditions").Any(c => c.Text("type") == "Established" && c.Text("status") == "True"));
        await Wire.EventuallyAsync(async () => (await api.SendAsync("GET", made.Path(JsonNode.Parse(versions[0]).Text("name")))).Code == 200);
        return made;
    }

    public string Object(string name, string version = "v1", string more = "{}") => JsonNode.Parse(more).With($$"""{"apiVersion":"{{Group}}/{{version}}","kind":"{{Kind}}","metadata":{"name":"{{name}}"} }""").ToJsonString();

    public async ValueTask DisposeAsync() => await _api.SendAsync("DELETE", All + "/" + Name);
}
