namespace Hanbae.Server.Audit;

/// <summary>What is written down and where to; the defaults are upstream's.</summary>
public sealed record AuditOptions
{
    public required AuditPolicy Policy { get; init; }
    public AuditLogOptions? Log { get; init; }
    public AuditWebhookOptions? Webhook { get; init; }
}

/// <summary>A file of events, --audit-log-….</summary>
public sealed record AuditLogOptions
{
    /// <summary>A minus is standard output.</summary>
    public required string Path { get; init; }
    public bool Legacy { get; init; }
    public AuditMode Mode { get; init; } = AuditMode.Blocking;
    /// <summary>Files that were closed longer ago are removed; zero keeps them.</summary>
    public TimeSpan MaxAge { get; init; }
    /// <summary>Closed files that are kept; 0 for all.</summary>
    public int MaxBackups { get; init; }
    /// <summary>Bytes after which a file is closed and another begun.</summary>
    public long MaxSize { get; init; } = 100 << 20;
    public bool Compress { get; init; }
    /// <summary>Null when events may be of any size.</summary>
    public TruncateOptions? Truncate { get; init; }
    /// <summary>Events that wait to be written, in all modes.</summary>
    public int Buffer { get; init; } = 10_000;
}

/// <summary>A server that is sent events, --audit-webhook-….</summary>
public sealed record AuditWebhookOptions
{
    /// <summary>Posts an EventList. False when it is not to be tried again.</summary>
    /// <remarks>An exception of I/O, or a true that never comes within the timeout, is tried again.</remarks>
    public required Func<ReadOnlyMemory<byte>, CancellationToken, Task<WebhookAnswer>> Post { get; init; }
    public AuditMode Mode { get; init; } = AuditMode.Batch;
    public int Buffer { get; init; } = 10_000;
    public int BatchSize { get; init; } = 400;
    public TimeSpan BatchWait { get; init; } = TimeSpan.FromSeconds(30);
    public bool Throttle { get; init; } = true;
    /// <summary>Batches a second, and how many may go at once after a quiet time.</summary>
    public double BatchesPerSecond { get; init; } = 10;
    public int Burst { get; init; } = 15;
    public TimeSpan InitialBackoff { get; init; } = TimeSpan.FromSeconds(10);
    public TruncateOptions? Truncate { get; init; }
}

/// <summary>What came of a post: done, to be tried again, or refused for good.</summary>
public enum WebhookAnswer : byte { Taken, TryAgain, Refused }

/// <summary>--audit-…-truncate-max-event-size and -max-batch-size.</summary>
public sealed record TruncateOptions(int MaxEvent = 102_400, int MaxBatch = 10_485_760);
