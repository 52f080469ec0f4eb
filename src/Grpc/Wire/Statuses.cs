using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Hanbae.Grpc.Wire;

/// <summary>Turns whatever ended a call (trailers, an HTTP answer, a broken connection) into one gRPC status.</summary>
internal static class Statuses
{
    public const string StatusHeader = "grpc-status";
    public const string MessageHeader = "grpc-message";
    public const string TimeoutHeader = "grpc-timeout";
    public const string ContentType = "application/grpc";

    /// <summary>The error that a response's headers already tell, null when a body with trailers is to be expected.</summary>
    public static GrpcException? FromHeaders(HttpResponseMessage response)
    {
        if (response.Headers.NonValidated.Contains(StatusHeader)) return FromTrailers(response.Headers);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            string reason = response.ReasonPhrase ?? response.StatusCode.ToString();
            return new(FromHttp(response.StatusCode), $"unexpected HTTP status code received from server: {(int)response.StatusCode} ({reason})");
        }
        return response.Content.Headers.ContentType?.MediaType is { } type && type.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
            ? null
            : new(GrpcStatus.Unknown, $"unexpected content-type \"{response.Content.Headers.ContentType}\"");
    }

    /// <returns>Null for OK.</returns>
    public static GrpcException? FromTrailers(HttpHeaders trailers)
    {
        if (!trailers.NonValidated.TryGetValues(StatusHeader, out var values))
            return new(GrpcStatus.Internal, "server closed the stream without sending trailers");
        if (!int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out int code))
            return new(GrpcStatus.Unknown, $"malformed grpc-status: {values}");
        if (code == 0) return null;
        string detail = trailers.NonValidated.TryGetValues(MessageHeader, out var message) ? PercentText.Decode(message.ToString()) : "";
        return new(code <= (int)GrpcStatus.Unauthenticated ? (GrpcStatus)code : GrpcStatus.Unknown, detail);
    }

    public static GrpcException FromFault(Exception fault, string target) => fault switch
    {
        GrpcException already => already,
        HttpRequestException { InnerException: SocketException dial } => new(
            GrpcStatus.Unavailable, $"connection error: desc = \"transport: Error while dialing: dial {target}: connect: {dial.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "connection refused",
                SocketError.AddressNotAvailable => "no such file or directory",
                _ => dial.Message,
            }}\"", fault),
        HttpProtocolException protocol => new(FromHttp2(protocol.ErrorCode), protocol.Message, fault),
        HttpRequestException { InnerException: HttpProtocolException protocol } => new(FromHttp2(protocol.ErrorCode), protocol.Message, fault),
        HttpRequestException or IOException or SocketException => new(GrpcStatus.Unavailable, $"error reading from server {target}: {fault.Message}", fault),
        _ => new(GrpcStatus.Internal, fault.Message, fault),
    };

    static GrpcStatus FromHttp(HttpStatusCode code) => code switch
    {
        HttpStatusCode.BadRequest => GrpcStatus.Internal,
        HttpStatusCode.Unauthorized => GrpcStatus.Unauthenticated,
        HttpStatusCode.Forbidden => GrpcStatus.PermissionDenied,
        HttpStatusCode.NotFound => GrpcStatus.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
            => GrpcStatus.Unavailable,
        _ => GrpcStatus.Unknown,
    };

    /// <summary>RST_STREAM and GOAWAY codes, as the protocol document maps them.</summary>
    static GrpcStatus FromHttp2(long code) => code switch
    {
        0x7 => GrpcStatus.Unavailable,        // REFUSED_STREAM: never processed, safe to try again
        0x8 => GrpcStatus.Canceled,           // CANCEL
        0xb => GrpcStatus.ResourceExhausted,  // ENHANCE_YOUR_CALM
        0xc => GrpcStatus.PermissionDenied,   // INADEQUATE_SECURITY
        0x0 => GrpcStatus.Unavailable,        // NO_ERROR: the server went away
        _ => GrpcStatus.Internal,
    };
}
