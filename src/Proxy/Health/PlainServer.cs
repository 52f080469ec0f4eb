using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hanbae.Proxy.Health;

/// <param name="Body">As it is sent.</param>
/// <param name="Headers">Besides the type.</param>
internal sealed record Answer(int Code, string Type, string Body, params (string Name, string Value)[] Headers);

/// <summary>Answers those who ask over plain HTTP on one port whether something is well.</summary>
internal sealed class PlainServer : IAsyncDisposable
{
    readonly WebApplication _app;

    PlainServer(WebApplication app) => _app = app;

    public int Port { get; private set; }

    /// <param name="answer">By path; null where there is nothing.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<PlainServer> StartAsync(IPAddress address, int port, Func<string, Answer?> answer, CancellationToken ct)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(address, port);
        });
        var app = builder.Build();
        app.Run(context => SayAsync(context, answer(context.Request.Path.Value ?? "/") ?? new(404, "text/plain; charset=utf-8", "404 page not found\n")));
        var server = new PlainServer(app);
        try
        {
            await app.StartAsync(ct);
            server.Port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
            return server;
        }
        catch { await server.DisposeAsync(); throw; }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    static Task SayAsync(HttpContext context, Answer answer)
    {
        (context.Response.StatusCode, context.Response.ContentType) = (answer.Code, answer.Type);
        context.Response.Headers.XContentTypeOptions = "nosniff";
        foreach (var (name, value) in answer.Headers) context.Response.Headers[name] = value;
        return context.Response.WriteAsync(answer.Body, context.RequestAborted);
    }
}
