namespace Hanbae.Server.Audit;

/// <summary>Where events go.</summary>
interface IAuditSink : IAsyncDisposable
{
    /// <summary>Completes when as much is safe as the sink's mode promises.</summary>
    /// <returns>False when the event could not be kept.</returns>
    ValueTask<bool> WriteAsync(AuditEvent e, CancellationToken ct);
}

/// <summary>When a request may go on that is written down.</summary>
public enum AuditMode : byte
{
    /// <summary>At once: events are collected and written beside it. A crash loses what waits.</summary>
    Batch,
    /// <summary>When it is handed to the system: a crash of this process loses nothing.</summary>
    Blocking,
    /// <summary>When it is on the disk, or taken by the webhook; a request that cannot be written down is not worked on.</summary>
    BlockingStrict,
}
