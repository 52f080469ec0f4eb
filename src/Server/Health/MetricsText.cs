using System.Diagnostics;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Health;

/// <summary>Prints metrics in Prometheus' text form, names in upstream's spelling.</summary>
sealed class MetricsText(ResourceCatalog resources, Action<PrometheusText>? more)
{
    const string Component = "component=\"apiserver\"";

    /// <summary>Names that come in paths are labels only when they are names of something; subresources that are not there are not counted by name.</summary>
    public Resource? Served(RequestInfo info)
    {
        if (resources.Find(info.ApiGroup, info.ApiVersion, info.Resource) is not { } resource) return null;
        if (info.Subresource.Length == 0 || resource.Handlers.ContainsKey(info.Subresource)) return resource;
        foreach (var sub in resource.Info.Subresources) if (sub.Name == info.Subresource) return resource;
        return null;
    }

    public PrometheusText Render(IReadOnlyCollection<KeyValuePair<RequestLabels, TimeCounts>> requests, long reading, long writing)
    {
        var text = new PrometheusText();
        Requests(text, requests);
        text.Family("apiserver_current_inflight_requests", "gauge", "Requests on their way, of each kind.")
            .Sample("apiserver_current_inflight_requests", "request_kind=\"mutating\"", writing)
            .Sample("apiserver_current_inflight_requests", "request_kind=\"readOnly\"", reading);
        Stored(text);
        OfBuild(text);
        OfProcess(text);
        more?.Invoke(text);
        return text;
    }

    static void Requests(PrometheusText text, IReadOnlyCollection<KeyValuePair<RequestLabels, TimeCounts>> requests)
    {
        const string Total = "apiserver_request_total", Duration = "apiserver_request_duration_seconds";
        text.Family(Total, "counter", "Requests by verb, resource and code.");
        foreach (var (labels, counts) in requests) text.Sample(Total, $"code=\"{labels.Code}\",{Component},dry_run=\"{labels.DryRun}\",{Shown(labels)}", counts.Count);
        text.Family(Duration, "histogram", "Time until the answer began, by verb and resource.");
        foreach (var group in requests.Where(s => s.Key.Verb != "WATCH").GroupBy(s => s.Key with { Code = 0 }))
            TimeCounts.Render(text, Duration, $"{Component},dry_run=\"{group.Key.DryRun}\",{Shown(group.Key)}", [.. group.Select(s => s.Value)]);
    }

    void Stored(PrometheusText text)
    {
        const string Watches = "apiserver_longrunning_requests", Objects = "apiserver_storage_objects", Events = "apiserver_watch_events_total";
        var stored = resources.AllStored.Where(s => s.Cache.Count is not null).OrderBy(s => s.Resource.ToString(), StringComparer.Ordinal).ToArray();
        text.Family(Watches, "gauge", "Watches that are open.");
        foreach (var s in stored)
            if (s.Cache.WatcherCount > 0)
                text.Sample(Watches, $"{Component},{Shown(new("WATCH", s.Resource.Group, s.Kind.Gvk.Version, s.Resource.Resource, "", "", 0))}", s.Cache.WatcherCount);
        text.Family(Objects, "gauge", "Stored objects, of resources that were asked for since the start.");
        foreach (var s in stored) text.Sample(Objects, PrometheusText.Labels(("resource", s.Resource.ToString())), s.Cache.Count ?? 0);
        text.Family(Events, "counter", "Events sent to watches over HTTP.");
        foreach (var s in stored)
            if (s.Cache.EventsSent > 0)
                text.Sample(Events, PrometheusText.Labels(("group", s.Resource.Group), ("resource", s.Resource.Resource), ("version", s.Kind.Gvk.Version)), s.Cache.EventsSent);
    }

    internal static void OfBuild(PrometheusText text) =>
        text.Family("kubernetes_build_info", "gauge", "A constant 1, labelled with the version.").Sample("kubernetes_build_info", PrometheusText.Labels(
            ("build_date", ""), ("compiler", "dotnet"), ("git_commit", ""), ("git_tree_state", "clean"), ("git_version", VersionEndpoint.GitVersion), ("go_version", ""),
            ("major", VersionEndpoint.Major), ("minor", VersionEndpoint.Minor), ("platform", VersionEndpoint.Platform)), 1);

    internal static void OfProcess(PrometheusText text)
    {
        using var process = Process.GetCurrentProcess();
        text.Plain("process_cpu_seconds_total", "counter", "CPU time of the process.", process.TotalProcessorTime.TotalSeconds);
        text.Plain("process_resident_memory_bytes", "gauge", "Memory of the process.", process.WorkingSet64);
        text.Plain("process_virtual_memory_bytes", "gauge", "Address space of the process.", process.VirtualMemorySize64);
        text.Plain("process_start_time_seconds", "gauge", "When the process began.", new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0);
        text.Plain("dotnet_gc_heap_total_allocated_bytes_total", "counter", "Bytes that the process allocated on its managed heap since it began.", GC.GetTotalAllocatedBytes());
        const string Collections = "dotnet_gc_collections_total";
        text.Family(Collections, "counter", "Garbage collections since the process began, by the oldest generation collected.");
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
            text.Sample(Collections, $"generation=\"{generation}\"", GC.CollectionCount(generation) - (generation < GC.MaxGeneration ? GC.CollectionCount(generation + 1) : 0));
        var (last, full) = (GC.GetGCMemoryInfo(GCKind.Any), GC.GetGCMemoryInfo(GCKind.FullBlocking));
        text.Plain("dotnet_gc_committed_bytes", "gauge", "Memory that the managed heap has of the machine, as of the last collection.", last.TotalCommittedBytes);
        text.Plain("dotnet_gc_live_bytes", "gauge", "What objects took after the last collection of all of them; 0 before the first.", full.HeapSizeBytes - full.FragmentedBytes);
        text.Plain("dotnet_gc_pause_seconds_total", "counter", "Time that garbage collections stopped the process for.", GC.GetTotalPauseDuration().TotalSeconds);
        if (Directory.Exists("/proc/self/fd")) text.Plain("process_open_fds", "gauge", "Open file descriptors.", Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
    }

    static string Shown(RequestLabels l) => PrometheusText.Labels(
        ("group", l.Group), ("resource", l.Resource), ("scope", l.Scope), ("subresource", l.Subresource), ("verb", l.Verb), ("version", l.Version));
}
