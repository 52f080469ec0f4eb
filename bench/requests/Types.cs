using System.Diagnostics.Tracing;

namespace Hanbae.Bench.Requests;

/// <summary>Which types the garbage is of: the runtime names the object that begins every further 100 KB.</summary>
/// <remarks>A sample, and of equal requests in a row a lopsided one: the same places of a request are hit again and again. Good for finding names, not shares.</remarks>
sealed class Types : EventListener
{
    const EventKeywords Garbage = (EventKeywords)1;

    readonly Dictionary<string, int> _ticks = [];
    volatile bool _counting;

    protected override void OnEventSourceCreated(EventSource source)
    {
        if (source.Name == "Microsoft-Windows-DotNETRuntime") EnableEvents(source, EventLevel.Verbose, Garbage);
    }

    protected override void OnEventWritten(EventWrittenEventArgs e)
    {
        if (!_counting || e.EventName?.StartsWith("GCAllocationTick", StringComparison.Ordinal) != true) return;
        string name = e.Payload![e.PayloadNames!.IndexOf("TypeName")] as string ?? "";
        lock (_ticks) _ticks[name] = _ticks.GetValueOrDefault(name) + 1;
    }

    public void Begin()
    {
        lock (_ticks) _ticks.Clear();
        _counting = true;
    }

    public IEnumerable<string> End(int most)
    {
        _counting = false;
        lock (_ticks)
        {
            int all = _ticks.Values.Sum();
            return [.. _ticks.OrderByDescending(t => t.Value).Take(most).Select(t => $"    {100.0 * t.Value / all,5:n1} %  {t.Key}")];
        }
    }
}
