using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Components;
using Hanbae.Host.Settings;
using Hanbae.Scheduler;
using Hanbae.Server.Health;
using Microsoft.Extensions.Logging;
using Connection = Hanbae.Client.Cluster;

namespace Hanbae.Host.Roles;

/// <summary>Whether one of several instances works at a time; upstream's <c>--leader-elect</c> and its like.</summary>
/// <param name="Lease">In kube-system; the same for all that may take over from each other.</param>
sealed record ElectionSettings(bool Elect, string Lease, LeaderElectionOptions Times);

/// <summary>A scheduler, or the controllers, alone in this process, for a cluster elsewhere: Hanbae's or another Kubernetes.</summary>
/// <param name="kubeconfig">Null for the current context, or the cluster that this process is a Pod of.</param>
/// <param name="serving">Null to show nobody how it is.</param>
sealed class Standalone(string? kubeconfig, ElectionSettings election, ServingSettings? serving, TimeProvider time, ILoggerFactory loggers)
{
    readonly ILogger _log = loggers.CreateLogger("hanbae");

    /// <summary>Runs a scheduler until cancelled.</summary>
    /// <exception cref="SettingsException">The lead was lost: whoever started the process is to start it again, as upstream's.</exception>
    public Task ScheduleAsync(SchedulerOptions options, CancellationToken ct)
    {
        Scheduler.Scheduler? scheduler = null;
        // Who stands by follows nothing yet, and is ready to take over all the same.
        HealthCheck synced = new("sched-handler-sync", false, _ => new(Volatile.Read(ref scheduler) is { Synced: false } ? "handlers are not fully synchronized" : null));
        return RunAsync(new("kube-scheduler", Configurations.Of(options, election), [synced, Shutdown(ct)]), (cluster, supervisor) =>
        {
            var access = Access(cluster, supervisor, "default-scheduler");
            supervisor.Run("scheduler", stop =>
            {
                var made = new Scheduler.Scheduler(access, options);
                Volatile.Write(ref scheduler, made);
                return made.RunAsync(stop);
            });
        }, ct);
    }

    /// <summary>Runs the controllers until cancelled.</summary>
    /// <param name="ownAccounts">Each as a service account of its own, rather than all as who the kubeconfig says.</param>
    /// <exception cref="SettingsException">The lead was lost.</exception>
    public async Task ControlAsync(Controllers.ControllerOptions options, bool ownAccounts, CancellationToken ct)
    {
        // As upstream, what makes tokens works as who the kubeconfig says: no role of its own is there everywhere.
        const string Agent = "kube-controller-manager", MakesTokens = "tokens-controller";
        using var bare = ownAccounts ? new HttpTransport(Config(kubeconfig).WithoutCredentials(), time, Http(Agent)) : null;
        // As upstream: by name, for people to see which are there; one that breaks starts again by itself.
        var each = Controllers.Catalog.All.Where(options.Run.Has).Select(e => new HealthCheck(e.Name, true, static _ => default));
        var figures = new Controllers.ControllerFigures();
        options = options with { Figures = figures };
        await RunAsync(new(Agent, Configurations.Of(options, election), [.. each, Shutdown(ct)], figures.Render), (cluster, supervisor) =>
        {
            var transports = Controllers.Catalog.All.Select(e => e.Component).Distinct().ToDictionary(c => c, c => bare is null || c == MakesTokens ? null : new AccountTransport(bare, cluster.Client, c, time));
            var accounts = Controllers.Catalog.All.Select(e => (e.Component, e.EventSource)).Distinct().ToDictionary(c => c, c => Access(cluster, supervisor, c.EventSource, transports[c.Component]));
            supervisor.Run("controllers", stop => Controllers.Catalog.RunAsync(entry => accounts[(entry.Component, entry.EventSource)], options, stop, loggers.CreateLogger("hanbae.controllers")));
        }, ct);
    }

    static HealthCheck Shutdown(CancellationToken ct) => new("shutdown", false, _ => new(ct.IsCancellationRequested ? "process is shutting down" : null));

    /// <param name="state">Its name is what the process is called to the server, and so the manager of the fields it writes.</param>
    async Task RunAsync(ComponentState state, Action<Connection, Supervisor> start, CancellationToken ct)
    {
        string agent = state.Name;
        using var cluster = Connect(kubeconfig, agent);
        string identity = $"{Environment.MachineName}_{Guid.NewGuid()}";
        var elector = election.Elect ? new LeaderElector(cluster.Client, new("kube-system", election.Lease), identity, time, election.Times, _log) : null;
        await using var endpoints = serving is null ? null : await ComponentEndpoints.StartAsync(serving, state, elector, other => Connect(other ?? kubeconfig, agent), time, loggers, ct);
        if (endpoints is not null) Console.WriteLine($"{agent} serves {endpoints.Address}");
        if (elector is null)
        {
            await WorkAsync(cluster, start, ct);
            return;
        }
        Console.WriteLine($"{agent} {identity} stands by for {cluster.Config.Server}");
        await elector.RunAsync(leading => WorkAsync(cluster, start, leading), ct);
        if (!ct.IsCancellationRequested) throw new SettingsException("leaderelection lost");
    }

    /// <summary>Flow control is the server's; a limit here would only hide what it decides.</summary>
    Connection Connect(string? by, string agent) => Connection.Connect(Config(by), new() { Http = Http(agent), Qps = 0, Time = time, Loggers = loggers });

    static ClusterConfig Config(string? by) => by is null ? ClusterConfig.Default() : Kubeconfig.Load(by).Resolve();

    static HttpTransportOptions Http(string agent) => new() { UserAgent = agent + "/v1.36.3 (hanbae)" };

    async Task WorkAsync(Connection cluster, Action<Connection, Supervisor> start, CancellationToken ct)
    {
        await using var supervisor = new Supervisor(loggers, time);
        supervisor.Run("informers", cluster.RunAsync);
        start(cluster, supervisor);
        Console.WriteLine($"works for {cluster.Config.Server}");
        await Task.Delay(Timeout.InfiniteTimeSpan, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <param name="own">Null to ask as the process does. What is followed is followed as the process, by all together, as upstream.</param>
    ClusterAccess Access(Connection cluster, Supervisor supervisor, string component, IApiTransport? own = null)
    {
        var access = own is null ? cluster.Access(component) : new(own, cluster.Informers, component, time, Environment.MachineName, loggers.CreateLogger(component));
        supervisor.Run(component + "-events", access.RunAsync);
        return access;
    }
}
