using Hanbae.Controllers;
using Hanbae.Scheduler;
using Hanbae.Server;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Testing;

/// <summary>What a test cluster is made of.</summary>
public sealed record TestClusterOptions
{
    /// <summary>Whether the controllers of a cluster run: without them nothing makes Pods of Deployments, and namespaces that are deleted stay.</summary>
    public bool Controllers { get; init; } = true;
    /// <summary>What the controllers are told, such as which of them run.</summary>
    public ControllerOptions ControllerOptions { get; init; } = ControllerOptions.Default;
    /// <summary>Whether Pods are given to nodes.</summary>
    public bool Scheduler { get; init; } = true;
    /// <summary>Profiles and limits of the scheduler.</summary>
    public SchedulerOptions SchedulerOptions { get; init; } = new();
    /// <summary>How many nodes play that they run Pods, named <c>simulated-0</c> and so on.</summary>
    public int Nodes { get; init; }
    /// <summary>Whether versions that upstream has given up are served.</summary>
    public bool LegacyApis { get; init; }
    /// <summary>The cluster's clock. <see cref="TestTime"/> can be put forward.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
    /// <summary>The state to begin with; null for a cluster that is new.</summary>
    public ClusterSnapshot? From { get; init; }
    /// <summary>A last word on the API server: admission of one's own, groups, limits.</summary>
    public Func<ServerOptions, ServerOptions> Server { get; init; } = static options => options;
    /// <summary>Where the parts of the cluster tell what goes wrong.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;
    /// <summary>How long <see cref="TestCluster.WhenAsync"/> waits, by the wall's clock.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);
}
