using System.Diagnostics;
using System.Net;

namespace Hanbae.Bench.Rollout;

/// <summary>Asks one address over and over, by several at once, a new connection for each request; each line of its input ends a stretch and prints what came of it.</summary>
static class Program
{
    const int Workers = 8;
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    static readonly Lock s_lock = new();
    static readonly Dictionary<string, int> s_answers = [], s_failures = [];
    static double s_longest;

    static async Task Main(string[] args)
    {
        var address = new Uri(args[0]);
        using var stop = new CancellationTokenSource();
        var workers = Enumerable.Range(0, Workers).Select(_ => Task.Run(() => AskAsync(address, stop.Token))).ToArray();
        while (Console.ReadLine() is { } name) Print(name);
        await stop.CancelAsync();
        await Task.WhenAll(workers);
    }

    static void Print(string name)
    {
        lock (s_lock)
        {
            Console.WriteLine($"{name,-32} {s_answers.Values.Sum(),7:N0} answers ({string.Join(", ", s_answers.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key} {a.Value:N0}"))}), {s_failures.Values.Sum()} lost, longest {s_longest:N0} ms");
            foreach (var (what, times) in s_failures) Console.WriteLine($"    {times} × {what}");
            s_answers.Clear();
            s_failures.Clear();
            s_longest = 0;
        }
    }

    static async Task AskAsync(Uri address, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = s_patience, DefaultRequestVersion = HttpVersion.Version11 };
                string answer = (await http.GetStringAsync(address, ct)).Trim();
                lock (s_lock)
                {
                    s_answers[answer] = s_answers.GetValueOrDefault(answer) + 1;
                    s_longest = Math.Max(s_longest, clock.Elapsed.TotalMilliseconds);
                }
                // What two processors can do is not what is asked here.
                await Task.Delay(10, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                string what = $"{(e.InnerException ?? e).Message} after {clock.Elapsed.TotalMilliseconds:N0} ms";
                lock (s_lock) s_failures[what] = s_failures.GetValueOrDefault(what) + 1;
            }
        }
    }
}
