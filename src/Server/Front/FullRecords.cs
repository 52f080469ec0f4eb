using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Hanbae.Server.Front;

/// <summary>Gives TLS as much at once as a record holds: a call of the library, a pooled block and a seal for each 16 KB instead of each 4.</summary>
/// <remarks>Kestrel hands its stream the blocks of its own pool, which are pages, one by one. Nothing is held between two flushes.</remarks>
static class FullRecords
{
    /// <summary>The protocol's most, RFC 8446, 5.1.</summary>
    public const int Record = 16 << 10;

    static readonly StreamPipeWriterOptions Writer = new(minimumBufferSize: Record, leaveOpen: true);

    public static ListenOptions UseFullRecords(this ListenOptions listen)
    {
        listen.Use(next => async connection =>
        {
            if (connection.Features.Get<ISslStreamFeature>() is not { } tls)
            {
                await next(connection).ConfigureAwait(false);
                return;
            }
            var before = connection.Transport;
            var output = PipeWriter.Create(tls.SslStream, Writer);
            connection.Transport = new Duplex(before.Input, output);
            try { await next(connection).ConfigureAwait(false); }
            finally
            {
                await output.CompleteAsync().ConfigureAwait(false);
                connection.Transport = before;
            }
        });
        return listen;
    }

    sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
