using System.Text;
using System.Text.Json;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Volumes;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Server;

/// <summary>Answers what the kubelet is asked about use and about itself.</summary>
sealed class StatsRoutes(KubeletOptions options, ICri cri, PodSampler sampler, PodWorkers workers, Prober prober, MachineInfo machine, Func<string> runtimeVersion)
{
    /// <summary>Null for a node without any.</summary>
    public PodDevices? Devices { get; init; }
    public Placements? Placements { get; init; }
    public Rejections Rejections { get; init; } = new();
    public KubeletFigures Figures { get; init; } = new();
    /// <summary>Null for a node whose volumes are not made by plugins.</summary>
    public VolumeFigures? VolumeFigures { get; init; }
    /// <summary>Null where nobody counts what the API server is asked.</summary>
    public CountingTransport? Requests { get; init; }
    public KubeletHealth Health { get; init; } = new(() => null);
    /// <summary>How many mirror Pods of this node there are.</summary>
    public Func<int> Mirrors { get; init; } = () => 0;
    /// <summary>When the runtime was last looked at.</summary>
    public Func<DateTimeOffset?> LastSeen { get; init; } = () => null;

    public async Task SummaryAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        await SendAsync(context, "application/json", StatsSummary.Render(await sampler.ReadAsync(ct).ConfigureAwait(false), options, machine, await ImagesAsync(ct).ConfigureAwait(false))).ConfigureAwait(false);
    }

    public async Task ResourceAsync(HttpContext context) => await TextAsync(context, ResourceMetrics.Render(await sampler.ReadAsync(context.RequestAborted).ConfigureAwait(false))).ConfigureAwait(false);

    public async Task CadvisorAsync(HttpContext context) =>
        await TextAsync(context, CadvisorMetrics.Render(await sampler.ReadAsync(context.RequestAborted).ConfigureAwait(false), machine, NodeStatuses.Version, runtimeVersion())).ConfigureAwait(false);

    public async Task OwnAsync(HttpContext context) =>
        await TextAsync(context, KubeletMetrics.Render(options, [.. workers.All], await sampler.ReadAsync(context.RequestAborted).ConfigureAwait(false), Devices, Placements, Rejections, Figures, LastSeen(), VolumeFigures, Requests, Mirrors())).ConfigureAwait(false);

    public Task SlisAsync(HttpContext context) => TextAsync(context, Health.Slis());

    public Task HealthAsync(HttpContext context, string? part = null)
    {
        var (status, text) = Health.Answer(part, context.Request.Query.ContainsKey("verbose"));
        return KubeletServer.TextAsync(context, status, text);
    }

    public Task ProbesAsync(HttpContext context) => TextAsync(context, KubeletMetrics.Probes(prober, workers.All));

    /// <summary><c>/configz</c>: settings under the names of upstream's <c>KubeletConfiguration</c>.</summary>
    public Task ConfigAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("kubeletconfig");
            json.WriteString("address", options.Address.ToString());
            json.WriteNumber("port", options.Port);
            json.WriteString("staticPodPath", options.StaticPodPath);
            json.WriteString("syncFrequency", Go(options.SyncPeriod));
            json.WriteString("clusterDomain", options.ClusterDomain);
            json.WriteStartArray("clusterDNS");
            foreach (string dns in options.ClusterDns) json.WriteStringValue(dns);
            json.WriteEndArray();
            json.WriteString("nodeStatusUpdateFrequency", Go(options.StatusUpdatePeriod));
            json.WriteString("nodeStatusReportFrequency", Go(options.StatusReportPeriod));
            json.WriteNumber("nodeLeaseDurationSeconds", (int)options.LeaseDuration.TotalSeconds);
            json.WriteString("imageMinimumGCAge", Go(options.ImageMinimumAge));
            json.WriteString("imageMaximumGCAge", Go(options.ImageMaximumAge));
            json.WriteNumber("imageGCHighThresholdPercent", options.ImageHighPercent);
            json.WriteNumber("imageGCLowThresholdPercent", options.ImageLowPercent);
            json.WriteString("cgroupRoot", options.CgroupRoot);
            json.WriteString("cgroupDriver", options.SystemdCgroups ? "systemd" : "cgroupfs");
            json.WriteString("cpuManagerPolicy", options.CpuManagerPolicy);
            WriteMap("cpuManagerPolicyOptions", options.CpuManagerPolicyOptions);
            json.WriteString("cpuManagerReconcilePeriod", Go(options.CpuManagerReconcilePeriod));
            json.WriteString("memoryManagerPolicy", options.MemoryManagerPolicy);
            json.WriteString("topologyManagerPolicy", options.TopologyManagerPolicy);
            json.WriteString("topologyManagerScope", options.TopologyManagerScope);
            WriteMap("topologyManagerPolicyOptions", options.TopologyManagerPolicyOptions);
            if (options.ReservedSystemCpus.Length > 0) json.WriteString("reservedSystemCPUs", options.ReservedSystemCpus);
            WriteMap("systemReserved", options.SystemReserved.Select(r => KeyValuePair.Create(r.Key, r.Value.ToString())).ToMap());
            WriteMap("kubeReserved", options.KubeReserved.Select(r => KeyValuePair.Create(r.Key, r.Value.ToString())).ToMap());
            if (!options.ReservedMemory.IsEmpty)
            {
                json.WriteStartArray("reservedMemory");
                foreach (var (node, limits) in options.ReservedMemory)
                {
                    json.WriteStartObject();
                    json.WriteNumber("numaNode", node);
                    WriteMap("limits", limits.Select(r => KeyValuePair.Create(r.Key, r.Value.ToString())).ToMap());
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            json.WriteNumber("maxPods", options.MaxPods);
            json.WriteString("podCIDR", options.PodCidr);
            json.WriteNumber("podPidsLimit", options.PodPidsLimit > 0 ? options.PodPidsLimit : -1);
            json.WriteStartObject("userNamespaces");
            json.WriteNumber("idsPerPod", options.IdsPerPod);
            json.WriteEndObject();
            json.WriteString("resolvConf", options.ResolvConf);
            json.WriteBoolean("cpuCFSQuota", options.CpuCfsQuota);
            json.WriteString("cpuCFSQuotaPeriod", Go(options.CpuCfsQuotaPeriod));
            json.WriteNumber("maxParallelImagePulls", options.MaxParallelPulls);
            json.WriteBoolean("seccompDefault", options.SeccompDefault);
            // Whoever keeps the certificates of this process keeps these, too.
            json.WriteBoolean("rotateCertificates", options.CurrentServingCertificate is not null);
            json.WriteNumber("readOnlyPort", 0);
            json.WriteString("streamingConnectionIdleTimeout", Go(new Streaming.StreamingTimeouts().Idle));
            json.WriteStartObject("authentication");
            json.WriteStartObject("anonymous");
            json.WriteBoolean("enabled", false);
            json.WriteEndObject();
            json.WriteStartObject("webhook");
            json.WriteBoolean("enabled", true);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartObject("authorization");
            json.WriteString("mode", "Webhook");
            json.WriteEndObject();
            json.WriteString("containerLogMaxSize", new Api.Quantity(options.LogMaxBytes, Api.QuantityFormat.BinarySI).ToString());
            json.WriteNumber("containerLogMaxFiles", options.LogMaxFiles);
            json.WriteString("shutdownGracePeriod", Go(options.ShutdownGrace));
            json.WriteString("shutdownGracePeriodCriticalPods", Go(options.ShutdownGraceCritical));
            if (!options.ShutdownGraceByPriority.IsEmpty)
            {
                json.WriteStartArray("shutdownGracePeriodByPodPriority");
                foreach (var (priority, grace) in options.ShutdownGraceByPriority)
                {
                    json.WriteStartObject();
                    json.WriteNumber("priority", priority);
                    json.WriteNumber("shutdownGracePeriodSeconds", (long)grace.TotalSeconds);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            json.WriteString("evictionPressureTransitionPeriod", Go(options.PressureTransition));
            json.WriteStartObject("evictionHard");
            foreach (var t in options.Eviction.Where(t => t.Grace is null)) json.WriteString(t.Signal, t.Text);
            json.WriteEndObject();
            json.WriteStartArray("allowedUnsafeSysctls");
            foreach (string sysctl in options.AllowedUnsafeSysctls) json.WriteStringValue(sysctl);
            json.WriteEndArray();
            json.WriteBoolean("enableDebuggingHandlers", options.EnableDebuggingHandlers);
            json.WriteBoolean("enableSystemLogHandler", options.EnableSystemLogHandler);
            json.WriteBoolean("enableSystemLogQuery", options.EnableSystemLogQuery);
            json.WriteString("imagePullCredentialsVerificationPolicy", options.ImageVerification);
            json.WriteEndObject();
            json.WriteEndObject();

            void WriteMap(string name, Map<string> map)
            {
                if (map.IsEmpty) return;
                json.WriteStartObject(name);
                foreach (var (key, value) in map) json.WriteString(key, value);
                json.WriteEndObject();
            }
        }
        return SendAsync(context, "application/json", buffer.ToArray());

        static string Go(TimeSpan span) => span.TotalSeconds is > 0 and < 1 ? $"{(long)span.TotalMilliseconds}ms" : RestartBackoff.Go(span);
    }

    async Task<ImageDisk> ImagesAsync(CancellationToken ct)
    {
        try
        {
            var disk = (await cri.ImageFsInfoAsync(ct).ConfigureAwait(false)).ImageFilesystems.FirstOrDefault();
            return new(disk?.FsId?.Mountpoint ?? "", (long)(disk?.UsedBytes?.Value ?? 0));
        }
        catch (GrpcException) when (!ct.IsCancellationRequested) { return new("", 0); } // runtimes need not tell
    }

    static Task TextAsync(HttpContext context, string text) => SendAsync(context, PrometheusText.ContentType, Encoding.UTF8.GetBytes(text));

    static async Task SendAsync(HttpContext context, string type, byte[] body)
    {
        context.Response.ContentType = type;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
