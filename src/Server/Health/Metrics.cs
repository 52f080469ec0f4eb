using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Hanbae.Server.Health;

/// <summary>Counts requests and their time, and prints them for Prometheus under upstream's names.</summary>
/// <remarks>Bound: labels are those of served resources and their codes; what is not served is counted without its name.</remarks>
public sealed class Metrics(TimeProvider time) : IFilter
{
    static readonly double[] s_bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

    readonly ConcurrentDictionary<Labels, Series> _series = new();
    readonly long _started = Environment.TickCount64;
    long _reading, _writing;

    readonly record struct Labels(string Verb, string Group, string Version, string Resource, string Subresource, string Scope, int Code);

    sealed class Series
    {
        public readonly long[] Buckets = new long[s_bounds.Length + 1];
        public long Count, Microseconds;

        public void Add(TimeSpan took)
        {
            Interlocked.Increment(ref Count);
            Interlocked.Add(ref Microseconds, (long)took.TotalMicroseconds);
            int bucket = 0;
            while (bucket < s_bounds.Length && took.TotalSeconds > s_bounds[bucket]) bucket++;
            Interlocked.Increment(ref Buckets[bucket]);
        }
    }

    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        long start = time.GetTimestamp();
        var info = request.Info;
        bool reads = info.Verb is "get" or "list" or "watch";
        if (reads) Interlocked.Increment(ref _reading);
        else Interlocked.Increment(ref _writing);
        try
        {
            var reply = await next(request).ConfigureAwait(false);
            _series.GetOrAdd(LabelsOf(info, reply.Code), static _ => new()).Add(time.GetElapsedTime(start));
            return reply;
        }
        finally
        {
            if (reads) Interlocked.Decrement(ref _reading);
            else Interlocked.Decrement(ref _writing);
        }
    }

    static Labels LabelsOf(RequestInfo info, int code)
    {
        if (!info.IsResourceRequest || code == 404 && info.Name.Length == 0) return new("", "", "", "", "", "", code);
        string verb = info.Verb switch
        {
            "create" => "POST", "update" => "PUT", "patch" => "PATCH", "delete" => "DELETE", "deletecollection" => "DELETECOLLECTION", "list" => "LIST", "watch" => "WATCH", _ => "GET",
        };
        return new(verb, info.ApiGroup, info.ApiVersion, info.Resource, info.Subresource, info.Name.Length > 0 ? "resource" : info.Namespace.Length > 0 ? "namespace" : "cluster", code);
    }

    internal IEnumerable<PathRoute> Paths()
    {
        yield return new("/metrics", false, _ => new(new BytesReply(200, "text/plain; version=0.0.4; charset=utf-8", Encoding.UTF8.GetBytes(Print()))));
    }

    string Print()
    {
        var text = new StringBuilder();
        Head("apiserver_request_total", "counter", "Requests by verb, resource and code.");
        foreach (var (labels, series) in _series) text.Append($"apiserver_request_total{{code=\"{labels.Code}\",{Shown(labels)}}} {series.Count}\n");
        Head("apiserver_request_duration_seconds", "histogram", "Time until the answer began.");
        foreach (var group in _series.Where(s => s.Key.Verb != "WATCH").GroupBy(s => s.Key with { Code = 0 }))
        {
            long count = 0;
            for (int i = 0; i <= s_bounds.Length; i++)
            {
                count += group.Sum(s => Volatile.Read(ref s.Value.Buckets[i]));
                string bound = i < s_bounds.Length ? s_bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
                text.Append($"apiserver_request_duration_seconds_bucket{{{Shown(group.Key)},le=\"{bound}\"}} {count}\n");
            }
            string sum = (group.Sum(s => s.Value.Microseconds) / 1e6).ToString(CultureInfo.InvariantCulture);
            text.Append($"apiserver_request_duration_seconds_sum{{{Shown(group.Key)}}} {sum}\napiserver_request_duration_seconds_count{{{Shown(group.Key)}}} {count}\n");
        }
        Head("apiserver_current_inflight_requests", "gauge", "Requests on their way.");
        text.Append($"apiserver_current_inflight_requests{{request_kind=\"mutating\"}} {Volatile.Read(ref _writing)}\n");
        text.Append($"apiserver_current_inflight_requests{{request_kind=\"readOnly\"}} {Volatile.Read(ref _reading)}\n");
        using var process = Process.GetCurrentProcess();
        Plain("process_cpu_seconds_total", "counter", "CPU time of the process.", process.TotalProcessorTime.TotalSeconds);
        Plain("process_resident_memory_bytes", "gauge", "Memory of the process.", process.WorkingSet64);
        Plain("process_virtual_memory_bytes", "gauge", "Address space of the process.", process.VirtualMemorySize64);
        Plain("process_start_time_seconds", "gauge", "When the process began.", new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeSeconds());
        Plain("process_uptime_seconds", "gauge", "How long the server has been there.", (Environment.TickCount64 - _started) / 1000.0);
        return text.ToString();

        void Head(string name, string type, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");
        void Plain(string name, string type, string help, double value)
        {
            Head(name, type, help);
            text.Append($"{name} {value.ToString(CultureInfo.InvariantCulture)}\n");
        }
    }

    static string Shown(Labels l) =>
        $"group=\"{l.Group}\",resource=\"{l.Resource}\",scope=\"{l.Scope}\",subresource=\"{l.Subresource}\",verb=\"{l.Verb}\",version=\"{l.Version}\"";
}
