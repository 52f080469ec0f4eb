using System.Collections.Concurrent;
using System.Text;
using Hanbae.Api.Json;
using Hanbae.Server.Tests.Auth;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Server.Tests.Admission;

/// <summary>A webhook over HTTPS, as clients run them: what it answers stands by path.</summary>
public sealed class HookServer : IAsyncDisposable
{
    readonly ConcurrentDictionary<string, Func<JsonObject, Task<JsonObject>>> _answers = new();

    HttpsServer _https = null!;

    HookServer() { }

    /// <summary>Every AdmissionReview's request that came in, by path.</summary>
    public ConcurrentQueue<(string Path, JsonObject Request)> Seen { get; } = new();

    /// <summary>Every query that came in, in the order of <see cref="Seen"/>.</summary>
    public ConcurrentQueue<string> Queries { get; } = new();

    /// <summary>By which version of HTTP every review came, in the same order.</summary>
    public ConcurrentQueue<string> Protocols { get; } = new();
    /// <summary>What each caller said of itself and of the answers it takes.</summary>
    public ConcurrentQueue<string> Askers { get; } = new();

    /// <summary>Answers say neither their version nor their kind.</summary>
    public bool IsNameless { get; set; }

    public int Port => _https.Address.Port;

    public static JsonObject Allow { get; } = JsonObject.Of(("allowed", true));

    public static JsonObject Deny(string message, string reason = "", int code = 0) => JsonObject.Of(("allowed", false), ("status", JsonObject.Of(("message", message), ("reason", reason), ("code", code))));

    public static JsonObject Patch(string operations) =>
        JsonObject.Of(("allowed", true), ("patchType", "JSONPatch"), ("patch", Convert.ToBase64String(Encoding.UTF8.GetBytes(operations))));

    public static JsonValue? At(JsonValue? value, params string[] path)
    {
        foreach (string name in path) value = (value as JsonObject)?[name];
        return value;
    }

    public static string Text(JsonValue? value, params string[] path) => At(value, path) is JsonString s ? s.Value : "";

    /// <summary>Answers reviews at a path.</summary>
    public HookServer On(string path, Func<JsonObject, JsonObject> answer) => On(path, r => Task.FromResult(answer(r)));

    public HookServer On(string path, Func<JsonObject, Task<JsonObject>> answer)
    {
        _answers[path] = answer;
        return this;
    }

    /// <summary>The clientConfig that leads to a path.</summary>
    public string Client(string path) => $$"""{"url":"https://localhost:{{Port}}{{path}}","caBundle":"{{Bundle}}"}""";

    public string Bundle => _https.Bundle;

    public static async Task<HookServer> StartAsync()
    {
        var server = new HookServer();
        server._https = await HttpsServer.StartAsync(server.AnswerAsync, "hook.default.svc");
        return server;
    }

    async Task AnswerAsync(HttpContext http)
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var review = (JsonObject)JsonValue.Parse(body.ToArray());
        var request = (JsonObject)review["request"]!;
        Seen.Enqueue((http.Request.Path.Value!, request));
        Queries.Enqueue(http.Request.QueryString.Value!);
        Protocols.Enqueue(http.Request.Protocol);
        Askers.Enqueue($"{http.Request.Headers.UserAgent} {http.Request.Headers.Accept}");
        // Nobody answers there until the caller gives up.
        if (http.Request.Path == "/hang")
        {
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }
        if (!_answers.TryGetValue(http.Request.Path.Value!, out var answer))
        {
            http.Response.StatusCode = 404;
            return;
        }
        var response = await answer(request);
        if (response["uid"] is null) response = response.With("uid", request["uid"]!);
        await http.Response.Body.WriteAsync((IsNameless ? JsonObject.Of(("response", response))
            : JsonObject.Of(("apiVersion", review["apiVersion"]!), ("kind", "AdmissionReview"), ("response", response))).ToUtf8());
    }

    public ValueTask DisposeAsync() => _https.DisposeAsync();
}
