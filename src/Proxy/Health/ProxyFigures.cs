using Hanbae.Machinery.Figures;

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
        public readonly Histogram Loads = new(s_loads), Delays = new(s_delays);
        public DateTimeOffset Loaded;
        public long Failures;
    }

    readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    Family Of(string family) => _families.TryGetValue(family, out var known) ? known : _families[family] = new();

    public void Loaded(string family, TimeSpan took, DateTimeOffset now, IEnumerable<TimeSpan> delays)
    {
        var figures = Of(family);
        figures.Loaded = now;
        figures.Loads.Add(took.TotalSeconds);
        foreach (var delay in delays) figures.Delays.Add(delay.TotalSeconds);
    }

    public void Failed(string family) => Of(family).Failures++;

    /// <param name="changed">When something last changed that rules depend on.</param>
    public string Text(DateTimeOffset changed)
    {
        var text = new PrometheusText();
        Each("kubeproxy_sync_proxy_rules_duration_seconds", "histogram", "How long it takes to load rules.", (name, labels, f) => f.Loads.Render(text, name, labels));
        Each("kubeproxy_network_programming_duration_seconds", "histogram", "How long a change of endpoints takes until rules show it.", (name, labels, f) => f.Delays.Render(text, name, labels));
        Each("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "gauge", "When rules were last loaded, in Unix time.", (name, labels, f) => text.Sample(name, labels, Seconds(f.Loaded)));
        Each("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "gauge", "When something last changed that rules depend on, in Unix time.", (name, labels, _) => text.Sample(name, labels, Seconds(changed)));
        Each("kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "counter", "Rules that could not be loaded.", (name, labels, f) => text.Sample(name, labels, f.Failures));
        return text.ToString();

        void Each(string name, string type, string help, Action<string, string, Family> print)
        {
            text.Family(name, type, help);
            foreach (var (family, figures) in _families) print(name, PrometheusText.Labels(("ip_family", family)), figures);
        }
    }

    static double Seconds(DateTimeOffset at) => at == default ? 0 : at.ToUnixTimeMilliseconds() / 1000.0;
}
