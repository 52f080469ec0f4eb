namespace Hanbae.Grpc;

/// <summary>A call that did not end with OK; thrown by clients, and by handlers to choose the status they answer with.</summary>
/// <remarks>
/// <see cref="Exception.Message"/> has the form of Go's clients ("rpc error: code = NotFound desc = …") because the kubelet shows it
/// in events and pod statuses; <see cref="Detail"/> is the bare text from the wire.
/// </remarks>
public sealed class GrpcException(GrpcStatus status, string detail, Exception? inner = null)
    : Exception($"rpc error: code = {status} desc = {detail}", inner)
{
    public GrpcStatus Status { get; } = status;

    public string Detail { get; } = detail;
}
