using System.Net;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Pki;
using Hanbae.Host.Settings;
using Hanbae.Scheduler;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Components;
using Hanbae.Server.Encryption;
using Hanbae.Server.Front;
using Hanbae.Server.OpenApi;
using Hanbae.Server.ResourceMetrics;
using Hanbae.Server.Tables;
using Hanbae.Server.Discovery;
using Hanbae.Store.Encryption;
using Hanbae.Store.History;
using Hanbae.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Roles;

/// <summary>API server, store, controllers and scheduler in this process; the parts talk to the server by its in-process transport.</summary>
public sealed class ControlPlane : IAsyncDisposable
{
    readonly SqliteStore _store;
    readonly SqliteHistory _history;
    readonly EncryptionFile _encryption;
    readonly HttpFront _front;
    readonly MeterText _meters;
    readonly IPAddress _advertise;
    readonly TimeProvider _time;
    readonly ILoggerFactory _loggers;

    ControlPlane(SqliteStore store, SqliteHistory history, EncryptionFile encryption, ApiServer server, HttpFront front, MeterText meters, IPAddress advertise, TimeProvider time, ILoggerFactory loggers)
    {
        (_store, _history, _encryption, Server, _front, _meters, _advertise, _time, _loggers) = (store, history, encryption, server, front, meters, advertise, time, loggers);
        Informers = new(As("system:hanbae:informers", "hanbae"), time, logger: loggers.CreateLogger("hanbae.informers"));
    }

    public ApiServer Server { get; }
    /// <summary>Who is let in; follows its configuration files.</summary>
    public required Security Security { get; init; }
    /// <summary>Where kubelets of this process put what they measure.</summary>
    public required NodeUsage Usage { get; init; }
    /// <summary>What the controllers count.</summary>
    public required Controllers.ControllerFigures Figures { get; init; }
    /// <summary>How the parts that <see cref="RunComponents"/> starts are doing.</summary>
    public required ComponentHealth Health { get; init; }
    /// <summary>Where the API server listens.</summary>
    public int Port => _front.Addresses[0].Port;
    /// <summary>Caches shared by all parts of the control plane, the proxy and DNS.</summary>
    public InformerFactory Informers { get; }

    /// <param name="advertise">The address under which Pods reach this machine; endpoints of the Service <c>kubernetes</c>.</param>
    public static async Task<ControlPlane> StartAsync(
        ClusterSettings settings, string dataFolder, LivePki live, EncryptionFile encryption, IPAddress advertise, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        var pki = live.Now;
        string folder = Path.Combine(dataFolder, "store");
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var store = SqliteStore.Open(new() { Folder = folder, Logger = loggers.CreateLogger("hanbae.store") });
        var security = new Security(settings.Flags.Access(new()
        {
            CurrentClientAuthorities = () => live.Now.Authority.Trusted, CurrentServiceAccountKeys = () => live.Now.TokenKeys, Time = time, Admission = settings.Flags.Admission(),
            // Tokens last as long as they say unless a flag says otherwise: today's clients read them anew (CIS 1.2.30).
            ExtendTokens = settings.Flags.ExtendTokens, MaxTokenLifetime = settings.Flags.MaxTokenLifetime,
            Issuer = Issuer(settings), ApiAudiences = [Issuer(settings)], JwksUri = Issuer(settings) + "/openid/v1/jwks",
            FrontProxy = new() { Authorities = () => live.Now.FrontProxyAuthority.Trusted, AllowedNames = ["front-proxy-client"] },
            Logger = loggers.CreateLogger("hanbae.apiserver"),
        }));
        var history = SqliteHistory.Open(folder, new(), time, loggers.CreateLogger("hanbae.history"));
        // Before there are queues: what goes in and out is counted from the first.
        var meters = new MeterText("Hanbae.Client", "Hanbae.Controllers");
        var figures = new Controllers.ControllerFigures();
        await using var made = new Parts(store, history, meters);
        var usage = new NodeUsage();
        var more = settings.Flags.MoreServed();
        var health = new ComponentHealth();
        var server = made.Server = new ApiServer(new EncryptedStore(store, () => encryption.Rules), security.AddTo(new()
        {
            Time = time,
            History = new EncryptedHistory(history, () => encryption.Rules),
            Table = TableCatalog.Of,
            Components = health.Checks,
            StartHooks = [.. Hanbae.Server.Health.StartHook.OfBootstrap(() => made.IsKept)],
            LegacyApis = settings.LegacyApis,
            RequestTimeout = settings.Flags.RequestTimeout, EventTtl = settings.Flags.EventTtl,
            FlowControl = settings.Flags.FlowControl(),
            Audit = settings.Flags.Audit(dataFolder, time),
            MoreMetrics = text =>
            {
                meters.Render(text);
                figures.Render(text);
            },
            Strategy = Hanbae.Server.Registry.Catalog.With(new() { ClusterIPs = [IPNetwork.Parse(settings.ServiceCidr)] }),
            Flags = settings.ShownFlags,
            CurrentKubeletTrust = () => live.Now.KubeletTrust,
            Logger = loggers.CreateLogger("hanbae.apiserver"),
            Aggregation = new() { ProxyClientCertificate = () => live.Now.FrontProxyClient },
            // The server is made with them; what custom resources and other servers add they ask it for later.
            MoreGroups = [ResourceMetricsApi.Served], MoreServed = more,
            Paths =
            [
                .. new ResourceMetricsApi(usage.Measured).Routes,
                .. new OpenApiHandler(() => made.Server?.MoreOpenApi ?? [], settings.LegacyApis, [.. ResourceMetricsApi.Described, .. more.Resources]).Routes,
                .. new DiscoveryHandler(() => made.Server?.MoreGroups ?? [], $"{advertise}:{settings.ApiPort}", settings.LegacyApis).Routes,
            ],
        }));
        security.Objects.Attach(server.Resources.Stored);
        var front = made.Front = await ListenAsync(server, new()
        {
            Endpoints = [new(IPAddress.Parse(settings.BindAddress), settings.ApiPort)], Certificate = pki.ApiServer, CurrentCertificate = () => live.Now.Shown,
        }, ct);
        // Side by side they share the store's commits, and the server is ready when both are done.
        await Task.WhenAll(BootstrapAsync(server, settings, pki, advertise, front.Addresses[0].Port, ct), server.Aggregator!.RegisterAsync(ct));
        made.Keep();
        return new(store, history, encryption, server, front, meters, advertise, time, loggers) { Usage = usage, Security = security, Health = health, Figures = figures };
    }

    /// <summary>What every cluster has, such as whom it believes; again when that changes.</summary>
    static Task BootstrapAsync(ApiServer server, ClusterSettings settings, ClusterPki pki, IPAddress advertise, int port, CancellationToken ct) =>
        ClusterBootstrap.EnsureAsync(Itself(server), Bootstrap(server, settings, pki, advertise, port), ct);

    static IdentityTransport Itself(ApiServer server) => new(server.Transport, new("system:apiserver", ["system:masters"]), "kube-apiserver/" + Version);

    static BootstrapOptions Bootstrap(ApiServer server, ClusterSettings settings, ClusterPki pki, IPAddress advertise, int port) => new()
    {
        Time = server.Options.Time,
        // As upstream: endpoints may not be in the loopback range, so there are none on a machine without a network.
        Advertise = IPAddress.IsLoopback(advertise) ? null : new(advertise, port), ServiceAddress = settings.ApiClusterIp, ServiceRanges = [IPNetwork.Parse(settings.ServiceCidr)],
        ClientAuthority = pki.Authority.TrustedPem, ServingAuthority = pki.Authority.TrustedPem, FrontProxyAuthority = pki.FrontProxyAuthority.TrustedPem,
        MoreServed = server.Options.MoreServed,
    };

    /// <summary>Takes back what a failed start has made so far.</summary>
    sealed class Parts(SqliteStore store, SqliteHistory history, MeterText meters) : IAsyncDisposable
    {
        bool _kept;

        public ApiServer? Server { get; set; }
        public HttpFront? Front { get; set; }

        /// <summary>Whether everything that a start does is done.</summary>
        public bool IsKept => Volatile.Read(ref _kept);

        public void Keep() => Volatile.Write(ref _kept, true);

        public async ValueTask DisposeAsync()
        {
            if (_kept) return;
            if (Front is not null) await Front.DisposeAsync();
            if (Server is not null) await Server.DisposeAsync();
            meters.Dispose();
            await history.DisposeAsync();
            await store.DisposeAsync();
        }
    }

    /// <exception cref="SettingsException">The port is somebody else's.</exception>
    static async Task<HttpFront> ListenAsync(ApiServer server, HttpFrontOptions options, CancellationToken ct)
    {
        try { return await HttpFront.StartAsync(server, options, ct); }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw new SettingsException($"port {options.Endpoints[0].Port} is in use by another program; choose one with --port, or --port 0 for any that is free", e);
        }
    }

    static string Issuer(ClusterSettings settings) => "https://kubernetes.default.svc." + settings.ClusterDomain;

    /// <summary>Starts everything that works on the cluster rather than serving it.</summary>
    public void RunComponents(Supervisor supervisor, ClusterSettings settings, LivePki live)
    {
        supervisor.Run("informers", Informers.RunAsync);
        supervisor.Run("aggregator", Server.Aggregator!.RunAsync);
        supervisor.Run("encryption", _encryption.RunAsync);
        supervisor.Run("trust", ct => TellTrustAsync(settings, live, ct));
        supervisor.Run("standing-objects", ct => StandingObjects.KeepAsync(Itself(Server), () => Bootstrap(Server, settings, live.Now, _advertise, Port), ct));
        supervisor.Run("identity", ct => ServerIdentity.KeepAsync(Itself(Server), Environment.MachineName.ToLowerInvariant(), _time, ct));
        supervisor.Run("access", Security.RunAsync);
        if (Server.Options.MoreServed.Has(Api.Certificates.V1beta1.ClusterTrustBundle.Info))
            supervisor.Run("trust-bundle", ct => ServingTrustBundle.KeepAsync(As("system:apiserver", "kube-apiserver", "system:masters"), live, _time, ct));
        supervisor.Run("flow-policy", ct => FlowPolicy.KeepAsync(As("system:apiserver", "kube-apiserver", "system:masters"), _time, ct));
        var options = new Controllers.ControllerOptions
        {
            Run = settings.Flags.Controllers(), Figures = Figures, MoreServed = Server.Options.MoreServed,
            CurrentRootCa = () => live.Now.Authority.TrustedPem, OnRootCaChange = live.OnChange, SigningAuthority = () => live.Now.Authority.Signing, ClusterCidr = settings.PodCidr,
            ServiceAccountToken = (account, secret) => LegacyTokens.Make(live.Now.TokenKeys[0], account, secret),
        };
        var log = _loggers.CreateLogger("hanbae.controllers");
        var accounts = Controllers.Catalog.All.Select(e => (e.Component, e.EventSource)).Distinct().ToDictionary(c => c, c =>
            Access(supervisor, "system:serviceaccount:kube-system:" + c.Component, "kube-controller-manager", c.EventSource, "system:serviceaccounts", "system:serviceaccounts:kube-system"));
        Health.Watch(supervisor);
        supervisor.Run(ComponentHealth.Controllers, ct => Controllers.Catalog.RunAsync(entry => accounts[(entry.Component, entry.EventSource)], options, ct, log));
        var scheduler = Access(supervisor, "system:kube-scheduler", "kube-scheduler", "default-scheduler");
        var scheduling = new SchedulerOptions { Configuration = settings.Scheduling() };
        supervisor.Run(ComponentHealth.Scheduler, ct => new Scheduler.Scheduler(scheduler, scheduling).RunAsync(ct));
    }

    /// <summary>Extension API servers read from the cluster whom it believes: they are told when that changes.</summary>
    async Task TellTrustAsync(ClusterSettings settings, LivePki live, CancellationToken ct)
    {
        await foreach (var pki in live.ChangesAsync(first: false, ct)) await BootstrapAsync(Server, settings, pki, _advertise, Port, ct);
    }

    /// <summary>A component's own access: its identity and event source, the shared caches.</summary>
    /// <param name="agent">The program that upstream has for it.</param>
    public IClusterAccess Access(Supervisor supervisor, string user, string agent, string component, params Seq<string> groups)
    {
        var access = new ClusterAccess(As(user, agent, groups), Informers, component, _time, logger: _loggers.CreateLogger("hanbae." + component));
        supervisor.Run(component + "-events", access.RunAsync);
        return access;
    }

    /// <summary>In user agents; what stands before it is the field manager that users see, so it is upstream's.</summary>
    const string Version = "v1.36.3 (hanbae)";

    /// <summary>The in-process transport in somebody's name: one identity object for all its requests, so that what is known of it is worked out once.</summary>
    public IApiTransport As(string user, string agent, params Seq<string> groups) => new IdentityTransport(Server.Transport, new(user, groups.Add("system:authenticated")), agent + "/" + Version);

    public async ValueTask DisposeAsync()
    {
        await _front.DisposeAsync();
        await Server.DisposeAsync();
        _meters.Dispose();
        Security.Dispose();
        await _history.DisposeAsync();
        await _store.DisposeAsync();
        _encryption.Dispose();
    }
}
