using Hanbae.Api;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Tests.Aggregation;

/// <summary>An API server whose aggregator runs.</summary>
sealed class AggregatedServer : IAsyncDisposable
{
    public const string Name = FlunderServer.Version + "." + FlunderServer.Group;
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;

    AggregatedServer(TestServer server) => (Server, _running) = (server, server.Server.Aggregator!.RunAsync(_stop.Token));

    public TestServer Server { get; }

    public static async Task<AggregatedServer> StartAsync(System.Security.Cryptography.X509Certificates.X509Certificate2? proxy = null, Func<ServerOptions, ServerOptions>? change = null)
    {
        TestServer? made = null;
        made = await TestServer.StartAsync(o =>
        {
            o = o with
            {
                Aggregation = new() { ProxyClientCertificate = () => proxy, CheckEvery = TimeSpan.FromMilliseconds(100), CheckTimeout = TimeSpan.FromMinutes(1) }, Table = TableCatalog.Of,
                Paths =
                [
                    .. new DiscoveryHandler(() => made?.Server.Aggregator?.Groups ?? [], "10.0.0.1:6443").Routes,
                    .. new OpenApiHandler(() => made?.Server.Aggregator?.Parts ?? []).Routes,
                ],
            };
            return change?.Invoke(o) ?? o;
        });
        foreach (string ns in (string[])["default", "wardle"]) await made.CreateAsync(new Namespace { Metadata = new() { Name = ns } });
        return new(made);
    }

    /// <summary>The Service and the APIService of flunders.</summary>
    public async Task RegisterAsync(FlunderServer flunders, bool withCa = true)
    {
        await Server.CreateAsync(new Service { Metadata = new() { Name = "api", Namespace = "wardle" }, Spec = new() { Type = "ExternalName", ExternalName = "localhost" } });
        await Server.CreateAsync(Flunders(flunders.Port, withCa ? Bytes.FromText(flunders.Pki.ServerAuthority.ExportCertificatePem() + "\n") : default));
    }

    public static APIService Flunders(int port, Bytes ca) => new()
    {
        Metadata = new() { Name = Name },
        Spec = new()
        {
            Group = FlunderServer.Group, Version = FlunderServer.Version, GroupPriorityMinimum = 2000, VersionPriority = 200, CaBundle = ca, InsecureSkipTLSVerify = ca.IsNil,
            Service = new() { Namespace = "wardle", Name = "api", Port = port },
        },
    };

    /// <summary>Waits for what an APIService's condition says.</summary>
    public async Task<APIServiceCondition> UntilAsync(Func<APIServiceCondition, bool> right, string name = Name)
    {
        using var patience = new CancellationTokenSource(s_patience);
        APIServiceCondition? last = null;
        try
        {
            await foreach (var e in Server.WatchAsync(Resources.Of<APIService>().Path(), patience.Token, ("fieldSelector", "metadata.name=" + name)))
                if (e.Object is APIService service && service.Status.Conditions.Find(c => c.Type == "Available") is { } condition && right(last = condition)) return condition;
        }
        catch (OperationCanceledException) { }
        throw new InvalidOperationException($"{name} came to {last}");
    }

    public Task<APIServiceCondition> AvailableAsync() => UntilAsync(c => c.Status == "True");

    /// <summary>Waits for an answer that is right; asks again after each pass of the aggregator.</summary>
    public async Task<TestServer.Answer> UntilAnswerAsync(Func<Task<TestServer.Answer>> ask, Func<TestServer.Answer, bool> right)
    {
        using var patience = new CancellationTokenSource(s_patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        TestServer.Answer answer;
        while (!right(answer = await ask())) await timer.WaitForNextTickAsync(patience.Token);
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        await Server.DisposeAsync();
    }
}
