using System.Net;

namespace Hanbae.Grpc.Wire;

/// <summary>The body of a call that stays open for messages: hands its stream out and lasts until it is closed.</summary>
internal sealed class OpenContent : HttpContent
{
    readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public OpenContent() => Headers.ContentType = MessageContent.GrpcMediaType;

    /// <summary>Ready when the connection is; never when the call fails before.</summary>
    public Task<Stream> Stream => _opened.Task;

    /// <summary>Half-closes the call: no message follows.</summary>
    public void Close() => _closed.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.FlushAsync(cancellationToken); // the server may want to speak first
        _opened.TrySetResult(stream);
        await _closed.Task.WaitAsync(cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
