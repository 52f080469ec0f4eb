using Google.Protobuf;

namespace Hanbae.Grpc;

/// <summary>Names one call of a service and knows its messages: shared by the client that calls and the server that answers.</summary>
/// <param name="Service">Full name with its package, as in <c>runtime.v1.RuntimeService</c>.</param>
public sealed record GrpcMethod<TRequest, TResponse>(
    string Service, string Name, MessageParser<TRequest> Requests, MessageParser<TResponse> Responses)
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    public string Path { get; } = $"/{Service}/{Name}";
}
