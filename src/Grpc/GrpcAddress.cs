using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Hanbae.Grpc;

/// <summary>Where a gRPC service listens: <c>unix:///path</c>, <c>http://host:port</c> or <c>https://host:port</c>.</summary>
public sealed class GrpcAddress
{
    readonly Uri _base;
    readonly ConcurrentDictionary<string, Uri> _uris = new(); // bounded by the number of methods

    GrpcAddress(string text, Uri @base, string? socketPath)
    {
        Text = text;
        _base = @base;
        SocketPath = socketPath;
        Target = socketPath is null ? "tcp " + @base.Authority : "unix " + socketPath;
    }

    public string Text { get; }

    /// <summary>The Unix socket's file, null for TCP.</summary>
    public string? SocketPath { get; }

    public bool IsTls => _base.Scheme == "https";

    public string Host => _base.Host;

    public int Port => _base.Port;

    /// <summary>The address as Go's dial errors name it.</summary>
    internal string Target { get; }

    /// <exception cref="FormatException">No such kind of address.</exception>
    public static GrpcAddress Parse(string text)
    {
        string? socket = text.StartsWith('/') ? text
            : text.StartsWith("unix:///", StringComparison.Ordinal) ? text[7..]
            : text.StartsWith("unix:/", StringComparison.Ordinal) && !text.StartsWith("unix://", StringComparison.Ordinal) ? text[5..]
            : null;
        if (socket is not null) return new("unix://" + socket, new("http://localhost"), socket);
        return System.Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? new(text, uri, null)
            : throw new FormatException($"\"{text}\" is no gRPC address: want unix:///path, http://host:port or https://host:port");
    }

    public override string ToString() => Text;

    internal Uri Uri(string path) => _uris.GetOrAdd(path, static (p, b) => new(b, p), _base);

    internal async ValueTask<Stream> DialUnixAsync(CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath!), ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
