namespace Hanbae.Cri;

/// <summary>How long the kubelet waits for its runtime.</summary>
public sealed record CriTimeouts
{
    public static CriTimeouts Default { get; } = new();

    /// <summary>The kubelet's <c>runtimeRequestTimeout</c>; calls that carry a grace or timeout of their own get that on top.</summary>
    /// <remarks>RunPodSandbox gets twice of it: CNI plugins are slow.</remarks>
    public TimeSpan Request { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A pull has no deadline upstream, since images have no largest size; this bound only ends pulls that hang for good.</summary>
    public TimeSpan PullImage { get; init; } = TimeSpan.FromHours(6);
}
