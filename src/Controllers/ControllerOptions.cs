using System.Security.Cryptography.X509Certificates;
using Hanbae.Api.Rest;

namespace Hanbae.Controllers;

/// <summary>What the controllers have to be told; the defaults are upstream's.</summary>
public sealed record ControllerOptions
{
    public static ControllerOptions Default { get; } = new();

    /// <summary>Which of them run.</summary>
    public ControllerChoice Run { get; init; } = ControllerChoice.All;
    /// <summary>Resources that are served though they are not by default.</summary>
    public MoreServed MoreServed { get; init; } = MoreServed.None;
    /// <summary>Keys worked on at once, by each controller.</summary>
    public int Workers { get; init; } = 5;
    /// <summary>Certificates, as PEM, that Pods trust the API server by; without them nothing is published.</summary>
    public string RootCa { get; init; } = "";
    /// <summary>The same where they rotate while the controllers run.</summary>
    public Func<string>? CurrentRootCa { get; init; }
    /// <summary>Calls back when <see cref="CurrentRootCa"/> has changed, until disposed of.</summary>
    public Func<Action, IDisposable>? OnRootCaChange { get; init; }
    /// <summary>Who signs what is approved for Kubernetes' own signers, with its key; asked each time, since authorities rotate. Null signs nothing.</summary>
    public Func<X509Certificate2>? SigningAuthority { get; init; }
    /// <summary>How long certificates last that did not ask for less.</summary>
    public TimeSpan SigningDuration { get; init; } = TimeSpan.FromDays(365);
    /// <summary>Signs a token of an account for the Secret of that name; null where nobody here has the key.</summary>
    public Func<Api.Core.V1.ServiceAccount, string, string>? ServiceAccountToken { get; init; }
    /// <summary>What Pod addresses are taken from; empty when something else hands them out.</summary>
    public string ClusterCidr { get; init; } = "";
    /// <summary>The size of one node's share of <see cref="ClusterCidr"/>.</summary>
    public int NodeCidrMaskSize { get; init; } = 24;
    /// <summary>The size of one node's share where addresses are IPv6.</summary>
    public int NodeCidrMaskSizeIpv6 { get; init; } = 64;
    /// <summary>How long a node may be silent before it counts as unreachable.</summary>
    public TimeSpan NodeMonitorGracePeriod { get; init; } = TimeSpan.FromSeconds(50);
    /// <summary>The same for one that has never said how it is.</summary>
    public TimeSpan NodeStartupGracePeriod { get; init; } = TimeSpan.FromMinutes(1);
    /// <summary>How fast Pods are driven off nodes that fail.</summary>
    public EvictionRates NodeEviction { get; init; } = new();
    /// <summary>How long a token in a Secret, made of itself, may go unused.</summary>
    public TimeSpan LegacyTokenCleanUpPeriod { get; init; } = TimeSpan.FromDays(365);
    /// <summary>How many Pods that have ended are kept; 0 for all.</summary>
    public int TerminatedPodThreshold { get; init; } = 12_500;
    /// <summary>Where controllers show what they count; null for nowhere.</summary>
    public ControllerFigures? Figures { get; init; }
    /// <summary>What empties volumes whose policy is <c>Recycle</c>: an image with a shell, <c>rm</c> and <c>ls</c>.</summary>
    public string RecyclerImage { get; init; } = "busybox:1";
}

/// <summary>How fast nodes that fail are cleared, by how many of their zone do; upstream's <c>--node-eviction-rate</c> and its like.</summary>
public sealed record EvictionRates
{
    /// <summary>Nodes a second, in each zone.</summary>
    public double Normal { get; init; } = 0.1;
    /// <summary>The same when much of the zone fails.</summary>
    public double Reduced { get; init; } = 0.01;
    /// <summary>What share of a zone that fails is much.</summary>
    public double UnhealthyShare { get; init; } = 0.55;
    /// <summary>Zones that have no more nodes than this are not cleared at all while much of them fails.</summary>
    public int LargeZone { get; init; } = 50;
}
