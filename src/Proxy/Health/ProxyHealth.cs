using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Figures;

namespace Hanbae.Proxy.Health;

/// <summary>Says whether this node's rules keep up with the Services, and whether it is to be sent traffic at all: what load balancers and people ask of kube-proxy.</summary>
internal sealed class ProxyHealth(TimeProvider time)
{
    const string Json = "application/json", Text = "text/plain; charset=utf-8";
    /// <summary>A cluster autoscaler is about to take the node away (KEP-3836).</summary>
    const string GoesSoon = "ToBeDeletedByClusterAutoscaler";
    /// <summary>A change that has not come into force for so long is a proxy that does not work, as upstream.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly Lock _lock = new();
    /// <summary>Since when the oldest change waits; null when none does.</summary>
    DateTimeOffset? _waits;
    DateTimeOffset _changed = time.GetUtcNow(), _loaded;
    readonly ProxyFigures _figures = new();
    long _loads;
    bool _eligible = true;

    public void Changed() { lock (_lock) { _changed = time.GetUtcNow(); _waits ??= _changed; } }

    /// <param name="changesSince">More has changed while the rules were loaded.</param>
    public void Loaded(bool changesSince)
    {
        lock (_lock)
        {
            (_loaded, _loads) = (time.GetUtcNow(), _loads + 1);
            _waits = changesSince ? _loaded : null;
        }
    }

    public void Failed() { lock (_lock) _waits ??= time.GetUtcNow(); }

    /// <summary>The rules of one family were loaded.</summary>
    /// <param name="since">When what they show for the first time began to be so.</param>
    public void Took(string family, TimeSpan took, IEnumerable<DateTimeOffset> since)
    {
        var now = time.GetUtcNow();
        lock (_lock) _figures.Loaded(family, took, now, since.Select(s => now - s));
    }

    public void Refused(string family) { lock (_lock) _figures.Failed(family); }

    public void Sees(Node? node)
    {
        lock (_lock) _eligible = node is null || (node.Metadata.DeletionTimestamp is null && !node.Spec.Taints.Exists(t => t.Key == GoesSoon));
    }

    public bool KeepsUp { get { lock (_lock) return _loads > 0 && !(_waits < time.GetUtcNow() - Patience); } }

    /// <summary>What is asked on the port for health.</summary>
    public Answer? Health(string path)
    {
        if (path is not ("/healthz" or "/livez")) return null;
        bool well = KeepsUp;
        lock (_lock)
        {
            var now = time.GetUtcNow();
            string body = $"{{\"lastUpdated\": \"{Moment(well ? now : _loaded)}\",\"currentTime\": \"{Moment(now)}\", \"nodeEligible\": {(_eligible ? "true" : "false")}}}";
            return new(well && (_eligible || path == "/livez") ? 200 : 503, Json, body);
        }
    }

    /// <summary>What is asked on the port for figures.</summary>
    public Answer? Figures(string path) => path switch
    {
        "/healthz" => new(200, Text, "ok"),
        "/proxyMode" => new(200, Text, "nftables"),
        "/metrics" => new(200, PrometheusText.ContentType, Metrics()),
        _ => null,
    };

    string Metrics() { lock (_lock) return _figures.Text(_changed); }

    static string Moment(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fffffff '+0000 UTC'", CultureInfo.InvariantCulture);
}
