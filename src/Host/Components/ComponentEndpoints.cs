using System.Collections.Immutable;
using System.Net;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Host.Pki;
using Hanbae.Host.Roles;
using Hanbae.Host.Settings;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Authorizers;
using Hanbae.Server.Components;
using Hanbae.Server.Health;
using Microsoft.Extensions.Logging;
using Connection = Hanbae.Client.Cluster;

namespace Hanbae.Host.Components;

/// <summary>Where a scheduler or the controllers by themselves show how they are; upstream's <c>--secure-port</c> and its like.</summary>
/// <param name="Port">0 for any that is free.</param>
/// <param name="Files">Null for a certificate that is made now and that nobody vouches for.</param>
sealed record ServingSettings(IPAddress Address, int Port, ServingFiles? Files, Seq<string> OpenPaths)
{
    /// <summary>Kubeconfigs by which it is asked who somebody is and what they may do; null for the one that the component works by.</summary>
    public string? Authentication { get; init; }
    public string? Authorization { get; init; }
    /// <summary>What was asked for, for <c>/flagz</c>.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();
}

/// <summary>What a component tells of itself.</summary>
/// <param name="Name">Upstream's, such as <c>kube-scheduler</c>.</param>
/// <param name="Configuration">What <c>/configz</c> answers.</param>
/// <param name="Checks">Besides that of its lead.</param>
/// <param name="Figures">Of its own, besides those of all components.</param>
sealed record ComponentState(string Name, JsonObject Configuration, ImmutableArray<HealthCheck> Checks, Action<PrometheusText>? Figures = null);

/// <summary>The endpoints of a scheduler or of the controllers by themselves: health for everybody, figures and configuration for whom the cluster lets.</summary>
sealed class ComponentEndpoints : IAsyncDisposable
{
    /// <summary>How long after a lead has run out it may be held on to, before the process counts as sick; upstream's number.</summary>
    static readonly TimeSpan s_late = TimeSpan.FromSeconds(20);

    readonly ComponentServer _server;
    readonly MeterText _meters;
    readonly Supervisor _supervisor;
    readonly Connection[] _connections;

    ComponentEndpoints(ComponentServer server, ClusterTrust trust, MeterText meters, Supervisor supervisor, Connection[] connections) =>
        (_server, Trust, _meters, _supervisor, _connections) = (server, trust, meters, supervisor, connections);

    public Uri Address => _server.Address;
    public ClusterTrust Trust { get; }

    /// <param name="elector">Null when nobody else may work.</param>
    /// <param name="connect">Connects by a kubeconfig; null for the component's own.</param>
    /// <exception cref="SettingsException">The port is somebody else's.</exception>
    public static async Task<ComponentEndpoints> StartAsync(
        ServingSettings settings, ComponentState state, LeaderElector? elector, Func<string?, Connection> connect, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        Connection asksWho = connect(settings.Authentication), asksWhat = connect(settings.Authorization);
        var supervisor = new Supervisor(loggers, time);
        var meters = new MeterText("Hanbae.Client", "Hanbae.Controllers");
        try
        {
            var trust = new ClusterTrust(asksWho.Informers, time);
            var log = loggers.CreateLogger("hanbae.endpoints");
            supervisor.Run("trust", asksWho.RunAsync);
            var server = await ComponentServer.StartAsync(new()
            {
                Front = new()
                {
                    Endpoints = [new(settings.Address, settings.Port)], Certificate = settings.Files?.First ?? SelfSigned.Of(Environment.MachineName.ToLowerInvariant(), time),
                    CurrentCertificate = settings.Files is { } files ? files.Current : null, Grace = TimeSpan.FromSeconds(1),
                },
                Authenticators = [trust, new BearerTokens([new DelegatedTokens(new(asksWho.Client, time), log)], [state.Name])],
                Authorizers = [new PrivilegedGroup(), new DelegatedAuthorizer(new(asksWhat.Client, time), log)], OpenPaths = settings.OpenPaths,
                Checks = elector is null ? state.Checks : [new("leaderElection", true, _ => new(elector.Overdue(s_late))), .. state.Checks],
                Configuration = state.Configuration, Name = state.Name, Flags = settings.Flags,
                Metrics = text =>
                {
                    if (elector is not null) Lead(text, state.Name, elector.IsLeader);
                    meters.Render(text);
                    state.Figures?.Invoke(text);
                },
                Logger = log, Time = time,
            }, ct);
            return new(server, trust, meters, supervisor, [asksWho, asksWhat]);
        }
        catch (Exception e)
        {
            await EndAsync(supervisor, meters, [asksWho, asksWhat]);
            if (e is IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException })
                throw new SettingsException($"port {settings.Port} is in use by another program; choose one with --secure-port, or --secure-port 0 for none", e);
            throw;
        }
    }

    static void Lead(PrometheusText text, string name, bool leads) =>
        text.Family("leader_election_master_status", "gauge", "Whether this process leads: 1, or stands by: 0.")
            .Sample("leader_election_master_status", PrometheusText.Labels(("name", name)), leads ? 1 : 0);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await EndAsync(_supervisor, _meters, _connections);
    }

    static async Task EndAsync(Supervisor supervisor, MeterText meters, Connection[] connections)
    {
        await supervisor.DisposeAsync();
        meters.Dispose();
        foreach (var connection in connections) connection.Dispose();
    }
}
