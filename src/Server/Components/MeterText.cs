using System.Diagnostics.Metrics;
using System.Globalization;
using Hanbae.Machinery.Figures;

namespace Hanbae.Server.Components;

/// <summary>Keeps what instruments of this process measure, and prints it in Prometheus' text form.</summary>
/// <remarks>Bound: one series for each instrument and set of labels, which are names of queues and their like.</remarks>
public sealed class MeterText : IDisposable
{
    /// <summary>Upstream's, for the times of work queues; those of histograms that advise no others.</summary>
    static readonly double[] s_bounds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10];

    sealed class Series
    {
        public double Value;
        public Histogram? Distribution { get; init; }
    }

    /// <param name="Totals">What is measured is how much there is by now, not how much more.</param>
    /// <param name="Bounds">Null but for histograms.</param>
    sealed record Figure(string Type, string Help, bool Totals, double[]? Bounds)
    {
        public SortedDictionary<string, Series> All { get; } = new(StringComparer.Ordinal);
    }

    readonly Lock _gate = new();
    readonly SortedDictionary<string, Figure> _figures = new(StringComparer.Ordinal);
    readonly MeterListener _listener = new();

    /// <param name="meters">Whose instruments are listened to, those there are and those to come.</param>
    public MeterText(params string[] meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Array.IndexOf(meters, instrument.Meter.Name) < 0) return;
            lock (_gate) _figures.TryAdd(instrument.Name, FigureOf(instrument));
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<byte>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<short>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<float>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<decimal>((instrument, value, tags, _) => Record(instrument, (double)value, tags));
        _listener.Start();
    }

    static Figure FigureOf(Instrument instrument)
    {
        var kind = instrument.GetType().GetGenericTypeDefinition();
        string help = instrument.Description ?? "";
        if (kind == typeof(Histogram<>)) return new("histogram", help, false, BoundsOf(instrument));
        bool counts = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>);
        return new(counts ? "counter" : "gauge", help, instrument.IsObservable || kind == typeof(Gauge<>), null);
    }

    static double[] BoundsOf(Instrument histogram) => histogram switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } asked } => [.. asked],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } asked } => [.. asked],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } asked } => [.. asked],
        _ => s_bounds,
    };

    void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string labels = Labels(tags);
        lock (_gate)
        {
            if (!_figures.TryGetValue(instrument.Name, out var figure)) return;
            if (!figure.All.TryGetValue(labels, out var series))
                figure.All.Add(labels, series = new() { Distribution = figure.Bounds is { } bounds ? new(bounds) : null });
            if (series.Distribution is { } distribution) distribution.Add(value);
            else series.Value = figure.Totals ? value : series.Value + value;
        }
    }

    static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new (string, string)[tags.Length];
        for (int i = 0; i < tags.Length; i++) labels[i] = (tags[i].Key, System.Convert.ToString(tags[i].Value, CultureInfo.InvariantCulture) ?? "");
        return PrometheusText.Labels(labels);
    }

    public void Render(PrometheusText text)
    {
        _listener.RecordObservableInstruments();
        lock (_gate)
            foreach (var (name, figure) in _figures)
            {
                text.Family(name, figure.Type, figure.Help);
                foreach (var (labels, series) in figure.All)
                    if (series.Distribution is { } distribution) distribution.Render(text, name, labels);
                    else text.Sample(name, labels, series.Value);
            }
    }

    public void Dispose() => _listener.Dispose();
}
