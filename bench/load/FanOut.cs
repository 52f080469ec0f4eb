using System.Text.RegularExpressions;

namespace Hanbae.Bench.Load;

/// <summary>Watchers of one namespace, each of whom must see every one of some writes.</summary>
/// <remarks>The same writes are made once more without anybody watching, before: what is printed is an event's cost to one watcher, the write's own taken off.</remarks>
static partial class FanOut
{
    const int PerClient = 80;

    public static async Task RunAsync(Scene s)
    {
        int watchers = s.Options.Watchers, updates = s.Options.Updates;
        long before = s.Server.CpuMicroseconds();
        await WriteAsync(s, "w0");
        double own = s.Server.CpuMicroseconds() - before;

        string list = (await s.Api.GetAsync(s.Pods + "?limit=1", keep: true)).Text;
        string from = Revision().Match(list).Groups[1].Value;
        using var end = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        long seen = 0, bytes = 0;
        int ready = 0;
        var clients = Enumerable.Range(0, (watchers + PerClient - 1) / PerClient).Select(_ => s.Api.Client()).ToArray();
        var watches = Enumerable.Range(0, watchers).Select(async w =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{s.Pods}?watch=1&resourceVersion={from}") { Version = new(2, 0) };
            using var response = await clients[w % clients.Length].SendAsync(request, HttpCompletionOption.ResponseHeadersRead, end.Token);
            response.EnsureSuccessStatusCode();
            Interlocked.Increment(ref ready);
            await using var stream = await response.Content.ReadAsStreamAsync(end.Token);
            byte[] buffer = new byte[16 << 10];
            for (int mine = 0, read; mine < updates && (read = await stream.ReadAsync(buffer, end.Token)) > 0;)
            {
                int lines = buffer.AsSpan(0, read).Count((byte)'\n');
                mine += lines;
                Interlocked.Add(ref seen, lines);
                Interlocked.Add(ref bytes, read);
            }
        }).ToArray();
        while (Volatile.Read(ref ready) < watchers && !watches.Any(w => w.IsFaulted)) await Task.Delay(50, end.Token);
        double rss = s.Server.RssMegabytes();
        long cpu = 0;
        await s.Run.MeasureAsync($"watch{watchers}", watchers * updates, async () =>
        {
            long began = s.Server.CpuMicroseconds();
            await WriteAsync(s, "w");
            string error = "";
            try { await Task.WhenAll(watches); }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException) { error = e.Message; }
            cpu = s.Server.CpuMicroseconds() - began;
            return ((int)seen, 0, 0, bytes, error);
        });
        Console.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"fanout{watchers,-6}{seen,9}{0,9}{0,10}{0,9}{0,9}{Math.Max(0, cpu - own) / Math.Max(1, seen),15:F2}{0,9}{rss,9:F0}{0,12}  an event less the write's own {own / updates:F0} us"));
        foreach (var client in clients) client.Dispose();
    }

    static Task WriteAsync(Scene s, string name) =>
        Parallel.ForAsync(0, s.Options.Updates, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            await s.Api.SendAsync(HttpMethod.Patch, $"{s.Pods}/p-{i % s.Options.Pods:D6}", Objects.Annotation(name, Environment.TickCount + i), Api.MergePatch));

    [GeneratedRegex("\"resourceVersion\":\"(\\d+)\"")]
    private static partial Regex Revision();
}
