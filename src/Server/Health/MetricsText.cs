using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Health;

/// <summary>Prints metrics in Prometheus' text form, names in upstream's spelling.</summary>
sealed class MetricsText(ResourceCatalog resources, Action<StringBuilder>? more)
{
    const string Component = "component=\"apiserver\"";

    /// <summary>Names that come in paths are labels only when they are names of something; subresources that are not there are not counted by name.</summary>
    public bool Serves(RequestInfo info)
    {
        if (resources.Find(info.ApiGroup, info.ApiVersion, info.Resource) is not { } resource) return false;
        if (info.Subresource.Length == 0 || resource.Handlers.ContainsKey(info.Subresource)) return true;
        foreach (var sub in resource.Info.Subresources) if (sub.Name == info.Subresource) return true;
        return false;
    }

    public string Print(IReadOnlyCollection<KeyValuePair<RequestLabels, RequestCounts>> requests, long reading, long writing)
    {
        var text = new StringBuilder(16 << 10);
        Requests(text, requests);
        Head(text, "apiserver_current_inflight_requests", "gauge", "Requests on their way, of each kind.");
        text.Append($"apiserver_current_inflight_requests{{request_kind=\"mutating\"}} {writing}\napiserver_current_inflight_requests{{request_kind=\"readOnly\"}} {reading}\n");
        Stored(text);
        OfBuild(text);
        OfProcess(text);
        more?.Invoke(text);
        return text.ToString();
    }

    static void Requests(StringBuilder text, IReadOnlyCollection<KeyValuePair<RequestLabels, RequestCounts>> requests)
    {
        Head(text, "apiserver_request_total", "counter", "Requests by verb, resource and code.");
        foreach (var (labels, counts) in requests) text.Append($"apiserver_request_total{{code=\"{labels.Code}\",{Component},dry_run=\"\",{Shown(labels)}}} {counts.Count}\n");
        Head(text, "apiserver_request_duration_seconds", "histogram", "Time until the answer began, by verb and resource.");
        foreach (var group in requests.Where(s => s.Key.Verb != "WATCH").GroupBy(s => s.Key with { Code = 0 }))
        {
            string shown = $"{Component},dry_run=\"\",{Shown(group.Key)}";
            long count = 0;
            for (int i = 0; i <= RequestCounts.Bounds.Length; i++)
            {
                count += group.Sum(s => s.Value.Bucket(i));
                string bound = i < RequestCounts.Bounds.Length ? Number(RequestCounts.Bounds[i]) : "+Inf";
                text.Append($"apiserver_request_duration_seconds_bucket{{{shown},le=\"{bound}\"}} {count}\n");
            }
            text.Append($"apiserver_request_duration_seconds_sum{{{shown}}} {Number(group.Sum(s => s.Value.Seconds))}\napiserver_request_duration_seconds_count{{{shown}}} {count}\n");
        }
    }

    void Stored(StringBuilder text)
    {
        var stored = resources.AllStored.Where(s => s.Cache.Count is not null).OrderBy(s => s.Resource.ToString(), StringComparer.Ordinal).ToArray();
        Head(text, "apiserver_longrunning_requests", "gauge", "Watches that are open.");
        foreach (var s in stored)
            if (s.Cache.WatcherCount > 0)
                text.Append($"apiserver_longrunning_requests{{{Component},group=\"{s.Resource.Group}\",resource=\"{s.Resource.Resource}\",scope=\"\",subresource=\"\",verb=\"WATCH\",version=\"{s.Kind.Gvk.Version}\"}} {s.Cache.WatcherCount}\n");
        Head(text, "apiserver_storage_objects", "gauge", "Stored objects, of resources that were asked for since the start.");
        foreach (var s in stored) text.Append($"apiserver_storage_objects{{resource=\"{s.Resource}\"}} {s.Cache.Count}\n");
        Head(text, "apiserver_watch_events_total", "counter", "Events sent to watches over HTTP.");
        foreach (var s in stored)
            if (s.Cache.EventsSent > 0)
                text.Append($"apiserver_watch_events_total{{group=\"{s.Resource.Group}\",resource=\"{s.Resource.Resource}\",version=\"{s.Kind.Gvk.Version}\"}} {s.Cache.EventsSent}\n");
    }

    internal static void OfBuild(StringBuilder text)
    {
        Head(text, "kubernetes_build_info", "gauge", "A constant 1, labelled with the version.");
        text.Append($"kubernetes_build_info{{build_date=\"\",compiler=\"dotnet\",git_commit=\"\",git_tree_state=\"clean\",git_version=\"{VersionEndpoint.GitVersion}\",go_version=\"\",major=\"{VersionEndpoint.Major}\",minor=\"{VersionEndpoint.Minor}\",platform=\"{VersionEndpoint.Platform}\"}} 1\n");
    }

    internal static void OfProcess(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Plain(text, "process_cpu_seconds_total", "counter", "CPU time of the process.", process.TotalProcessorTime.TotalSeconds);
        Plain(text, "process_resident_memory_bytes", "gauge", "Memory of the process.", process.WorkingSet64);
        Plain(text, "process_virtual_memory_bytes", "gauge", "Address space of the process.", process.VirtualMemorySize64);
        Plain(text, "process_start_time_seconds", "gauge", "When the process began.", new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0);
        Plain(text, "dotnet_gc_heap_total_allocated_bytes_total", "counter", "Bytes that the process allocated on its managed heap since it began.", GC.GetTotalAllocatedBytes());
        Head(text, "dotnet_gc_collections_total", "counter", "Garbage collections since the process began, by the oldest generation collected.");
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
            text.Append($"dotnet_gc_collections_total{{generation=\"{generation}\"}} {GC.CollectionCount(generation) - (generation < GC.MaxGeneration ? GC.CollectionCount(generation + 1) : 0)}\n");
        var (last, full) = (GC.GetGCMemoryInfo(GCKind.Any), GC.GetGCMemoryInfo(GCKind.FullBlocking));
        Plain(text, "dotnet_gc_committed_bytes", "gauge", "Memory that the managed heap has of the machine, as of the last collection.", last.TotalCommittedBytes);
        Plain(text, "dotnet_gc_live_bytes", "gauge", "What objects took after the last collection of all of them; 0 before the first.", full.HeapSizeBytes - full.FragmentedBytes);
        Plain(text, "dotnet_gc_pause_seconds_total", "counter", "Time that garbage collections stopped the process for.", GC.GetTotalPauseDuration().TotalSeconds);
        if (Directory.Exists("/proc/self/fd")) Plain(text, "process_open_fds", "gauge", "Open file descriptors.", Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
    }

    static void Head(StringBuilder text, string name, string type, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    static void Plain(StringBuilder text, string name, string type, string help, double value)
    {
        Head(text, name, type, help);
        text.Append(name).Append(' ').Append(Number(value)).Append('\n');
    }

    static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    static string Shown(RequestLabels l) =>
        $"group=\"{l.Group}\",resource=\"{l.Resource}\",scope=\"{l.Scope}\",subresource=\"{l.Subresource}\",verb=\"{l.Verb}\",version=\"{l.Version}\"";
}
