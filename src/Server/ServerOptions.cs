using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Admission;
using Hanbae.Server.Aggregation;
using Hanbae.Server.Auth;
using Hanbae.Server.Registry;
using Hanbae.Server.Tables;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Server;

/// <summary>What an API server is made of besides its store; Host and test clusters fill it in.</summary>
public sealed record ServerOptions
{
    /// <summary>In the order they are asked. Requests that none knows are anonymous, if <see cref="Anonymous"/> allows.</summary>
    public ImmutableArray<IAuthenticator> Authenticators { get; init; } = [];
    public bool Anonymous { get; init; } = true;
    /// <summary>Where requests may be anonymous, asked with their path; null for wherever <see cref="Anonymous"/> allows.</summary>
    public Func<string, bool>? AnonymousAt { get; init; }
    /// <summary>In the order they are asked. What none allows is forbidden.</summary>
    public ImmutableArray<IAuthorizer> Authorizers { get; init; } = [];
    /// <summary>In the order they are asked, mutating and validating alike.</summary>
    public ImmutableArray<IAdmission> Admission { get; init; } = [];
    /// <summary>Resources and subresources that are no plain storage; they take precedence over the server's own.</summary>
    public ImmutableArray<RestRoute> Rest { get; init; } = [];
    /// <summary>Parts of the control plane that <c>kubectl get componentstatuses</c> asks after, besides the store.</summary>
    public ImmutableArray<Subresources.ComponentCheck> Components { get; init; } = [];
    public ImmutableArray<PathRoute> Paths { get; init; } = [];
    /// <summary>What is done at a start besides what every server does, for <c>/readyz</c> and its like.</summary>
    public ImmutableArray<Health.StartHook> StartHooks { get; init; } = [];
    /// <summary>Groups that <see cref="Paths"/> answer: they are discovered, and registered as APIServices of this server.</summary>
    public ImmutableArray<Discovery.ServedGroup> MoreGroups { get; init; } = [];
    /// <summary>What is served, and discovered, though it is not by default. OpenAPI is told of it, too.</summary>
    public Api.Rest.MoreServed MoreServed { get; init; } = Api.Rest.MoreServed.None;
    /// <summary>All groups that are discovered besides those of every server.</summary>
    internal ImmutableArray<Discovery.ServedGroup> Groups => [.. MoreGroups, .. Discovery.ServedGroup.Of(MoreServed.Resources)];
    public Func<KindInfo, IStrategy> Strategy { get; init; } = Catalog.StrategyOf;
    /// <summary>The cells of a kind's table; null for name and age.</summary>
    public Func<KindInfo, ITable?> Table { get; init; } = static _ => null;
    /// <summary>Whether versions that upstream has given up are served (<see cref="LegacyApis"/>).</summary>
    public bool LegacyApis { get; init; }
    /// <summary>Where versions of objects are noted as they are written; null to forget them. The caller disposes of it after the server.</summary>
    public Hanbae.Store.History.IHistory? History { get; init; }
    /// <summary>Nobody else writes to the store (all but etcd): the server's own writes then say how current a read must be.</summary>
    public bool SoleWriter { get; init; } = true;
    /// <summary>Larger bodies are answered 413.</summary>
    public int BodyLimit { get; init; } = 3 << 20;
    /// <summary>For all but watches and streams.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);
    /// <summary>Until a request is answered and its client has taken the answer; what lasts has as long for each piece that it is sent.</summary>
    public TimeSpan AnswerWithin => RequestTimeout * 1.5;
    /// <summary>Watches that do not say how long they last end after one to two times this.</summary>
    public TimeSpan MinWatch { get; init; } = TimeSpan.FromMinutes(30);
    /// <summary>At the latest: each round is earlier by up to a quarter of it, so that several servers do not wake all clients at once.</summary>
    public TimeSpan BookmarkEvery { get; init; } = TimeSpan.FromMinutes(1);
    /// <summary>History of one to two times this is kept, as upstream's etcd compaction; zero leaves it to the store.</summary>
    public TimeSpan CompactEvery { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>How long Events are kept after their last write; zero keeps them.</summary>
    public TimeSpan EventTtl { get; init; } = TimeSpan.FromHours(1);
    /// <summary>How much is worked on at a time, and whose turn it is; null for no limit.</summary>
    public FlowControl.FlowControlOptions? FlowControl { get; init; }
    /// <summary>What is written down of requests; null for nothing.</summary>
    public Audit.AuditOptions? Audit { get; init; }
    /// <summary>Other servers behind this one; null to serve only what is this server's own.</summary>
    public AggregationOptions? Aggregation { get; init; }
    /// <summary>More lines of <c>/metrics</c>: those of other parts in the process (workqueue_… and the like), in Prometheus' text form.</summary>
    public Action<PrometheusText>? MoreMetrics { get; init; }
    /// <summary>What <c>/flagz</c> shows: what the server was started with, by name.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();
    /// <summary>Hears of what requests are not told: the ids are listed in docs/log-events.md. Bodies, tokens and queries are never logged.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
    /// <summary>What the server shows to kubelets.</summary>
    public X509Certificate2? KubeletClientCertificate { get; init; }
    /// <summary>Who may have signed kubelets' serving certificates; empty to take any, as upstream does without --kubelet-certificate-authority.</summary>
    public X509Certificate2Collection KubeletAuthorities { get; init; } = [];
    /// <summary>The same two where they rotate while the server runs: asked for each connection, the same object until it changes.</summary>
    public Func<KubeletTrust>? CurrentKubeletTrust { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>What the server shows to kubelets, and who may have signed theirs.</summary>
public sealed record KubeletTrust(X509Certificate2? ClientCertificate, X509Certificate2Collection Authorities);
