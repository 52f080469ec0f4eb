using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Controllers;

/// <summary>What the controllers have to be told; the defaults are upstream's.</summary>
public sealed record ControllerOptions
{
    public static ControllerOptions Default { get; } = new();

    /// <summary>Names from the catalog to run; default for all.</summary>
    public ImmutableArray<string> Only { get; init; }
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
    /// <summary>How long a node may be silent before it counts as unreachable.</summary>
    public TimeSpan NodeMonitorGracePeriod { get; init; } = TimeSpan.FromSeconds(40);
    /// <summary>How many Pods that have ended are kept; 0 for all.</summary>
    public int TerminatedPodThreshold { get; init; } = 12_500;
    /// <summary>What empties volumes whose policy is <c>Recycle</c>: an image with a shell, <c>rm</c> and <c>ls</c>.</summary>
    public string RecyclerImage { get; init; } = "busybox:1";
}
