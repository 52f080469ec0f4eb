using System.Buffers;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Server.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hanbae.Server.Front;

/// <summary>A request that came over HTTP.</summary>
sealed class HttpRequestContext(HttpContext http, int bodyLimit)
    : RequestContext(http.Request.Method, http.Request.Path.Value ?? "/", QueryOf(http.Request.QueryString.Value), http.RequestAborted)
{
    ReadOnlyMemory<byte>? _body;
    string? _target;

    /// <summary>Its place among those that are on their way; <see cref="SlowClients"/> writes them.</summary>
    internal HttpRequestContext? Older, Newer;
    internal SlowClients? Slow;
    internal long Entered;
    /// <summary>Since when the client has been sent something that it has not taken yet; 0 when it keeps up.</summary>
    internal long Unread;

    public HttpContext Http => http;
    public override string RawTarget => _target ??= TargetOf(http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? Path + http.Request.QueryString);
    public override IEnumerable<KeyValuePair<string, string>> Headers =>
        http.Request.Headers.SelectMany(h => h.Value, (h, value) => KeyValuePair.Create(h.Key, value ?? ""));
    public override string Header(string name) => http.Request.Headers.TryGetValue(name, out var values) && values.Count > 0 ? values[0] ?? "" : "";
    public override bool HasHeader(string prefix)
    {
        foreach (var header in http.Request.Headers)
            if (header.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    public override X509Certificate2? ClientCertificate => http.Connection.ClientCertificate;
    public override string RemoteAddress => http.Connection.RemoteIpAddress?.ToString() ?? "";
    public override bool InProcess => false;
    internal override void Abort() => http.Abort();
    internal override ReadOnlyMemory<byte> BodyRead => _body ?? default;
    internal override int? AnsweredCode => http.Response.HasStarted ? http.Response.StatusCode : null;

    /// <summary>Whether there is one way to read it: the path as it was sent says the same as <see cref="RequestContext.Path"/>, by which the request is authorized.</summary>
    /// <remarks>Kestrel resolves dot segments; whoever it is passed on to would read them once more, or otherwise. In HTTP/2 there are no encodings of a transfer; in HTTP/1.1 behind it there are.</remarks>
    internal bool IsPlain
    {
        get
        {
            if (http.Request.Headers.TransferEncoding.Count > 0 && !HttpProtocol.IsHttp11(http.Request.Protocol) && !HttpProtocol.IsHttp10(http.Request.Protocol)) return false;
            var sent = RawTarget.AsSpan();
            if (sent.IndexOf('?') is >= 0 and var query) sent = sent[..query];
            if (sent.SequenceEqual(Path)) return true;
            foreach (var range in sent.Split('/'))
                if (IsDots(sent[range])) return false;
            return true;
        }
    }

    static bool IsDots(ReadOnlySpan<char> segment)
    {
        int dots = 0;
        for (; !segment.IsEmpty; dots++)
        {
            if (segment[0] == '.') segment = segment[1..];
            else if (segment.StartsWith("%2e", StringComparison.OrdinalIgnoreCase)) segment = segment[3..];
            else return false;
        }
        return dots is 1 or 2;
    }

    /// <summary>Without the scheme and host that a client of a proxy sends: what is behind is never told where to go by a request's first line.</summary>
    static string TargetOf(string raw)
    {
        if (raw.StartsWith('/')) return raw;
        int host = raw.IndexOf("://", StringComparison.Ordinal);
        int path = host < 0 ? -1 : raw.AsSpan(host + 3).IndexOfAny('/', '?');
        if (path < 0) return "/";
        path += host + 3;
        return raw[path] == '/' ? raw[path..] : "/" + raw[path..];
    }

    public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct) => _body is { } read ? new(read) : ReadAsync(ct);

    async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken ct)
    {
        if (http.Request.ContentLength > bodyLimit) throw Statuses.TooLarge(bodyLimit);
        var reader = http.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(ct).ConfigureAwait(false);
            if (result.Buffer.Length > bodyLimit) throw Statuses.TooLarge(bodyLimit);
            if (result.IsCompleted)
            {
                _body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return _body.Value;
            }
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>Names and values in order, decoded as Go decodes them; what is no proper escape stays as it is.</summary>
    static List<KeyValuePair<string, string>> QueryOf(string? query)
    {
        if (string.IsNullOrEmpty(query) || query.Length == 1) return s_none;
        var parameters = new List<KeyValuePair<string, string>>();
        foreach (var range in query.AsSpan(1).Split('&'))
        {
            var part = query.AsSpan(1)[range];
            if (part.IsEmpty) continue;
            int equals = part.IndexOf('=');
            parameters.Add(equals < 0 ? new(Decode(part), "") : new(Decode(part[..equals]), Decode(part[(equals + 1)..])));
        }
        return parameters;
    }

    static readonly List<KeyValuePair<string, string>> s_none = [];

    static string Decode(ReadOnlySpan<char> text) => text.IndexOfAny('%', '+') < 0 ? text.ToString() : Uri.UnescapeDataString(text.ToString().Replace('+', ' '));
}
