namespace Hanbae.Grpc;

/// <summary>What one call asks for beyond its message.</summary>
/// <param name="Timeout">The deadline, told to the server as <c>grpc-timeout</c> and kept by the client too; none when null.</param>
/// <param name="Metadata">Extra request headers, lower-case names; for example etcd's <c>token</c>.</param>
public readonly record struct GrpcCallOptions(TimeSpan? Timeout = null, IReadOnlyList<KeyValuePair<string, string>>? Metadata = null);
