using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Hanbae.Server.Components;

/// <summary>Keeps what instruments of this process measure, and prints it in Prometheus' text form.</summary>
/// <remarks>Bound: one series for each instrument and set of labels, which are names of queues and their like.</remarks>
public sealed class MeterText : IDisposable
{
    /// <summary>Upstream's, for the times of work queues; instruments may advise others.</summary>
    static readonly double[] s_bounds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10];

    sealed class Series(IReadOnlyList<double> bounds)
    {
        public double Sum;
        public readonly IReadOnlyList<double> Bounds = bounds;
        public readonly long[] Buckets = new long[bounds.Count + 1];
    }

    readonly Lock _gate = new();
    readonly SortedDictionary<string, (Instrument Instrument, SortedDictionary<string, Series> Series)> _all = new(StringComparer.Ordinal);
    readonly MeterListener _listener = new();

    /// <param name="meters">Whose instruments are listened to, those there are and those to come.</param>
    public MeterText(params string[] meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Array.IndexOf(meters, instrument.Meter.Name) < 0) return;
            lock (_gate) _all.TryAdd(instrument.Name, (instrument, new(StringComparer.Ordinal)));
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string labels = Labels(tags);
        lock (_gate)
        {
            if (!_all.TryGetValue(instrument.Name, out var known)) return;
            if (!known.Series.TryGetValue(labels, out var series)) known.Series.Add(labels, series = new((instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries ?? s_bounds));
            int bucket = 0;
            while (bucket < series.Bounds.Count && value > series.Bounds[bucket]) bucket++;
            series.Sum += value;
            series.Buckets[bucket]++;
        }
    }

    static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in tags) text.Append(text.Length > 0 ? "," : "").Append(name).Append("=\"").Append(value).Append('"');
        return text.ToString();
    }

    public void Print(StringBuilder text)
    {
        lock (_gate)
            foreach (var (name, (instrument, all)) in _all)
            {
                string type = instrument is Histogram<double> ? "histogram" : instrument is Counter<long> ? "counter" : "gauge";
                text.Append($"# HELP {name} {instrument.Description}\n# TYPE {name} {type}\n");
                foreach (var (labels, series) in all)
                    if (type == "histogram") Distribution(text, name, labels, series);
                    else text.Append(CultureInfo.InvariantCulture, $"{name}{(labels.Length > 0 ? $"{{{labels}}}" : "")} {series.Sum}\n");
            }
    }

    static void Distribution(StringBuilder text, string name, string labels, Series series)
    {
        string before = labels.Length > 0 ? labels + "," : "";
        long count = 0;
        for (int i = 0; i <= series.Bounds.Count; i++)
        {
            count += series.Buckets[i];
            string bound = i < series.Bounds.Count ? series.Bounds[i].ToString("0.########", CultureInfo.InvariantCulture) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{before}le=\"{bound}\"}} {count}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {series.Sum}\n{name}_count{{{labels}}} {count}\n");
    }

    public void Dispose() => _listener.Dispose();
}
