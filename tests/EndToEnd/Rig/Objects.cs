using System.Text.Json.Nodes;
using Hanbae.Machinery.Yaml;
using static System.Net.Http.HttpMethod;

namespace Hanbae.EndToEnd.Rig;

/// <summary>All objects of one resource in one namespace (or in none), by the verbs that the API has; an answer that is no success is a failure of the test.</summary>
/// <param name="version">Such as <c>v1</c> or <c>apps/v1</c>.</param>
/// <param name="ns">Empty for what has no namespace, or to see all of them.</param>
public sealed class Objects(RawApi api, string version, string resource, string ns = "")
{
    public const string Merge = "application/merge-patch+json", Strategic = "application/strategic-merge-patch+json", Json = "application/json-patch+json";

    public string Path { get; } = (version.Contains('/') ? "/apis/" : "/api/") + version + (ns.Length > 0 ? "/namespaces/" + ns : "") + "/" + resource;

    public static JsonNode Read(string yaml) => JsonNode.Parse(YamlReader.Read(yaml).ToString())!;

    public Task<JsonNode> CreateAsync(string yaml) => SendAsync(Post, "", Read(yaml).ToJsonString());

    public Task<JsonNode> GetAsync(string name, string sub = "") => SendAsync(Get, Of(name, sub));

    /// <summary>The object; null when there is none.</summary>
    public async Task<JsonNode?> FindAsync(string name)
    {
        var reply = await api.AskAsync(Get, Path + Of(name));
        return reply.Code switch
        {
            200 => JsonNode.Parse(reply.Body),
            404 => null,
            _ => throw new Xunit.Sdk.XunitException($"GET {Path}/{name}: {reply.Code} {reply.Body}"),
        };
    }

    public Task<JsonNode> ReplaceAsync(JsonNode with, string sub = "") => SendAsync(Put, Of(with.Text("metadata.name"), sub), with.ToJsonString());

    /// <summary>Reads, changes and replaces, again when somebody else was faster.</summary>
    public async Task<JsonNode> ChangeAsync(string name, Action<JsonNode> change, string sub = "")
    {
        while (true)
        {
            var now = await GetAsync(name, sub);
            change(now);
            var reply = await api.AskAsync(Put, Path + Of(name, sub), now.ToJsonString());
            if (reply.Code == 200) return JsonNode.Parse(reply.Body)!;
            if (reply.Code != 409) throw new Xunit.Sdk.XunitException($"PUT {Path}{Of(name, sub)}: {reply.Code} {reply.Body}");
        }
    }

    /// <param name="yaml">The patch; flow style is shortest.</param>
    public Task<JsonNode> PatchAsync(string name, string yaml, string type = Strategic, string sub = "") => SendAsync(Patch, Of(name, sub), Read(yaml).ToJsonString(), type);

    public async Task<IReadOnlyList<JsonNode>> ListAsync(string labels = "", string fields = "") =>
        [.. (await SendAsync(Get, Query(labels, fields))).At("items")!.AsArray().Select(i => i!)];

    public Task<JsonNode> DeleteAsync(string name, string options = "{}") => SendAsync(Delete, Of(name), Read(options).ToJsonString());

    public Task<JsonNode> DeleteAllAsync(string labels, string options = "{}") => SendAsync(Delete, Query(labels), Read(options).ToJsonString());

    /// <summary>Events from here on; what is there already comes first.</summary>
    public Task<Watched> WatchAsync(string labels = "", string fields = "")
    {
        string query = Query(labels, fields);
        return Watched.OpenAsync(api, Path + (query.Length > 0 ? query + "&" : "?") + "watch=1");
    }

    /// <summary>The object once it is as wanted.</summary>
    public Task<JsonNode> UntilAsync(string name, Func<JsonNode, bool> enough, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(enough))] string what = "") =>
        Until.Async($"{resource}/{name}: {what}", () => GetAsync(name), enough);

    public Task GoneAsync(string name) => Until.Async($"the end of {resource}/{name}", () => FindAsync(name), found => found is null);

    async Task<JsonNode> SendAsync(HttpMethod method, string behind, string? body = null, string type = "application/json")
    {
        var reply = await api.AskAsync(method, Path + behind, body, type);
        return reply.Code is >= 200 and < 300 ? JsonNode.Parse(reply.Body)! : throw new Xunit.Sdk.XunitException($"{method} {Path}{behind}: {reply.Code} {reply.Body}\n{body}");
    }

    static string Of(string name, string sub = "") => "/" + name + (sub.Length > 0 ? "/" + sub : "");

    static string Query(string labels, string fields = "")
    {
        List<string> parts = [];
        if (labels.Length > 0) parts.Add("labelSelector=" + Uri.EscapeDataString(labels));
        if (fields.Length > 0) parts.Add("fieldSelector=" + Uri.EscapeDataString(fields));
        return parts.Count > 0 ? "?" + string.Join('&', parts) : "";
    }
}
