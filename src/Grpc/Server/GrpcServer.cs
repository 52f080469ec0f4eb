using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Hanbae.Grpc.Server;

/// <summary>Listens for gRPC calls on a socket of its own.</summary>
/// <remarks>What already has a Kestrel maps <see cref="GrpcService.HandleAsync(Microsoft.AspNetCore.Http.HttpContext)"/> instead.</remarks>
public sealed class GrpcServer : IAsyncDisposable
{
    /// <summary>Open calls per connection; the client opens a second connection, or waits, beyond that.</summary>
    const int MaxStreams = 1000;

    readonly WebApplication _app;
    readonly CancellationTokenSource _stopping;

    GrpcServer(WebApplication app, CancellationTokenSource stopping, string address) => (_app, _stopping, Address) = (app, stopping, address);

    /// <summary>Where it listens, with the port it got.</summary>
    public string Address { get; }

    /// <param name="address">As for <see cref="GrpcChannel"/>; port 0 takes a free one.</param>
    /// <param name="certificate">With its key, for <c>https</c>.</param>
    public static async Task<GrpcServer> StartAsync(string address, GrpcService service, X509Certificate2? certificate = null, CancellationToken ct = default)
    {
        var parsed = GrpcAddress.Parse(address);
        if (parsed.IsTls != certificate is not null) throw new ArgumentException("a certificate is needed for https, and only for https", nameof(certificate));
        if (parsed.SocketPath is { } path) await RemoveStaleAsync(path, ct);

        var builder = WebApplication.CreateEmptyBuilder(new());
        var kestrel = builder.WebHost.UseKestrelCore();
        if (parsed.IsTls) kestrel.UseKestrelHttpsConfiguration();
        kestrel.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.Http2.MaxStreamsPerConnection = MaxStreams;
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinRequestBodyDataRate = null; // a watch lives long and says little
            options.Limits.MinResponseDataRate = null;
            void Http2Only(ListenOptions listen)
            {
                listen.Protocols = HttpProtocols.Http2;
                if (certificate is not null) listen.UseHttps(certificate);
            }
            if (parsed.SocketPath is { } socket) options.ListenUnixSocket(socket, Http2Only);
            else if (parsed.Host == "localhost" && parsed.Port != 0) options.ListenLocalhost(parsed.Port, Http2Only);
            else options.Listen(parsed.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(parsed.Host.Trim('[', ']')), parsed.Port, Http2Only);
        });

        var app = builder.Build();
        var stopping = new CancellationTokenSource();
        app.Run(context => service.HandleAsync(context, stopping.Token));
        try
        {
            await app.StartAsync(ct);
        }
        catch
        {
            await app.DisposeAsync();
            stopping.Dispose();
            throw;
        }
        string bound = parsed.SocketPath is null
            ? app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
            : address;
        return new(app, stopping, bound);
    }

    /// <summary>Ends running calls with Unavailable, then closes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _stopping.Dispose();
    }

    /// <summary>A server that died leaves its socket's file behind, and a new one could not bind.</summary>
    static async Task RemoveStaleAsync(string path, CancellationToken ct)
    {
        if (!File.Exists(path)) return;
        try
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await probe.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
    }
}
