using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.HorizontalPodAutoscalers;

/// <summary>One Pod's reading.</summary>
/// <param name="Value">In thousandths.</param>
readonly record struct Reading(long Value, DateTimeOffset At, TimeSpan Window);

/// <summary>A metric that cannot be read; the message is upstream's.</summary>
sealed class ReadingException(string message) : Exception(message);

/// <summary>Reads metrics: of Pods from <c>metrics.k8s.io</c>, others from whoever serves custom and external metrics.</summary>
sealed class Readings(IClusterAccess cluster, ScaleTarget kinds)
{
    static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);

    /// <param name="container">Empty for all of a Pod's.</param>
    public async Task<Dictionary<string, Reading>> ResourceAsync(string resource, string ns, Selector selector, string container, CancellationToken ct)
    {
        JsonArray items;
        try { items = await ItemsAsync($"/apis/metrics.k8s.io/v1beta1/namespaces/{ns}/pods", ct, ("labelSelector", selector.ToString()!)); }
        catch (ApiException e) { throw new ReadingException($"unable to get metrics for resource {resource}: unable to fetch metrics from resource metrics API: {e.Message}"); }
        if (!items.Any()) throw new ReadingException($"unable to get metrics for resource {resource}: no metrics returned from resource metrics API");
        var found = new Dictionary<string, Reading>();
        foreach (var pod in items.OfType<JsonObject>())
        {
            string name = Text(pod["metadata"], "name");
            long sum = 0;
            bool complete = true, there = false;
            foreach (var c in (pod["containers"] as JsonArray ?? JsonArray.Empty).OfType<JsonObject>())
            {
                if (container.Length > 0 && Text(c, "name") != container) continue;
                there = true;
                if (Text(c["usage"], resource) is { Length: > 0 } amount) sum += Quantity.Parse(amount).MilliValue();
                else complete = false;
            }
            if (container.Length > 0 && !there) throw new ReadingException($"failed to get container metrics: container {container} not present in metrics for pod {ns}/{name}");
            // A Pod of which a part is not measured yet counts as not measured.
            if (complete && there) found[name] = new(sum, At(pod), Duration(Text(pod, "window")));
        }
        return found;
    }

    public async Task<Dictionary<string, Reading>> PodsAsync(string metric, string ns, Selector pods, LabelSelector? selector, CancellationToken ct)
    {
        try
        {
            var items = await ItemsAsync($"{await CustomAsync(ct)}/namespaces/{ns}/pods/*/{metric}", ct, ("labelSelector", pods.ToString()!), ("metricLabelSelector", Text(selector)));
            if (!items.Any()) throw new ReadingException($"unable to get metric {metric}: no metrics returned from custom metrics API");
            return items.OfType<JsonObject>().DistinctBy(m => Text(m["describedObject"], "name")).ToDictionary(m => Text(m["describedObject"], "name"), m => new Reading(Value(m), At(m), Window(m)));
        }
        catch (ApiException e) { throw new ReadingException($"unable to get metric {metric}: unable to fetch metrics from custom metrics API: {e.Message}"); }
    }

    public async Task<long> ObjectAsync(string metric, string ns, CrossVersionObjectReference about, LabelSelector? selector, CancellationToken ct)
    {
        string context = $"unable to get metric {metric}: {about.Kind} on {ns} {about.Name}/";
        try
        {
            var resource = await kinds.FindAsync(about.ApiVersion, about.Kind, ct) ?? throw new ReadingException($"{context}no matches for kind \"{about.Kind}\" in version \"{about.ApiVersion}\"");
            string path = resource.Gvr.GroupResource is { Group: "", Resource: "namespaces" } ? $"/namespaces/{about.Name}/metrics/{metric}"
                : $"{(resource.Namespaced ? "/namespaces/" + ns : "")}/{resource.Gvr.GroupResource}/{about.Name}/{metric}";
            var items = await ItemsAsync(await CustomAsync(ct) + path, ct, ("metricLabelSelector", Text(selector)));
            return items.OfType<JsonObject>().FirstOrDefault() is { } value ? Value(value) : throw new ReadingException(context + "unable to fetch metrics from custom metrics API: the server returned no value");
        }
        catch (ApiException e) { throw new ReadingException($"{context}unable to fetch metrics from custom metrics API: {e.Message}"); }
    }

    /// <returns>The sum of all series of that name; the largest number there is, where it is more.</returns>
    public async Task<long> ExternalAsync(string metric, string ns, LabelSelector? selector, CancellationToken ct)
    {
        string context = $"unable to get external metric {ns}/{metric}/{selector.AsGo()}: ";
        try
        {
            var items = await ItemsAsync($"/apis/external.metrics.k8s.io/v1beta1/namespaces/{ns}/{metric}", ct, ("labelSelector", Text(selector)));
            if (!items.Any()) throw new ReadingException(context + "no metrics returned from external metrics API");
            return items.OfType<JsonObject>().Select(Value).Aggregate(0L, static (sum, value) => long.CreateSaturating((Int128)sum + value));
        }
        catch (ApiException e) { throw new ReadingException($"{context}unable to fetch metrics from external metrics API: {e.Message}"); }
    }

    /// <summary>The newest version of custom metrics that somebody serves.</summary>
    async Task<string> CustomAsync(CancellationToken ct)
    {
        const string Root = "/apis/custom.metrics.k8s.io";
        var answer = await cluster.Client.Transport.SendAsync(new() { Method = "GET", Path = Root, Accept = "application/json" }, ct);
        string[] served = answer.Code == 200 && Json(answer)?["versions"] is JsonArray versions ? [.. versions.OfType<JsonObject>().Select(v => Text(v, "version"))] : [];
        return served.Contains("v1beta2") ? Root + "/v1beta2" : served.Contains("v1beta1") ? Root + "/v1beta1"
            : throw new ReadingException("unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered");
    }

    async Task<JsonArray> ItemsAsync(string path, CancellationToken ct, params (string Name, string Value)[] query)
    {
        var answer = (await cluster.Client.Transport.SendAsync(new()
        {
            Method = "GET", Path = path, Accept = "application/json", Query = [.. query.Where(q => q.Value.Length > 0).Select(q => KeyValuePair.Create(q.Name, q.Value))],
        }, ct)).OrThrow();
        if (answer.List is { } list) return new([.. list.Items.Select(i => JsonValue.Parse(i.Kind().ToJson(i)))]);
        return Json(answer)?["items"] as JsonArray ?? JsonArray.Empty;
    }

    static JsonObject? Json(ApiResult answer) => JsonValue.Parse(answer.Object is { } obj ? obj.Kind().ToJson(obj) : answer.Body.Span) as JsonObject;
    static string Text(JsonValue? of, string name) => (of as JsonObject)?[name] is JsonString text ? text.Value : (of as JsonObject)?[name] is JsonNumber number ? number.ToString()! : "";
    static string Text(LabelSelector? selector) => selector is null ? "" : selector.ToSelector().ToString()!;
    static long Value(JsonObject metric) => Quantity.Parse(Text(metric, "value")).MilliValue();
    static DateTimeOffset At(JsonObject metric) => DateTimeOffset.TryParse(Text(metric, "timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : default;
    static TimeSpan Window(JsonObject metric) => long.TryParse(Text(metric, "windowSeconds") is { Length: > 0 } s ? s : Text(metric, "window"), out long seconds) ? TimeSpan.FromSeconds(seconds) : s_window;
    static TimeSpan Duration(string text) => Api.Duration.TryParse(text, out var window) ? window.ToTimeSpan() : s_window;
}
