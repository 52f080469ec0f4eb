using System.Net.Security;

namespace Hanbae.Grpc;

/// <summary>The limits and credentials of a channel.</summary>
public sealed record GrpcChannelOptions
{
    public static GrpcChannelOptions Default { get; } = new();

    /// <summary>A larger response ends its call with ResourceExhausted. 16 MiB is what the kubelet allows a runtime.</summary>
    public int MaxReceiveMessageSize { get; init; } = 16 << 20;

    /// <summary>A dial that takes longer fails its calls with Unavailable.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How often a silent connection with open calls is pinged; null for never.</summary>
    public TimeSpan? KeepAlive { get; init; }

    /// <summary>A ping unanswered for so long breaks the connection.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For <c>https</c> addresses: roots, client certificate, server name.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    public string UserAgent { get; init; } = "hanbae-grpc";

    /// <summary>Keeps the deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
