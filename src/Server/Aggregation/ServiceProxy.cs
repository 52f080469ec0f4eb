using Hanbae.Api.Meta.V1;
using Hanbae.Server.Streaming;
using Hanbae.Server.Subresources.Kubelet;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Aggregation;

/// <summary>Passes requests on to another API server, as the user that they were authenticated as; watches and upgrades too.</summary>
sealed partial class ServiceProxy(ILogger log)
{
    /// <summary>As much of an answer as callers in the process are handed.</summary>
    const int MostBytes = 64 << 20;

    public async ValueTask<Reply> AnswerAsync(RequestContext request, Remote remote)
    {
        if (!remote.IsAvailable) return Plain(503, "service unavailable");
        if (request.InProcess) return await AskAsync(request, remote).ConfigureAwait(false);
        // Made here, where what is wrong with it can still be answered.
        KeyValuePair<string, string>[] identity = [.. ProxyHeaders.Of(request.User)];
        return new RawReply(http => RelayAsync(http, request, remote, identity));
    }

    /// <summary>In the form of Go's http.Error.</summary>
    static Reply Plain(int code, string text) => Reply.Text(text + "\n", code);

    HttpRequestMessage RequestTo(Remote remote, RequestContext request) =>
        new(new(request.Method), new Uri($"https://{remote.Authority}{request.RawTarget}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));

    /// <summary>For controllers of this process: the whole answer as bytes, an error as what it says.</summary>
    async ValueTask<Reply> AskAsync(RequestContext request, Remote remote)
    {
        using var message = RequestTo(remote, request);
        var body = await request.ReadBodyAsync(request.Aborted).ConfigureAwait(false);
        if (!body.IsEmpty)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.Header("Content-Type") is { Length: > 0 } type ? type : "application/json");
        }
        foreach (string name in (string[])["Accept", "User-Agent"])
            if (request.Header(name) is { Length: > 0 } value) message.Headers.TryAddWithoutValidation(name, value);
        foreach (var (name, value) in ProxyHeaders.Of(request.User)) message.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var answer = await remote.Http.SendAsync(message, request.Aborted).ConfigureAwait(false);
            await answer.Content.LoadIntoBufferAsync(MostBytes, request.Aborted).ConfigureAwait(false);
            byte[] whole = await answer.Content.ReadAsByteArrayAsync(request.Aborted).ConfigureAwait(false);
            int code = (int)answer.StatusCode;
            string kind = answer.Content.Headers.ContentType?.ToString() ?? "";
            if (code >= 400 && kind.StartsWith("application/json", StringComparison.Ordinal) && StatusOf(whole) is { } status) return Reply.Object(status, code);
            return Reply.Bytes(kind, whole, code);
        }
        catch (Exception e) when (Availability.IsFailure(e) && !request.Aborted.IsCancellationRequested)
        {
            Log.Unreachable(log, e, request.Method, request.Path, remote.Authority);
            return Plain(503, Why(e));
        }
    }

    static Status? StatusOf(byte[] json)
    {
        try { return Status.Info.Decode(json) as Status; }
        catch (Exception e) when (e is FormatException or Api.Codec.DecodeException) { return null; }
    }

    static string Why(Exception e) => "error trying to reach service: " + (e.InnerException ?? e).Message;

    async Task RelayAsync(HttpContext http, RequestContext request, Remote remote, KeyValuePair<string, string>[] identity)
    {
        var from = http.Request;
        KeyValuePair<string, string>[] headers = [.. identity, .. ProxyHeaders.Forwarded(from)];
        if (UpgradeTunnel.IsUpgrade(from))
        {
            foreach (string name in from.Headers.Keys.ToArray())
                if (name is not ("Connection" or "Upgrade") && !ProxyHeaders.IsPassedOn(name)) from.Headers.Remove(name);
            if (Tunnel.To(new(remote.Authority, request.RawTarget, headers, remote.DialAsync)) is RawReply raw) await raw.RunAsync(http).ConfigureAwait(false);
            return;
        }
        // Whoever sends or reads slowly is the other server's to judge.
        if (http.Features.Get<Microsoft.AspNetCore.Server.Kestrel.Core.Features.IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        using var message = RequestTo(remote, request);
        if (from.ContentLength > 0 || from.Headers.TransferEncoding.Count > 0 || from.ContentLength is null && from.Method is "POST" or "PUT" or "PATCH") message.Content = new StreamContent(from.Body);
        var forwarded = headers.Select(h => h.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in from.Headers)
            if (ProxyHeaders.IsPassedOn(name) && !forwarded.Contains(name) && !message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                message.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        foreach (var (name, value) in headers) message.Headers.TryAddWithoutValidation(name, value);
        if (message.Content is not null && from.ContentLength is { } length) message.Content.Headers.ContentLength = length;
        HttpResponseMessage answer;
        try { answer = await remote.Http.SendAsync(message, http.RequestAborted).ConfigureAwait(false); }
        catch (Exception e) when (Availability.IsFailure(e) && !http.RequestAborted.IsCancellationRequested)
        {
            Log.Unreachable(log, e, request.Method, request.Path, remote.Authority);
            http.Response.StatusCode = 503;
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.BodyWriter.WriteAsync(System.Text.Encoding.UTF8.GetBytes(Why(e)), http.RequestAborted).ConfigureAwait(false);
            return;
        }
        using (answer)
        {
            var response = http.Response;
            response.StatusCode = (int)answer.StatusCode;
            foreach (var (name, values) in answer.Headers.NonValidated)
                if (ProxyHeaders.IsPassedOn(name)) response.Headers.Append(name, values.ToArray());
            foreach (var (name, values) in answer.Content.Headers.NonValidated) response.Headers[name] = values.ToArray();
            await response.StartAsync(http.RequestAborted).ConfigureAwait(false);
            if (HttpMethods.IsHead(from.Method)) return;
            // Every read goes out at once: a watch has its events when they happen.
            var body = await answer.Content.ReadAsStreamAsync(http.RequestAborted).ConfigureAwait(false);
            await body.CopyToAsync(response.Body, http.RequestAborted).ConfigureAwait(false);
        }
    }

    static partial class Log
    {
        [LoggerMessage(2033, LogLevel.Warning, "{Method} {Path} could not be passed on to {Server}")]
        public static partial void Unreachable(ILogger logger, Exception e, string method, string path, string server);
    }
}
