using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Health;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Asks webhooks, and counts that.</summary>
interface ICallsWebhooks
{
    WebhookCounts Counts { get; }
}

/// <summary>How long webhooks take and whom they refuse, under upstream's names.</summary>
/// <remarks>Bound: names of webhooks that are configured.</remarks>
sealed class WebhookCounts
{
    readonly record struct Sort(string Name, Operation Operation, bool Mutating, bool Rejected);

    readonly ConcurrentDictionary<Sort, TimeCounts> _times = new();
    readonly ConcurrentDictionary<(Sort Sort, int Code), long> _calls = new();
    readonly ConcurrentDictionary<(Sort Sort, string Error, int Code), long> _rejections = new();
    readonly ConcurrentDictionary<(string Name, bool Mutating), long> _open = new();

    /// <param name="rejected">Null when the request may go on; else whose fault it is, in upstream's word.</param>
    /// <param name="code">What the webhook answered, or is refused with.</param>
    public void Add(string name, Operation operation, bool mutating, string? rejected, int code, TimeSpan took)
    {
        var sort = new Sort(name, operation, mutating, rejected is not null);
        _times.GetOrAdd(sort, static _ => new(TimeCounts.Calls)).Add(took);
        _calls.AddOrUpdate((sort, code), 1, static (_, n) => n + 1);
        // As upstream: of codes above 600 there are no series.
        if (rejected is not null) _rejections.AddOrUpdate((sort, rejected, Math.Min(code, 600)), 1, static (_, n) => n + 1);
    }

    /// <summary>It could not be asked, and its failure policy lets the request go on.</summary>
    public void FailedOpen(string name, bool mutating) => _open.AddOrUpdate((name, mutating), 1, static (_, n) => n + 1);

    public void Render(PrometheusText text)
    {
        const string Durations = "apiserver_admission_webhook_admission_duration_seconds", Calls = "apiserver_admission_webhook_request_total",
            Rejections = "apiserver_admission_webhook_rejection_count", Open = "apiserver_admission_webhook_fail_open_count";
        text.Family(Durations, "histogram", "Time of calls to webhooks, by name, and whether the request was refused.");
        foreach (var (sort, times) in _times) TimeCounts.Render(text, Durations, $"{Shown(sort)},rejected=\"{Text(sort.Rejected)}\",type=\"{Type(sort.Mutating)}\"", times);
        text.Family(Calls, "counter", "Calls to webhooks, by what came of them.");
        foreach (var ((sort, code), count) in _calls)
            text.Sample(Calls, $"code=\"{code}\",{Shown(sort)},rejected=\"{Text(sort.Rejected)}\",type=\"{Type(sort.Mutating)}\"", count);
        text.Family(Rejections, "counter", "Requests that a webhook refused, or that were refused because it could not be asked.");
        foreach (var ((sort, error, code), count) in _rejections)
            text.Sample(Rejections, $"error_type=\"{error}\",{Shown(sort)},rejection_code=\"{code}\",type=\"{Type(sort.Mutating)}\"", count);
        text.Family(Open, "counter", "Requests that went on although a webhook could not be asked.");
        foreach (var ((name, mutating), count) in _open) text.Sample(Open, PrometheusText.Labels(("name", name), ("type", Type(mutating))), count);
    }

    static string Shown(Sort sort) => PrometheusText.Labels(("name", sort.Name), ("operation", sort.Operation.ToString().ToUpperInvariant()));
    static string Type(bool mutating) => mutating ? "admit" : "validating";
    static string Text(bool flag) => flag ? "true" : "false";
}
