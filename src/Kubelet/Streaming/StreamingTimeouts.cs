namespace Hanbae.Kubelet.Streaming;

/// <summary>How long streaming connections wait for their peer.</summary>
public sealed record StreamingTimeouts
{
    /// <summary>For a client to open all the streams it announced; upstream's 30 s.</summary>
    public TimeSpan Creation { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For a client to hang up after the last byte, before this side does.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For anything to move over the connection (<c>streamingConnectionIdleTimeout</c>); zero waits for ever.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromHours(4);

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
