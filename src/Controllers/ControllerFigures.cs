using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;

namespace Hanbae.Controllers;

/// <summary>What controllers have to say of the cluster's state in numbers, for <c>/metrics</c>: counted when somebody asks.</summary>
/// <remarks>Bound: an entry per controller; one that starts anew takes its place.</remarks>
public sealed class ControllerFigures
{
    readonly ConcurrentDictionary<string, Func<IEnumerable<Figure>>> _all = new();

    internal void Show(string controller, Func<IEnumerable<Figure>> now) => _all[controller] = now;

    public void Render(PrometheusText text)
    {
        foreach (var family in _all.Values.SelectMany(now => now()).GroupBy(f => f.Name).OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            text.Family(family.Key, "gauge", family.First().Help);
            foreach (var (_, _, labels, value) in family.OrderBy(f => f.Labels, StringComparer.Ordinal)) text.Sample(family.Key, labels, value);
        }
    }
}

/// <summary>One number of a family.</summary>
/// <param name="Labels">As <see cref="PrometheusText.Labels"/> makes them.</param>
readonly record struct Figure(string Name, string Help, string Labels, long Value);
