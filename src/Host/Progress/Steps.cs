using System.Diagnostics;

namespace Hanbae.Host.Progress;

/// <summary>Tells the user what is being done and how long each step took: a live display on a terminal, plain lines otherwise.</summary>
public sealed class Steps(TextWriter output, bool live)
{
    readonly Lock _lock = new();
    readonly List<string> _running = [];
    readonly Stopwatch _total = Stopwatch.StartNew();

    public TimeSpan Elapsed => _total.Elapsed;

    /// <summary>Runs one step; several may run at once.</summary>
    public async Task<T> RunAsync<T>(string what, Func<Task<T>> work)
    {
        var watch = Stopwatch.StartNew();
        lock (_lock) { _running.Add(what); Redraw(); }
        try
        {
            var result = await work();
            Done("✓", what, watch.Elapsed);
            return result;
        }
        catch
        {
            Done("✗", what, watch.Elapsed);
            throw;
        }
    }

    public Task RunAsync(string what, Func<Task> work) => RunAsync(what, async () => { await work(); return 0; });

    /// <summary>A line that is no step.</summary>
    public void Say(string line)
    {
        lock (_lock) { Clear(); output.WriteLine(line); Redraw(); }
    }

    void Done(string sign, string what, TimeSpan took)
    {
        lock (_lock)
        {
            _running.Remove(what);
            Clear();
            output.WriteLine($"  {sign} {what,-40} {Format(took),8}");
            Redraw();
        }
    }

    void Redraw()
    {
        if (!live) { output.Flush(); return; }
        Clear();
        if (_running.Count > 0) output.Write("  … " + string.Join(", ", _running));
        output.Flush();
    }

    void Clear()
    {
        if (live) output.Write("\r\x1b[2K");
    }

    public static string Format(TimeSpan time) => time.TotalSeconds < 1 ? $"{time.TotalMilliseconds:0} ms" : $"{time.TotalSeconds:0.0} s";
}
