using System.Globalization;
using System.Text;

namespace Hanbae.Proxy.Health;

/// <summary>How long rules take, by family of addresses: the figures by which kube-proxy is watched, under its names. Whoever writes holds a lock.</summary>
internal sealed class ProxyFigures
{
    /// <summary>Upstream's: of loading rules, and of a change on its way into force.</summary>
    static readonly double[] s_loads = [.. Enumerable.Range(0, 15).Select(i => 0.001 * (1 << i))];
    static readonly double[] s_delays =
        [0, 0.25, 0.5, .. Enumerable.Range(1, 59).Select(s => (double)s), .. Enumerable.Range(0, 12).Select(i => 60.0 + 5 * i), .. Enumerable.Range(0, 7).Select(i => 120.0 + 30 * i)];

    sealed class Family
    {
        public readonly Durations Loads = new(s_loads), Delays = new(s_delays);
        public DateTimeOffset Loaded;
        public long Failures;
    }

    readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    Family Of(string family) => _families.TryGetValue(family, out var known) ? known : _families[family] = new();

    public void Loaded(string family, TimeSpan took, DateTimeOffset now, IEnumerable<TimeSpan> delays)
    {
        var figures = Of(family);
        figures.Loaded = now;
        figures.Loads.Add(took);
        foreach (var delay in delays) figures.Delays.Add(delay);
    }

    public void Failed(string family) => Of(family).Failures++;

    /// <param name="changed">When something last changed that rules depend on.</param>
    public string Text(DateTimeOffset changed)
    {
        var text = new StringBuilder();
        Each("kubeproxy_sync_proxy_rules_duration_seconds", "histogram", "How long it takes to load rules.", (name, labels, f) => f.Loads.Print(text, name, labels));
        Each("kubeproxy_network_programming_duration_seconds", "histogram", "How long a change of endpoints takes until rules show it.", (name, labels, f) => f.Delays.Print(text, name, labels));
        Each("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "gauge", "When rules were last loaded, in Unix time.", (name, labels, f) => Say(name, labels, Seconds(f.Loaded)));
        Each("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "gauge", "When something last changed that rules depend on, in Unix time.", (name, labels, _) => Say(name, labels, Seconds(changed)));
        Each("kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "counter", "Rules that could not be loaded.", (name, labels, f) => Say(name, labels, f.Failures));
        return text.ToString();

        void Each(string name, string type, string help, Action<string, string, Family> print)
        {
            text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");
            foreach (var (family, figures) in _families) print(name, $"ip_family=\"{family}\"", figures);
        }

        void Say(string name, string labels, double value) => text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {value}\n");
    }

    static double Seconds(DateTimeOffset at) => at == default ? 0 : at.ToUnixTimeMilliseconds() / 1000.0;
}
