using System.Text;
using System.Text.Json;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Configuration;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Volumes;
using Hanbae.Machinery.Figures;
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
        await SendAsync(context, "application/json", StatsSummary.Render(await sampler.ReadAsync(ct).ConfigureAwait(false), options, machine, await DisksAsync(ct).ConfigureAwait(false))).ConfigureAwait(false);
    }

    public async Task ResourceAsync(HttpContext context) => await TextAsync(context, ResourceMetrics.Render(await sampler.ReadAsync(context.RequestAborted).ConfigureAwait(false))).ConfigureAwait(false);

    public async Task CadvisorAsync(HttpContext context) =>
        await TextAsync(context, CadvisorMetrics.Render(await sampler.ReadAsync(context.RequestAborted).ConfigureAwait(false),
            machine, NodeStatuses.Version, runtimeVersion(), sampler.Open, DiskFigures.Of(options.Folders.Data))).ConfigureAwait(false);

    public async Task OwnAsync(HttpContext context) =>
        await TextAsync(context, KubeletMetrics.Render(options, [.. workers.All], await sampler.ReadAsync(context.RequestAborted).ConfigureAwait(false),
            Devices, Placements, Rejections, Figures, LastSeen(), VolumeFigures, Requests, Mirrors())).ConfigureAwait(false);

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
            json.WritePropertyName("kubeletconfig");
            WrittenConfiguration.Write(json, options);
            json.WriteEndObject();
        }
        return SendAsync(context, "application/json", buffer.ToArray());
    }

    /// <summary>Runtimes need not tell of their disks, and of what containers write by itself only new ones do.</summary>
    async Task<(RuntimeDisk Images, RuntimeDisk Containers)> DisksAsync(CancellationToken ct)
    {
        try
        {
            var told = await cri.ImageFsInfoAsync(ct).ConfigureAwait(false);
            var images = Of(told.ImageFilesystems.FirstOrDefault());
            var containers = Of(told.ContainerFilesystems.FirstOrDefault());
            return (images, containers.Path.Length > 0 ? containers : images);
        }
        catch (GrpcException) when (!ct.IsCancellationRequested) { return default; }

        static RuntimeDisk Of(Cri.V1.FilesystemUsage? disk) => new(disk?.FsId?.Mountpoint ?? "", (long)(disk?.UsedBytes?.Value ?? 0));
    }

    static Task TextAsync(HttpContext context, string text) => SendAsync(context, PrometheusText.ContentType, Encoding.UTF8.GetBytes(text));

    static async Task SendAsync(HttpContext context, string type, byte[] body)
    {
        context.Response.ContentType = type;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
