namespace Hanbae.Server.Health;

/// <summary>One thing that must be well for a process to count as alive or ready.</summary>
/// <param name="LiveToo">Also a check of /livez and /healthz, and not of /readyz alone.</param>
/// <param name="Failure">Null when it passes.</param>
public sealed record HealthCheck(string Name, bool LiveToo, Func<CancellationToken, ValueTask<string?>> Failure);
