using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Machinery.Pkcs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Hanbae.Server.Front;

/// <summary>Where and with what certificate the server is reached over HTTPS.</summary>
public sealed record HttpFrontOptions
{
    /// <summary>Port 0 takes a free one.</summary>
    public required IReadOnlyList<IPEndPoint> Endpoints { get; init; }
    /// <summary>With its private key and, if any, the certificates between it and its root.</summary>
    public required X509Certificate2 Certificate { get; init; }
    public X509Certificate2Collection Chain { get; init; } = [];
    /// <summary>What connections from now on are shown, where that changes while the server runs; null for <see cref="Certificate"/> for good.</summary>
    public Func<SslStreamCertificateContext>? CurrentCertificate { get; init; }
    /// <summary>How long a request's headers may take, and how long a connection may be of no use: upstream's numbers.</summary>
    public TimeSpan HeadersWithin { get; init; } = TimeSpan.FromSeconds(32);
    public TimeSpan IdleFor { get; init; } = TimeSpan.FromSeconds(90);
    /// <summary>How long requests on their way may take when the server stops.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Kestrel before the chain: HTTPS with HTTP/1.1 and HTTP/2, one delegate for all requests.</summary>
public sealed class HttpFront : IAsyncDisposable
{
    const int StreamWindow = 8 << 20, ConnectionWindow = 16 << 20, StreamsPerConnection = 1000;

    readonly WebApplication _app;
    readonly Func<Task> _stop;
    readonly HttpFrontOptions _options;

    readonly SlowClients _clients;

    HttpFront(WebApplication app, Func<Task> stop, HttpFrontOptions options, SlowClients clients) => (_app, _stop, _options, _clients) = (app, stop, options, clients);

    /// <summary>What is listened on, with the ports that were taken.</summary>
    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    public static Task<HttpFront> StartAsync(ApiServer server, HttpFrontOptions options, CancellationToken ct) => StartAsync(server.Handler, server.Options, server.Stopping, server.StopAsync, options, ct);

    /// <param name="behind">Of what is behind: limits, the clock and the log.</param>
    /// <param name="stopping">Watches end with it.</param>
    /// <param name="stop">Sets it.</param>
    internal static async Task<HttpFront> StartAsync(Handler handler, ServerOptions behind, CancellationToken stopping, Func<Task> stop, HttpFrontOptions options, CancellationToken ct)
    {
        // Lines end as the protocol has it: a line feed alone is one reader's end and another's letter.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            var limits = kestrel.Limits;
            // The chain answers 413 itself, in the form of a Status.
            limits.MaxRequestBodySize = null;
            // Go's net/http takes a megabyte of request line and headers together; selectors and tokens may be long, no client needs that much.
            limits.MaxRequestLineSize = 256 << 10;
            limits.MaxRequestHeadersTotalSize = 512 << 10;
            limits.MaxRequestHeaderCount = 500;
            limits.Http2.MaxRequestHeaderFieldSize = 256 << 10;
            // What a connection may make the server keep for decoding headers: the protocol's default, said here because it is a bound.
            limits.Http2.HeaderTableSize = 4096;
            // The protocol's least: a larger frame would only be a larger buffer.
            limits.Http2.MaxFrameSize = 16 << 10;
            // Who never comes to the end of its headers, and who holds a connection for nothing. A body that trickles is ended by Kestrel (240
            // bytes a second after five seconds, its own numbers), and by SlowClients, which ends whatever else takes its time.
            limits.RequestHeadersTimeout = options.HeadersWithin;
            limits.KeepAliveTimeout = options.IdleFor;
            kestrel.RequestHeaderEncodingSelector = StrictHeaders.Of;
            // Clients that are gone without a word hold watches: they are asked, as Go's server asks by TCP keep-alive. Floods of resets,
            // pings and settings are Kestrel's to bound: it ends a connection whose queue of owed frames or of cancelled streams grows.
            limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(30);
            kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindow;
            kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindow;
            kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
            // By connection, which many share: SlowClients ends the one answer that is not read.
            kestrel.Limits.MinResponseDataRate = null;
            foreach (var endpoint in options.Endpoints)
                kestrel.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1AndHttp2;
                    listen.UseHttps(https =>
                    {
                        https.ServerCertificate = options.Certificate;
                        https.ServerCertificateChain = options.Chain;
                        // Asked for, not judged: that is authentication's.
                        https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                        https.AllowAnyClientCertificate();
                        https.OnAuthenticate = (_, tls) =>
                        {
                            TlsSuites.Harden(tls);
                            if (options.CurrentCertificate is { } current) tls.ServerCertificateContext = current();
                        };
                    });
                    listen.UseFullRecords();
                });
        });
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(new Blocks());
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(o => o.ShutdownTimeout = options.Grace);
        var app = builder.Build();
        var clients = new SlowClients(behind.AnswerWithin, behind.Time);
        var writer = new ReplyWriter(handler, behind, stopping, clients);
        app.Run(writer.RunAsync);
        var front = new HttpFront(app, stop, options, clients);
        await app.StartAsync(ct).ConfigureAwait(false);
        front.Addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a))];
        return front;
    }

    /// <summary>Ends watches, lets requests on their way finish, closes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop().ConfigureAwait(false);
        using var grace = new CancellationTokenSource(_options.Grace);
        await _app.StopAsync(grace.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _clients.Dispose();
    }
}
