using System.IO.Compression;
using System.Net;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>Sends a request on to what stands behind the proxy, and its answer back.</summary>
static class ProxyRelay
{
    /// <summary>Pages longer than this are passed on as they are: to rewrite one, it has to be held.</summary>
    const int MaxPage = 16 << 20;

    static readonly HashSet<string> s_hop = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Host", "Authorization", "Content-Length", "Date", "Server",
    };

    // What the backend allows other origins is about its own, not about the API's: upstream removes these.
    static readonly HashSet<string> s_origins = new(StringComparer.OrdinalIgnoreCase)
    {
        "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin",
    };

    /// <param name="before">The part of the request's path that is the API's.</param>
    public static async Task RunAsync(HttpMessageInvoker by, HttpContext http, Uri to, string before)
    {
        using var request = new HttpRequestMessage(new(http.Request.Method), to) { Version = HttpVersion.Version11 };
        if (http.Request.ContentLength > 0 || http.Request.Headers.TransferEncoding.Count > 0 || http.Request.Protocol == "HTTP/2" && http.Request.Method is "POST" or "PUT" or "PATCH")
            request.Content = new StreamContent(http.Request.Body);
        foreach (var (name, values) in http.Request.Headers)
            if (!s_hop.Contains(name) && !name.StartsWith(':') && !Aggregation.ProxyHeaders.SaysWho(name) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        request.Headers.Remove("X-Forwarded-Uri");
        request.Headers.TryAddWithoutValidation("X-Forwarded-Uri", before + to.AbsolutePath);
        HttpResponseMessage answer;
        try { answer = await by.SendAsync(request, http.RequestAborted).ConfigureAwait(false); }
        catch (HttpRequestException e)
        {
            byte[] body = Encoder.Object(Output.Json, Statuses.Failure(503, "ServiceUnavailable", $"error trying to reach service: {(e.InnerException ?? e).Message}"));
            http.Response.StatusCode = 503;
            http.Response.ContentType = MediaTypes.Json;
            await http.Response.BodyWriter.WriteAsync(body, http.RequestAborted).ConfigureAwait(false);
            return;
        }
        using (answer)
        {
            var links = new ProxyLinks(before, to.Authority, http.Request.Host.Value ?? "");
            http.Response.StatusCode = (int)answer.StatusCode;
            foreach (var (name, values) in answer.Headers.NonValidated.Concat(answer.Content.Headers.NonValidated))
                if (!s_hop.Contains(name) && !s_origins.Contains(name))
                    http.Response.Headers.Append(name, name.Equals("Location", StringComparison.OrdinalIgnoreCase) ? [.. values.Select(links.Rewrite)] : values.ToArray());
            var content = await answer.Content.ReadAsStreamAsync(http.RequestAborted).ConfigureAwait(false);
            if (answer.Headers.Location is null && answer.Content.Headers.ContentType?.MediaType == "text/html" && !HttpMethods.IsHead(http.Request.Method))
                await PageAsync(http, answer, content, links).ConfigureAwait(false);
            else
            {
                await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
                await content.CopyToAsync(http.Response.Body, http.RequestAborted).ConfigureAwait(false);
            }
        }
    }

    static async Task PageAsync(HttpContext http, HttpResponseMessage answer, Stream content, ProxyLinks links)
    {
        var ct = http.RequestAborted;
        var page = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        int read;
        while ((read = await content.ReadAsync(buffer, ct).ConfigureAwait(false)) > 0)
        {
            page.Write(buffer, 0, read);
            if (page.Length > MaxPage) break;
        }
        string encoding = string.Join(',', answer.Content.Headers.ContentEncoding).Trim().ToLowerInvariant();
        byte[] written = read > 0 ? page.ToArray() : encoding switch
        {
            "" => links.Page(page.ToArray()),
            "gzip" => Packed(links.Page(Unpacked(new GZipStream(page, CompressionMode.Decompress), page)), to => new GZipStream(to, CompressionLevel.Fastest)),
            "deflate" => Packed(links.Page(Unpacked(new DeflateStream(page, CompressionMode.Decompress), page)), to => new DeflateStream(to, CompressionLevel.Fastest)),
            // Packed in a way that nobody here unpacks.
            _ => page.ToArray(),
        };
        if (read == 0) http.Response.ContentLength = written.Length;
        await http.Response.Body.WriteAsync(written, ct).ConfigureAwait(false);
        if (read > 0) await content.CopyToAsync(http.Response.Body, ct).ConfigureAwait(false);
    }

    static byte[] Unpacked(Stream packed, MemoryStream page)
    {
        page.Position = 0;
        using (packed)
        {
            var plain = new MemoryStream();
            packed.CopyTo(plain);
            return plain.ToArray();
        }
    }

    static byte[] Packed(byte[] plain, Func<Stream, Stream> pack)
    {
        var to = new MemoryStream();
        using (var packing = pack(to)) packing.Write(plain);
        return to.ToArray();
    }
}
