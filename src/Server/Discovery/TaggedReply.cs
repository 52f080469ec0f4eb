using Microsoft.AspNetCore.Http;

namespace Hanbae.Server.Discovery;

/// <summary>Answers with kept bytes: 304 when the client has them already, and as compressed once when it can read that.</summary>
static class TaggedReply
{
    /// <param name="tag">The ETag with its quotes.</param>
    /// <param name="body">The whole bytes, which not every answer needs.</param>
    /// <param name="gzip">The same bytes compressed, made when first needed; null for answers too small to be worth it.</param>
    public static Reply Of(RequestContext request, string contentType, string tag, Func<ReadOnlyMemory<byte>> body, Func<ReadOnlyMemory<byte>>? gzip = null)
    {
        request.ReplyHeaders.Add(new("ETag", tag));
        request.ReplyHeaders.Add(new("Vary", "Accept"));
        // In-process callers take the bytes as they are.
        if (request.InProcess) return Reply.Bytes(contentType, body());
        if (Matches(request.Header("If-None-Match"), tag))
            return new RawReply(http =>
            {
                http.Response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            });
        if (gzip is null || !request.Header("Accept-Encoding").Contains("gzip", StringComparison.Ordinal)) return Reply.Bytes(contentType, body());
        return new RawReply(http =>
        {
            var compressed = gzip();
            http.Response.ContentType = contentType;
            http.Response.Headers.ContentEncoding = "gzip";
            http.Response.Headers.Append("Vary", "Accept-Encoding");
            http.Response.ContentLength = compressed.Length;
            return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.BodyWriter.WriteAsync(compressed, http.RequestAborted).AsTask();
        });
    }

    /// <summary>A weak tag is as good as a strong one here, and <c>*</c> means any.</summary>
    internal static bool Matches(string ifNoneMatch, string tag)
    {
        foreach (var range in ifNoneMatch.AsSpan().Split(','))
        {
            var one = ifNoneMatch.AsSpan(range).Trim();
            if (one.StartsWith("W/", StringComparison.Ordinal)) one = one[2..];
            if (one.SequenceEqual(tag) || one.SequenceEqual("*")) return true;
        }
        return false;
    }
}
