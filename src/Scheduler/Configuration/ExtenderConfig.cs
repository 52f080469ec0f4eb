using System.Collections.Immutable;

namespace Hanbae.Scheduler.Configuration;

/// <summary>Whom else to ask over HTTP: one entry of <c>extenders</c>.</summary>
public sealed record ExtenderConfig
{
    public string UrlPrefix { get; init; } = "";
    /// <summary>Last part of the path of each question; empty: not asked.</summary>
    public string FilterVerb { get; init; } = "";
    public string PrioritizeVerb { get; init; } = "";
    public string PreemptVerb { get; init; } = "";
    public string BindVerb { get; init; } = "";
    public long Weight { get; init; }
    public bool EnableHttps { get; init; }
    public ExtenderTls? Tls { get; init; }
    public TimeSpan HttpTimeout { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>It knows nodes and Pods itself: names are enough.</summary>
    public bool NodeCacheCapable { get; init; }
    /// <summary>It is asked only about Pods that ask for one of these; about all when empty.</summary>
    public ImmutableArray<string> ManagedResources { get; init; } = [];
    /// <summary>Of these, what only it minds.</summary>
    public ImmutableArray<string> IgnoredResources { get; init; } = [];
    /// <summary>Pods are scheduled without it when it does not answer.</summary>
    public bool Ignorable { get; init; }
}

/// <summary>How to know an extender, and be known to it; of each, data wins over a file.</summary>
public sealed record ExtenderTls
{
    public bool Insecure { get; init; }
    public string ServerName { get; init; } = "";
    public string CertFile { get; init; } = "";
    public string KeyFile { get; init; } = "";
    public string CaFile { get; init; } = "";
    /// <summary>PEM.</summary>
    public string CertData { get; init; } = "";
    public string KeyData { get; init; } = "";
    public string CaData { get; init; } = "";
}
