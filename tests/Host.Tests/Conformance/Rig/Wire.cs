using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hanbae.Host.Tests.Conformance.Rig;

/// <summary>The API as its clients meet it: paths, JSON, codes and warnings.</summary>
public sealed class Wire(HttpClient http) : IDisposable
{
    public const string Merge = "application/merge-patch+json", Strategic = "application/strategic-merge-patch+json", Steps = "application/json-patch+json", Apply = "application/apply-patch+yaml";

    /// <summary>For anything, on a machine that is busy with other things.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    public sealed record Answer(int Code, string Body, string ContentType, IReadOnlyList<string> Warnings)
    {
        public JsonObject Json { get; } = Body.StartsWith('{') ? (JsonObject)JsonNode.Parse(Body)! : [];
    }

    public async Task<Answer> SendAsync(string method, string path, string? body = null, string type = "application/json", string accept = "application/json")
    {
        using var patience = new CancellationTokenSource(Bound);
        using var request = Request(method, path, body, type, accept);
        using var response = await http.SendAsync(request, patience.Token);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(patience.Token), response.Content.Headers.ContentType?.ToString() ?? "",
            response.Headers.TryGetValues("Warning", out var warnings) ? [.. warnings] : []);
    }

    static HttpRequestMessage Request(string method, string path, string? body, string type, string accept)
    {
        var request = new HttpRequestMessage(new(method), path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is null) return request;
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return request;
    }

    public async Task<JsonObject> GoodAsync(string method, string path, string? body = null, string type = "application/json")
    {
        var answer = await SendAsync(method, path, body, type);
        Assert.True(answer.Code is >= 200 and < 300, $"{method} {path}: {answer.Code} {answer.Body}\n{body}");
        return answer.Json;
    }

    public Task<JsonObject> GetAsync(string path) => GoodAsync("GET", path);
    public Task<JsonObject> CreateAsync(string collection, string body) => GoodAsync("POST", collection, body);
    public Task<JsonObject> PatchAsync(string path, string body, string type = Merge) => GoodAsync("PATCH", path, body, type);
    public Task<JsonObject> PutAsync(string path, JsonObject body) => GoodAsync("PUT", path, body.ToJsonString());
    public Task<JsonObject> DeleteAsync(string path, string? options = null) => GoodAsync("DELETE", path, options);
    public async Task<IReadOnlyList<JsonObject>> ListAsync(string path) => (await GetAsync(path)).Items("items");

    /// <summary>Sends what has to be refused, and checks that the answer is a Status as upstream gives it.</summary>
    public async Task<JsonObject> RefusedAsync(int code, string reason, string method, string path, string? body = null, string type = "application/json")
    {
        var answer = await SendAsync(method, path, body, type);
        Assert.True(answer.Code == code, $"{method} {path}: {answer.Code}, not {code}: {answer.Body}");
        Assert.Equal(("Status", "Failure", reason, code.ToString()), (answer.Json.Text("kind"), answer.Json.Text("status"), answer.Json.Text("reason"), answer.Json.Text("code")));
        return answer.Json;
    }

    /// <summary>Reads, changes and writes until nobody else wrote in between.</summary>
    public async Task<JsonObject> ChangeAsync(string path, Func<JsonObject, JsonObject> change, string read = "")
    {
        for (int i = 0; ; i++)
        {
            var answer = await SendAsync("PUT", path, change(await GetAsync(read.Length > 0 ? read : path)).ToJsonString());
            if (answer.Code == 409 && i < 100) continue;
            Assert.True(answer.Code == 200, $"PUT {path}: {answer.Code} {answer.Body}");
            return answer.Json;
        }
    }

    /// <summary>What changes in a collection after a revision.</summary>
    public async Task<Watched> WatchAsync(string collection, string revision, string query = "")
    {
        using var patience = new CancellationTokenSource(Bound);
        string path = $"{collection}?watch=1&resourceVersion={revision}{(query.Length > 0 ? "&" + query : "")}";
        using var request = Request("GET", path, null, "", "application/json");
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        Assert.Equal(200, (int)response.StatusCode);
        return new(response, new(await response.Content.ReadAsStreamAsync(patience.Token)), path);
    }

    /// <summary>Waits until a collection is so: looks once, then again after each of its changes.</summary>
    public async Task<IReadOnlyList<JsonObject>> UntilAsync(string collection, Func<IReadOnlyList<JsonObject>, bool> so, string query = "", [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(so))] string what = "")
    {
        var limit = DateTime.UtcNow + Bound;
        var list = await GetAsync(collection + "?" + query);
        if (so(list.Items("items"))) return list.Items("items");
        using var watch = await WatchAsync(collection, list.Revision(), query);
        while (true)
        {
            try { await watch.NextAsync(limit - DateTime.UtcNow); }
            catch (OperationCanceledException)
            {
                throw new Xunit.Sdk.XunitException($"never in {collection}: {what}\n{string.Join("\n", list.Items("items").Select(i => i.ToJsonString(new JsonSerializerOptions { WriteIndented = false })))}");
            }
            list = await GetAsync(collection + "?" + query);
            if (so(list.Items("items"))) return list.Items("items");
        }
    }

    /// <summary>Waits until one object of a collection is so.</summary>
    public async Task<JsonObject> UntilAsync(string collection, string name, Func<JsonObject, bool> so, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(so))] string what = "") =>
        (await UntilAsync(collection, all => all.Count == 1 && so(all[0]), "fieldSelector=metadata.name%3D" + name, what))[0];

    public Task GoneAsync(string collection, string name) => UntilAsync(collection, all => all.Count == 0, "fieldSelector=metadata.name%3D" + name);

    /// <summary>Asks until it is so, for what no watch tells: what the server itself has noticed.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> so, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(so))] string what = "")
    {
        var limit = DateTime.UtcNow + Bound;
        while (!await so())
        {
            Assert.True(DateTime.UtcNow < limit, "never: " + what);
            await Task.Yield();
        }
    }

    public void Dispose() => http.Dispose();
}
