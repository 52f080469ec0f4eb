using System.Text;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Server;

/// <summary>The kubelet's health by parts, under upstream's names: for probes, for people (<c>?verbose</c>), and for <c>/metrics/slis</c>.</summary>
/// <param name="loop">Why the loop that looks at the runtime is not to be trusted; null when it is.</param>
sealed class KubeletHealth(Func<string?> loop)
{
    readonly Dictionary<(string Name, string Status), long> _asked = [];

    (string Name, string? Trouble)[] Check()
    {
        (string Name, string? Trouble)[] all = [("ping", null), ("log", null), ("syncloop", loop())];
        lock (_asked)
            foreach (var (name, trouble) in all)
            {
                var key = (name, trouble is null ? "success" : "error");
                _asked[key] = _asked.GetValueOrDefault(key) + 1;
            }
        return all;
    }

    /// <summary>As Kubernetes' components answer to <c>/healthz</c>.</summary>
    public (int Status, string Text) Answer(string? part, bool verbose)
    {
        var all = Check();
        if (part is not null)
        {
            var one = all.FirstOrDefault(c => c.Name == part);
            return one.Name is null ? (404, "404 page not found\n") : one.Trouble is { } why ? (500, $"internal server error: {why}\n") : (200, "ok");
        }
        bool well = all.All(c => c.Trouble is null);
        if (well && !verbose) return (200, "ok");
        var text = new StringBuilder();
        foreach (var (name, trouble) in all) text.Append(trouble is null ? $"[+]{name} ok\n" : $"[-]{name} failed: reason withheld\n");
        return well ? (200, text.Append("healthz check passed\n").ToString()) : (500, text.Append("healthz check failed\n").ToString());
    }

    public string Slis()
    {
        var text = new PrometheusText();
        text.Family("kubernetes_healthcheck", "gauge", "[STABLE] Whether a check of health passed when it was last made.");
        foreach (var (name, trouble) in Check()) text.Sample("kubernetes_healthcheck", PrometheusText.Labels(("name", name), ("type", "healthz")), trouble is null ? 1 : 0);
        text.Family("kubernetes_healthchecks_total", "counter", "[STABLE] How often checks of health were made, by how they came out.");
        lock (_asked)
            foreach (var ((name, status), count) in _asked.OrderBy(a => a.Key)) text.Sample("kubernetes_healthchecks_total", PrometheusText.Labels(("name", name), ("status", status), ("type", "healthz")), count);
        return text.ToString();
    }
}
