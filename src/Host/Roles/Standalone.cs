using Hanbae.Client;
using Hanbae.Host.Settings;
using Hanbae.Scheduler;
using Microsoft.Extensions.Logging;
using Connection = Hanbae.Client.Cluster;

namespace Hanbae.Host.Roles;

/// <summary>Whether one of several instances works at a time; upstream's <c>--leader-elect</c> and its like.</summary>
/// <param name="Lease">In kube-system; the same for all that may take over from each other.</param>
sealed record ElectionSettings(bool Elect, string Lease, LeaderElectionOptions Times);

/// <summary>A scheduler, or the controllers, alone in this process, for a cluster elsewhere: Hanbae's or another Kubernetes.</summary>
/// <param name="kubeconfig">Null for the current context, or the cluster that this process is a Pod of.</param>
sealed class Standalone(string? kubeconfig, ElectionSettings election, TimeProvider time, ILoggerFactory loggers)
{
    readonly ILogger _log = loggers.CreateLogger("hanbae");

    /// <summary>Runs a scheduler until cancelled.</summary>
    /// <exception cref="SettingsException">The lead was lost: whoever started the process is to start it again, as upstream's.</exception>
    public Task ScheduleAsync(SchedulerOptions options, CancellationToken ct) => RunAsync("kube-scheduler", (cluster, supervisor) =>
    {
        var access = Access(cluster, supervisor, "default-scheduler");
        supervisor.Run("scheduler", stop => new Scheduler.Scheduler(access, options).RunAsync(stop));
    }, ct);

    /// <summary>Runs the controllers until cancelled, all as who the kubeconfig says.</summary>
    /// <exception cref="SettingsException">The lead was lost.</exception>
    public Task ControlAsync(Controllers.ControllerOptions options, CancellationToken ct) => RunAsync("kube-controller-manager", (cluster, supervisor) =>
    {
        var accounts = Controllers.Catalog.All.Select(e => e.EventSource).Distinct().ToDictionary(source => source, source => Access(cluster, supervisor, source));
        supervisor.Run("controllers", stop => Controllers.Catalog.RunAsync(entry => accounts[entry.EventSource], options, stop, loggers.CreateLogger("hanbae.controllers")));
    }, ct);

    /// <param name="agent">What the process is called to the server, and so the manager of the fields it writes.</param>
    async Task RunAsync(string agent, Action<Connection, Supervisor> start, CancellationToken ct)
    {
        var config = kubeconfig is null ? ClusterConfig.Default() : Kubeconfig.Load(kubeconfig).Resolve();
        // Flow control is the server's; a limit here would only hide what it decides.
        using var cluster = Connection.Connect(config, new() { Http = new() { UserAgent = agent + "/v1.36.3 (hanbae)" }, Qps = 0, Time = time, Loggers = loggers });
        if (!election.Elect)
        {
            await WorkAsync(cluster, start, ct);
            return;
        }
        string identity = $"{Environment.MachineName}_{Guid.NewGuid()}";
        Console.WriteLine($"{agent} {identity} stands by for {config.Server}");
        var elector = new LeaderElector(cluster.Client, new("kube-system", election.Lease), identity, time, election.Times, _log);
        await elector.RunAsync(leading => WorkAsync(cluster, start, leading), ct);
        if (!ct.IsCancellationRequested) throw new SettingsException("leaderelection lost");
    }

    async Task WorkAsync(Connection cluster, Action<Connection, Supervisor> start, CancellationToken ct)
    {
        await using var supervisor = new Supervisor(loggers, time);
        supervisor.Run("informers", cluster.RunAsync);
        start(cluster, supervisor);
        Console.WriteLine($"works for {cluster.Config.Server}");
        await Task.Delay(Timeout.InfiniteTimeSpan, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    static ClusterAccess Access(Connection cluster, Supervisor supervisor, string component)
    {
        var access = cluster.Access(component);
        supervisor.Run(component + "-events", access.RunAsync);
        return access;
    }
}
