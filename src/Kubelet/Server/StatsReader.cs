using System.Globalization;
using System.Text;
using System.Text.Json;
using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Runtime;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Server;

/// <summary>Figures of use: of the node from the kernel, of Pods and containers from the runtime.</summary>
sealed class StatsReader(KubeletOptions options, ICri cri, TimeProvider time)
{
    readonly record struct Use(string Ns, string Pod, string Uid, string Container, ContainerStats Stats);

    /// <summary><c>/stats/summary</c>, the parts that autoscalers, <c>kubectl top</c> and eviction read.</summary>
    public async Task SummaryAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        var uses = await ReadAsync(ct).ConfigureAwait(false);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            string now = time.GetUtcNow().ToApi();
            json.WriteStartObject();
            json.WriteStartObject("node");
            json.WriteString("nodeName", options.NodeName);
            json.WriteStartObject("cpu");
            json.WriteString("time", now);
            json.WriteNumber("usageCoreNanoSeconds", NodeCpu());
            json.WriteEndObject();
            json.WriteStartObject("memory");
            json.WriteString("time", now);
            long total = MachineInfo.Memory("MemTotal"), available = MachineInfo.Memory("MemAvailable");
            json.WriteNumber("availableBytes", available);
            json.WriteNumber("workingSetBytes", total - available);
            json.WriteNumber("usageBytes", total - MachineInfo.Memory("MemFree"));
            json.WriteEndObject();
            var (size, free) = MachineInfo.Disk(options.Folders.Data);
            json.WriteStartObject("fs");
            json.WriteString("time", now);
            json.WriteNumber("availableBytes", free);
            json.WriteNumber("capacityBytes", size);
            json.WriteNumber("usedBytes", size - free);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartArray("pods");
            foreach (var pod in uses.GroupBy(u => (u.Ns, u.Pod, u.Uid)))
            {
                json.WriteStartObject();
                json.WriteStartObject("podRef");
                json.WriteString("name", pod.Key.Pod);
                json.WriteString("namespace", pod.Key.Ns);
                json.WriteString("uid", pod.Key.Uid);
                json.WriteEndObject();
                json.WriteStartArray("containers");
                foreach (var use in pod)
                {
                    json.WriteStartObject();
                    json.WriteString("name", use.Container);
                    Figures(json, now, [use.Stats]);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                Figures(json, now, pod.Select(u => u.Stats));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), ct).ConfigureAwait(false);
    }

    static void Figures(Utf8JsonWriter json, string now, IEnumerable<ContainerStats> all)
    {
        var stats = all.ToArray();
        json.WriteStartObject("cpu");
        json.WriteString("time", now);
        if (stats.All(s => s.Cpu?.UsageNanoCores is not null)) json.WriteNumber("usageNanoCores", stats.Sum(s => (long)s.Cpu.UsageNanoCores.Value));
        json.WriteNumber("usageCoreNanoSeconds", stats.Sum(s => (long)(s.Cpu?.UsageCoreNanoSeconds?.Value ?? 0)));
        json.WriteEndObject();
        json.WriteStartObject("memory");
        json.WriteString("time", now);
        json.WriteNumber("workingSetBytes", stats.Sum(s => (long)(s.Memory?.WorkingSetBytes?.Value ?? 0)));
        if (stats.Any(s => s.Memory?.UsageBytes is not null)) json.WriteNumber("usageBytes", stats.Sum(s => (long)(s.Memory?.UsageBytes?.Value ?? 0)));
        if (stats.Any(s => s.Memory?.RssBytes is not null)) json.WriteNumber("rssBytes", stats.Sum(s => (long)(s.Memory?.RssBytes?.Value ?? 0)));
        json.WriteEndObject();
    }

    /// <summary><c>/metrics/resource</c>: what the metrics server scrapes.</summary>
    public async Task MetricsAsync(HttpContext context)
    {
        var uses = await ReadAsync(context.RequestAborted).ConfigureAwait(false);
        var text = new StringBuilder();
        long stamp = time.GetUtcNow().ToUnixTimeMilliseconds();
        Family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the container in core-seconds",
            uses.Select(u => (Labels(u), (u.Stats.Cpu?.UsageCoreNanoSeconds?.Value ?? 0) / 1e9)));
        Family("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes", uses.Select(u => (Labels(u), (double)(u.Stats.Memory?.WorkingSetBytes?.Value ?? 0))));
        var pods = uses.GroupBy(u => (u.Ns, u.Pod)).ToArray();
        Family("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds",
            pods.Select(p => ($"{{namespace=\"{p.Key.Ns}\",pod=\"{p.Key.Pod}\"}}", p.Sum(u => (u.Stats.Cpu?.UsageCoreNanoSeconds?.Value ?? 0) / 1e9))));
        Family("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes",
            pods.Select(p => ($"{{namespace=\"{p.Key.Ns}\",pod=\"{p.Key.Pod}\"}}", p.Sum(u => (double)(u.Stats.Memory?.WorkingSetBytes?.Value ?? 0)))));
        Family("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds", [("", NodeCpu() / 1e9)]);
        Family("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes", [("", MachineInfo.Memory("MemTotal") - MachineInfo.Memory("MemAvailable"))]);
        Family("resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise", [("", 0)], stamped: false);
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted).ConfigureAwait(false);

        void Family(string name, string type, string help, IEnumerable<(string Labels, double Value)> samples, bool stamped = true)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} [STABLE] {help}\n# TYPE {name} {type}\n");
            foreach (var (labels, value) in samples)
                text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value:R}").Append(stamped ? string.Create(CultureInfo.InvariantCulture, $" {stamp}\n") : "\n");
        }

        static string Labels(Use u) => $"{{container=\"{u.Container}\",namespace=\"{u.Ns}\",pod=\"{u.Pod}\"}}";
    }

    async Task<IReadOnlyList<Use>> ReadAsync(CancellationToken ct)
    {
        var uses = new List<Use>();
        foreach (var stats in await cri.ListContainerStatsAsync(null, ct).ConfigureAwait(false))
            if (stats.Attributes?.Labels is { } labels && labels.TryGetValue(RuntimeLabels.PodUid, out string? uid))
                uses.Add(new(labels[RuntimeLabels.PodNamespace], labels[RuntimeLabels.PodName], uid, labels.GetValueOrDefault(RuntimeLabels.ContainerName) ?? "", stats));
        return uses;
    }

    /// <summary>All processors' busy time since the start, in nanoseconds.</summary>
    static long NodeCpu()
    {
        if (!File.Exists("/proc/stat")) return 0;
        string[] fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // user nice system idle iowait irq softirq steal, in hundredths of a second
        return fields.Skip(1).Take(8).Select((f, i) => i is 3 or 4 ? 0 : long.Parse(f, CultureInfo.InvariantCulture)).Sum() * 10_000_000;
    }
}
