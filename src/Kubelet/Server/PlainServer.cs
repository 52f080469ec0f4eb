using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Server;

/// <summary>What the kubelet tells anybody, over plain HTTP: that it is there (<c>healthzPort</c>), or what may be read of it (<c>readOnlyPort</c>).</summary>
/// <remarks>Whoever else has the port keeps it: the kubelet works without, and asks for it again.</remarks>
sealed class PlainServer(IPAddress address, int port, RequestDelegate answer, TimeProvider time, ILogger log)
{
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5); // as upstream

    readonly TaskCompletionSource<int> _serving = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The port, once it listens.</summary>
    public Task<int> Port => _serving.Task;

    /// <summary>Only whether the process answers; how its parts are is told to who may ask <c>/healthz</c> of its API.</summary>
    public static PlainServer OfHealth(KubeletOptions options, TimeProvider time, ILogger log) => new(options.HealthzAddress, options.HealthzPort, context => (context.Request.Path.Value ?? "") switch
    {
        "/healthz" or "/healthz/" or "/healthz/ping" => KubeletServer.TextAsync(context, 200, "ok"),
        _ => KubeletServer.TextAsync(context, 404, "404 page not found\n"),
    }, time, log);

    public static PlainServer ToRead(KubeletOptions options, KubeletRoutes routes, TimeProvider time, ILogger log) => new(options.Address, options.ReadOnlyPort, routes.ServeToAnybodyAsync, time, log);

    public async Task RunAsync(CancellationToken ct)
    {
        string told = "";
        while (true)
        {
            await using var app = Build();
            try
            {
                await app.StartAsync(ct).ConfigureAwait(false);
                _serving.TrySetResult(new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port);
                await Task.Delay(Timeout.InfiniteTimeSpan, time, ct).ConfigureAwait(false);
            }
            catch (IOException e)
            {
                if (told != e.Message) log.PortNotServed(address.ToString(), port, told = e.Message);
            }
            await Task.Delay(s_pause, time, ct).ConfigureAwait(false);
        }
    }

    WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(address, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        app.Run(answer);
        return app;
    }
}
