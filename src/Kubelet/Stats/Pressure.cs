using System.Globalization;

namespace Hanbae.Kubelet.Stats;

/// <summary>How long processes waited for one thing, of the last ten seconds, minute and five minutes in percent, and in all in microseconds.</summary>
readonly record struct Stall(double Last10, double Last60, double Last300, long Total);

/// <summary>The kernel's pressure stall information of one thing: when some waited, and when all did.</summary>
readonly record struct Pressure(Stall Some, Stall Full)
{
    /// <returns>By <c>cpu</c>, <c>memory</c>, <c>io</c>; nothing where the kernel keeps none.</returns>
    public static IReadOnlyDictionary<string, Pressure> Read(Func<string, string> file)
    {
        var all = new Dictionary<string, Pressure>();
        foreach (string kind in (ReadOnlySpan<string>)["cpu", "memory", "io"])
        {
            if (!File.Exists(file(kind))) continue;
            try { all[kind] = Parse(File.ReadAllText(file(kind))); }
            catch (IOException) { } // compiled in but switched off
        }
        return all;
    }

    /// <param name="text">Lines such as <c>some avg10=0.00 avg60=0.00 avg300=0.00 total=1234</c>.</param>
    public static Pressure Parse(string text)
    {
        var found = default(Pressure);
        foreach (string line in text.Split('\n'))
        {
            var values = line.Split(' ').Select(w => w.Split('=')).Where(w => w.Length == 2).ToDictionary(w => w[0], w => double.Parse(w[1], CultureInfo.InvariantCulture));
            var stall = new Stall(values.GetValueOrDefault("avg10"), values.GetValueOrDefault("avg60"), values.GetValueOrDefault("avg300"), (long)values.GetValueOrDefault("total"));
            if (line.StartsWith("some", StringComparison.Ordinal)) found = found with { Some = stall };
            else if (line.StartsWith("full", StringComparison.Ordinal)) found = found with { Full = stall };
        }
        return found;
    }
}
