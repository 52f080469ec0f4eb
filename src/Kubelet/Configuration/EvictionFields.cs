using Hanbae.Api.Json;
using Hanbae.Kubelet.Eviction;

namespace Hanbae.Kubelet.Configuration;

/// <summary>Puts upstream's five fields about eviction together: one threshold is spread over several of them.</summary>
static class EvictionFields
{
    /// <exception cref="FormatException"/>
    public static Seq<Threshold> Read(JsonObject root)
    {
        Map<string> Of(string name) => root[name] is { } value and not JsonNull ? ConfigurationValues.Map(value, name) : default;
        var (hard, soft, grace, reclaim) = (Of("evictionHard"), Of("evictionSoft"), Of("evictionSoftGracePeriod"), Of("evictionMinimumReclaim"));
        // Who names hard thresholds names them all, unless he asks for the others' defaults (as upstream).
        bool merge = root["mergeDefaultEvictionSettings"] is JsonBool { Value: true };
        if (hard.IsEmpty || merge) hard = Threshold.Defaults.Select(t => KeyValuePair.Create(t.Signal, t.Text)).ToMap().With(hard);
        var known = Threshold.Defaults.Select(t => t.Signal).Append("pid.available").ToArray();
        List<Threshold> all = [];
        foreach (var (signal, text) in hard) Add(new(signal, text));
        foreach (var (signal, text) in soft)
        {
            if (!grace.TryGet(signal, out string? time) || !Duration.TryParse(time, out var wait) || wait.Nanoseconds <= 0)
                throw new FormatException($"grace period must be specified for the soft eviction threshold {signal}");
            Add(new(signal, text) { Grace = wait.ToTimeSpan() });
        }
        return all.ToSeq();

        void Add(Threshold threshold)
        {
            // Where containers write is the disk of the node or of the images, and its thresholds are that one's, whatever is said (as upstream).
            if (threshold.Signal is "containerfs.available" or "containerfs.inodesFree") return;
            if (!known.Contains(threshold.Signal)) throw new FormatException($"unknown eviction signal {threshold.Signal}");
            // A share of nothing or of all turns the threshold off, as upstream.
            if (threshold.Text is "0%" or "100%") return;
            try { threshold.Of(1 << 20); }
            catch (FormatException e) { throw new FormatException($"eviction threshold {threshold.Signal}: {e.Message}", e); }
            all.Add(reclaim.TryGet(threshold.Signal, out string? more) ? threshold with { MinimumReclaim = more } : threshold);
        }
    }
}
