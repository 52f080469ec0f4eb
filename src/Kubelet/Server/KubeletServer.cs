using System.Net.Security;
using Hanbae.Kubelet.Pods;
using Hanbae.Machinery.Pkcs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Server;

/// <summary>The kubelet's own API: logs and exec for the API server, figures and health for who watches nodes.</summary>
sealed class KubeletServer : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly KubeletAccess _access;
    readonly KubeletRoutes _routes;

    public KubeletServer(KubeletOptions options, KubeletAccess access, KubeletRoutes routes)
    {
        (_access, _routes) = (access, routes);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MinResponseDataRate = null; // a followed log may be silent for days
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(options.Address, options.Port, listen =>
            {
                // Exec and port-forward upgrade the connection, which HTTP/2 cannot.
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(https =>
                {
                    if (options.CurrentServingCertificate is { } current) https.ServerCertificateSelector = (_, _) => current();
                    else https.ServerCertificate = options.ServingCertificate;
                    https.OnAuthenticate = static (_, tls) => TlsSuites.Harden(tls);
                    https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                    https.ClientCertificateValidation = (certificate, _, _) => ClientCertificates.IsTrusted(certificate, options.CurrentClientCAs?.Invoke() ?? options.ClientCAs);
                });
            });
        });
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(ServeAsync);
    }

    public int Port { get; private set; }

    public async Task StartAsync(CancellationToken ct)
    {
        await _app.StartAsync(ct).ConfigureAwait(false);
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Port = new Uri(address).Port;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    async Task ServeAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "/", method = context.Request.Method;
        if (await _access.WhoAsync(context, context.RequestAborted).ConfigureAwait(false) is not { } user)
        {
            await TextAsync(context, 401, "Unauthorized").ConfigureAwait(false);
            return;
        }
        if (!await _access.MayAsync(user, method, path, context.RequestAborted).ConfigureAwait(false))
        {
            await TextAsync(context, 403, KubeletAccess.Refusal(user, method, path)).ConfigureAwait(false);
            return;
        }
        await _routes.ServeAsync(context).ConfigureAwait(false);
    }

    internal static Task TextAsync(HttpContext context, int status, string text)
    {
        (context.Response.StatusCode, context.Response.ContentType) = (status, "text/plain; charset=utf-8");
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
