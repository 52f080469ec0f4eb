using Hanbae.Machinery.Figures;
using Hanbae.Server.Health;

namespace Hanbae.Server.Admission;

/// <summary>Times of a plugin or of a whole step, by what was asked for and how it came out.</summary>
sealed class AdmissionTimes
{
    readonly TimeCounts?[] _all = new TimeCounts?[16];

    public void Add(Operation operation, bool validates, bool refused, TimeSpan took)
    {
        ref var cell = ref _all[(int)operation * 4 + (validates ? 2 : 0) + (refused ? 1 : 0)];
        (Volatile.Read(ref cell) ?? Interlocked.CompareExchange(ref cell, new(TimeCounts.Steps), null) ?? cell!).Add(took);
    }

    /// <param name="before">Labels that come first, with a comma behind each.</param>
    public void Render(PrometheusText text, string name, string before)
    {
        for (int i = 0; i < _all.Length; i++)
            if (Volatile.Read(ref _all[i]) is { } times)
                TimeCounts.Render(text, name, before + PrometheusText.Labels(("operation", ((Operation)(i / 4)).ToString().ToUpperInvariant()),
                    ("rejected", (i & 1) == 1 ? "true" : "false"), ("type", (i & 2) == 2 ? "validate" : "admit")), times);
    }
}
