using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace Hanbae.Grpc.Wire;

/// <summary>The body of a call that sends exactly one message; serialized when the transport asks, into pooled memory.</summary>
internal sealed class MessageContent : HttpContent
{
    internal static readonly MediaTypeHeaderValue GrpcMediaType = new(Statuses.ContentType);

    readonly IMessage _message;

    public MessageContent(IMessage message)
    {
        _message = message;
        Headers.ContentType = GrpcMediaType;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        Frame.WriteAsync(_message, stream, cancellationToken).AsTask();

    /// <summary>No Content-Length: gRPC peers do not expect one.</summary>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
