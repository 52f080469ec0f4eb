using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Backends;
using Hanbae.Server.Errors;
using Hanbae.Server.Streaming;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>A container's log, relayed from its kubelet while it grows.</summary>
sealed class LogHandler(PodConnections pods, KubeletConnection kubelets) : IRestHandler
{
    static readonly Api.GroupResource s_log = new("", "pods/log");
    static readonly string[] s_forwarded = ["follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream"];

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        if (request.Info.Verb != "get") throw Statuses.MethodNotAllowed();
        Check(request);
        var pod = await pods.PodAsync(request, ct).ConfigureAwait(false);
        string container = PodConnections.ContainerOf(pod, request.Parameter("container") ?? "");
        // Not assigned to a node: there is no log yet, as upstream has it.
        if (pod.Spec.NodeName.Length == 0) return Reply.Text("");
        var place = await pods.PlaceAsync(pod, ct).ConfigureAwait(false);
        string query = string.Join("&", request.Query.Where(q => s_forwarded.Contains(q.Key) && q.Value is not ("" or "false")).Select(q => q.Key + "=" + Uri.EscapeDataString(q.Value)));
        string url = $"https://{KubeletConnection.Authority(place.Host, place.Port)}/containerLogs/{pod.Metadata.Namespace}/{pod.Metadata.Name}/{container}" + (query.Length > 0 ? "?" + query : "");
        HttpResponseMessage answer;
        using var get = new HttpRequestMessage(HttpMethod.Get, url);
        bool check = !RequestInfo.IsTrue(request.Parameter("insecureSkipTLSVerifyBackend"));
        try { answer = await kubelets.Http(check).SendAsync(get, ct).ConfigureAwait(false); }
        catch (HttpRequestException e) { throw Statuses.Unknown($"Get \"{url}\": {BackendTls.Why(e)}"); }
        if (answer.IsSuccessStatusCode)
        {
            var log = new OwnedStream(await answer.Content.ReadAsStreamAsync(ct).ConfigureAwait(false), answer);
            return SocketReader.IsAsked(request) ? new RawReply(http => SocketReader.SendAsync(http, log)) : Reply.Stream(log, "text/plain");
        }
        using (answer)
        {
            string text = (await answer.Content.ReadAsStringAsync(ct).ConfigureAwait(false)).TrimEnd();
            throw answer.StatusCode switch
            {
                HttpStatusCode.BadRequest => Statuses.BadRequest(text),
                HttpStatusCode.InternalServerError => Statuses.Internal(text),
                _ => Statuses.OfServer((int)answer.StatusCode, text, s_log, request.Info.Name),
            };
        }
    }

    static void Check(RequestContext request)
    {
        var errors = new List<FieldError>();
        void AtLeast(string name, long least)
        {
            if (request.Parameter(name) is { Length: > 0 } text && long.TryParse(text, out long value) && value < least)
                errors.Add(FieldError.Invalid(name, value, $"must be greater than {(least == 0 ? "or equal to 0" : "0")}"));
        }
        AtLeast("tailLines", 0);
        AtLeast("limitBytes", 1);
        AtLeast("sinceSeconds", 1);
        if (request.Parameter("sinceSeconds") is { Length: > 0 } && request.Parameter("sinceTime") is { Length: > 0 })
            errors.Add(FieldError.Forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
        if (errors.Count > 0) throw Statuses.Invalid(PodLogOptions.Info.Gvk, request.Info.Name, errors);
    }

    /// <summary>A body that closes its answer.</summary>
    sealed class OwnedStream(Stream body, IDisposable owner) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => body.Read(buffer, offset, count);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default) => body.ReadAsync(buffer, ct);
        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken ct) => body.ReadAsync(buffer, offset, count, ct);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                body.Dispose();
                owner.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
