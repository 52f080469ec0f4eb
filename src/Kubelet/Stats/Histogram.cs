using System.Globalization;

namespace Hanbae.Kubelet.Stats;

/// <summary>How often something took up to so long.</summary>
sealed class Histogram(double[] buckets)
{
    readonly long[] _counts = new long[buckets.Length + 1];
    double _sum;

    public void Add(double value)
    {
        int at = Array.FindIndex(buckets, b => value <= b);
        lock (_counts)
        {
            _counts[at < 0 ? buckets.Length : at]++;
            _sum += value;
        }
    }

    public void Render(PrometheusText text, string name, string labels)
    {
        lock (_counts)
        {
            long sum = 0;
            for (int i = 0; i <= buckets.Length; i++)
            {
                string le = PrometheusText.Labels(("le", i < buckets.Length ? buckets[i].ToString(CultureInfo.InvariantCulture) : "+Inf"));
                text.Sample(name + "_bucket", labels.Length > 0 ? $"{labels},{le}" : le, sum += _counts[i]);
            }
            text.Sample(name + "_sum", labels, _sum).Sample(name + "_count", labels, sum);
        }
    }
}
