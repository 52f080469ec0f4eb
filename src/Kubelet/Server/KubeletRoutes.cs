using System.Globalization;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Streaming;
using Hanbae.Machinery.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Server;

/// <summary>Answers the requests of the kubelet's API.</summary>
sealed class KubeletRoutes(KubeletOptions options, ICri cri, PodWorkers workers, StatsRoutes stats, TimeProvider time, ILogger log)
{
    readonly NodeLogs _logs = new(options, time);
    readonly ComponentPages _pages = new("kubelet", NodeStatuses.Version, () => s_known.Select(k => "/" + k), new Dictionary<string, string> { ["hostname-override"] = options.NodeName });

    /// <summary>Answers who may ask.</summary>
    public Task ServeAsync(HttpContext context) => AnswerAsync(context, "readwrite", parts => IsRead(parts) ? ReadAsync(context, parts) : WorkAsync(context, parts));

    /// <summary>Answers without asking who it is: only what may be read.</summary>
    public Task ServeToAnybodyAsync(HttpContext context) => AnswerAsync(context, "readonly", parts => IsRead(parts) ? ReadAsync(context, parts) : Text(context, 404, "404 page not found"));

    static bool IsRead(string[] parts) => parts is ["healthz" or "pods" or "stats" or "metrics", ..];

    async Task AnswerAsync(HttpContext context, string server, Func<string[], Task> answer)
    {
        string[] parts = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        long began = time.GetTimestamp();
        // Upstream's buckets.
        string path = parts is ["metrics", "cadvisor" or "resource" or "probes"] ? $"{parts[0]}/{parts[1]}"
            : parts is ["metrics", _, ..] ? "other"
            : parts.FirstOrDefault() is { } first && s_known.Contains(first) ? first : "other";
        bool lasting = parts is ["exec" or "attach", ..];
        stats.Figures.RequestBegan(context.Request.Method, path, server, lasting);
        try { await answer(parts).ConfigureAwait(false); }
        catch (GrpcException e) when (!context.Response.HasStarted)
        {
            await Text(context, e.Status switch { GrpcStatus.NotFound => 404, GrpcStatus.ResourceExhausted => 429, _ => 500 }, e.Message).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            log.RequestFailed(context.Request.Path.Value ?? "", e);
            await Text(context, 500, "Internal Server Error").ConfigureAwait(false);
        }
        finally { stats.Figures.RequestEnded(context.Request.Method, path, server, lasting, time.GetElapsedTime(began)); }
    }

    Task ReadAsync(HttpContext context, string[] parts) => parts switch
    {
        ["healthz"] => stats.HealthAsync(context),
        ["healthz", var part] => stats.HealthAsync(context, part),
        ["pods"] => Get(context, () => PodsAsync(context, workers.All.Select(w => w.Pod with { Status = w.Status ?? w.Pod.Status }))),
        ["stats"] or ["stats", "summary"] => stats.SummaryAsync(context),
        ["metrics"] => stats.OwnAsync(context),
        ["metrics", "cadvisor"] => stats.CadvisorAsync(context),
        ["metrics", "resource"] => stats.ResourceAsync(context),
        ["metrics", "probes"] => stats.ProbesAsync(context),
        ["metrics", "slis"] => stats.SlisAsync(context),
        _ => Text(context, 404, "404 page not found"),
    };

    Task WorkAsync(HttpContext context, string[] parts) => parts switch
    {
        ["configz"] => stats.ConfigAsync(context),
        ["statusz"] => Get(context, () => PageAsync(context, _pages.Status)),
        ["flagz"] => Get(context, () => PageAsync(context, _pages.Flags)),
        ["logs" or "runningpods" or "containerLogs" or "run" or "exec" or "attach" or "portForward", ..] when !options.EnableDebuggingHandlers => Text(context, 405, "Debug endpoints are disabled.\n"),
        ["logs", ..] when !options.EnableSystemLogHandler => Text(context, 405, "logs endpoint is disabled.\n"),
        _ when !options.EnableDebuggingHandlers => Text(context, 404, "404 page not found"),
        ["logs", .. var rest] => Get(context, () => _logs.ServeAsync(context, string.Join('/', rest))),
        ["runningpods"] => Get(context, () => PodsAsync(context, workers.All.Where(w => w.Runtime?.IsRunning == true).Select(RunningPods.Of))),
        ["containerLogs", var ns, var pod, var container] => Get(context, () => LogsAsync(context, ns, pod, container)),
        ["exec", var ns, var pod, var container] => CommandAsync(context, ns, pod, container, exec: true),
        ["exec", var ns, var pod, _, var container] => CommandAsync(context, ns, pod, container, exec: true),
        ["attach", var ns, var pod, var container] => CommandAsync(context, ns, pod, container, exec: false),
        ["attach", var ns, var pod, _, var container] => CommandAsync(context, ns, pod, container, exec: false),
        ["portForward", var ns, var pod] => ForwardAsync(context, ns, pod),
        ["portForward", var ns, var pod, _] => ForwardAsync(context, ns, pod),
        ["run", var ns, var pod, var container] => Post(context, () => RunAsync(context, ns, pod, container)),
        ["run", var ns, var pod, _, var container] => Post(context, () => RunAsync(context, ns, pod, container)),
        ["checkpoint", var ns, var pod, var container] => Post(context, () => CheckpointAsync(context, ns, pod, container)),
        _ => Text(context, 404, "404 page not found"),
    };

    static Task Get(HttpContext context, Func<Task> answer) => Only("GET", context, answer);

    static Task Post(HttpContext context, Func<Task> answer) => Only("POST", context, answer);

    static Task Only(string method, HttpContext context, Func<Task> answer)
    {
        if (context.Request.Method == method) return answer();
        context.Response.Headers.Allow = method;
        return Text(context, 405, "Method Not Allowed");
    }

    static readonly string[] s_known = ["healthz", "pods", "stats", "metrics", "configz", "runningpods", "containerLogs", "exec", "attach", "portForward", "logs", "run", "checkpoint", "statusz", "flagz"];

    static Task Text(HttpContext context, int status, string text) => KubeletServer.TextAsync(context, status, text);

    static async Task PageAsync(HttpContext context, Func<string, (string ContentType, byte[] Body)?> page)
    {
        if (page(context.Request.Headers.Accept.ToString()) is not var (type, body))
        {
            await Text(context, 406, "only the following media types are accepted: " + string.Join(", ", ComponentPages.MediaTypes)).ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = type;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    static async Task PodsAsync(HttpContext context, IEnumerable<Pod> pods)
    {
        byte[] body = Render();
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);

        byte[] Render()
        {
            var writer = new JsonWriter();
            try
            {
                writer.Raw("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":["u8);
                bool first = true;
                foreach (var pod in pods)
                {
                    if (!first) writer.Byte((byte)',');
                    first = false;
                    pod.WriteJson(ref writer);
                }
                writer.Raw("]}"u8);
                return writer.ToArray();
            }
            finally { writer.Dispose(); }
        }
    }

    async Task LogsAsync(HttpContext context, string ns, string name, string containerName)
    {
        if (LogOptions.TryRead(context.Request.Query, time.GetUtcNow(), out var log) is { } wrong)
        {
            await Text(context, 422, wrong).ConfigureAwait(false);
            return;
        }
        if (await FindAsync(context, ns, name, $"pod \"{name}\" does not exist").ConfigureAwait(false) is not { } worker) return;
        if (worker.Pod.Spec.Find(containerName) is null)
        {
            await Text(context, 404, $"container \"{containerName}\" not found in pod \"{name}\"").ConfigureAwait(false);
            return;
        }
        var runtime = await new RuntimeReader(cri).ReadAsync(worker.Uid, ns, name, worker.Runtime, context.RequestAborted).ConfigureAwait(false);
        var newest = runtime.Newest(containerName);
        // A container that is created but has not started yet has nothing to say; what ran before it has.
        if (newest is { State: RuntimeState.Created }) newest = runtime.Before(newest);
        var container = log.Previous ? newest is null ? null : runtime.Before(newest) : newest;
        if (container is null || container.LogPath.Length == 0)
        {
            var waiting = (worker.Status?.ContainerStatuses.Concat(worker.Status.InitContainerStatuses).FirstOrDefault(s => s.Name == containerName))?.State.Waiting;
            await Text(context, 400, log.Previous ? $"previous terminated container \"{containerName}\" in pod \"{name}\" not found"
                : waiting is null ? $"container \"{containerName}\" in pod \"{name}\" is not available"
                : waiting.Reason is "ErrImagePull" or "ImagePullBackOff" ? $"container \"{containerName}\" in pod \"{name}\" is waiting to start: "
                    + (waiting.Reason == "ErrImagePull" ? "image can't be pulled" : "trying and failing to pull image")
                : $"container \"{containerName}\" in pod \"{name}\" is waiting to start: {waiting.Reason}").ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = "text/plain";
        if (!File.Exists(container.LogPath)) return; // it said nothing
        await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        await ContainerLog.SendAsync(container.LogPath, log, RunsAsync, context.Response.Body, time, context.RequestAborted).ConfigureAwait(false);

        async Task<bool> RunsAsync(CancellationToken ct) =>
            (await cri.ContainerStatusAsync(container.Id, false, ct).ConfigureAwait(false))?.Status?.State == Cri.V1.ContainerState.ContainerRunning;
    }

    async Task CommandAsync(HttpContext context, string ns, string name, string containerName, bool exec)
    {
        if (RemoteCommandOptions.FromKubeletQuery(context.Request.Query) is not { } streams)
        {
            await Text(context, 400, "you must specify at least 1 of stdin, stdout, stderr").ConfigureAwait(false);
            return;
        }
        if (await FindAsync(context, ns, name).ConfigureAwait(false) is not { } worker) return;
        if (worker.Runtime?.Newest(containerName) is not { State: RuntimeState.Running } container)
        {
            // Upstream's words for each, and its code: clients look for the words.
            await Text(context, 500, exec ? $"container not found (\"{containerName}\")" : $"container {containerName} not found in pod {name}_{ns}").ConfigureAwait(false);
            return;
        }
        var ct = context.RequestAborted;
        string url = exec
            ? await cri.ExecAsync(new ExecRequest
            {
                ContainerId = container.Id, Cmd = { context.Request.Query["command"].Select(c => c ?? "") },
                Stdin = streams.Stdin, Stdout = streams.Stdout, Stderr = streams.Stderr, Tty = streams.Tty,
            }, ct).ConfigureAwait(false)
            : await cri.AttachAsync(new AttachRequest { ContainerId = container.Id, Stdin = streams.Stdin, Stdout = streams.Stdout, Stderr = streams.Stderr, Tty = streams.Tty }, ct).ConfigureAwait(false);
        if (await RemoteCommandServer.AcceptAsync(context, streams).ConfigureAwait(false) is { } session)
            await RuntimeStreams.ExecAsync(new(url), session, CancellationToken.None).ConfigureAwait(false);
    }

    async Task ForwardAsync(HttpContext context, string ns, string name)
    {
        if (await FindAsync(context, ns, name).ConfigureAwait(false) is not { } worker) return;
        if (worker.Runtime?.Sandbox is not { Ready: true } sandbox)
        {
            await Text(context, 500, $"pod not found (\"{name}_{ns}\")").ConfigureAwait(false);
            return;
        }
        string url = await cri.PortForwardAsync(new PortForwardRequest { PodSandboxId = sandbox.Id }, context.RequestAborted).ConfigureAwait(false);
        if (await PortForwardServer.AcceptAsync(context, new()).ConfigureAwait(false) is { } session)
            await RuntimeStreams.PortForwardAsync(new(url), session, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Runs a command and answers with all that it said; for clients without streams.</summary>
    async Task RunAsync(HttpContext context, string ns, string name, string containerName)
    {
        if (await FindAsync(context, ns, name).ConfigureAwait(false) is not { } worker) return;
        if (worker.Runtime?.Newest(containerName) is not { State: RuntimeState.Running } container)
        {
            await Text(context, 500, $"container not found (\"{containerName}\")").ConfigureAwait(false);
            return;
        }
        var result = await cri.ExecSyncAsync(container.Id, context.Request.Query["cmd"].ToString().Split(' '), TimeSpan.Zero, context.RequestAborted).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            await Text(context, 500, $"command '{context.Request.Query["cmd"]}' exited with {result.ExitCode}: {result.Stderr.ToStringUtf8()}").ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = "application/json"; // as upstream, whatever it is
        await context.Response.Body.WriteAsync(result.Stdout.Memory, context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.WriteAsync(result.Stderr.Memory, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Has the runtime put a container that runs into a file, from which it can be brought to life elsewhere (KEP-2008).</summary>
    async Task CheckpointAsync(HttpContext context, string ns, string name, string containerName)
    {
        if (workers.Find(ns, name) is not { } worker)
        {
            await Text(context, 404, "pod does not exist").ConfigureAwait(false);
            return;
        }
        if (worker.Pod.Spec.Find(containerName) is null)
        {
            await Text(context, 404, $"container {containerName} does not exist").ConfigureAwait(false);
            return;
        }
        long seconds = 0;
        if (context.Request.Query["timeout"].LastOrDefault() is { } timeout && !long.TryParse(timeout, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out seconds))
        {
            await Text(context, 404, "cannot parse value of timeout parameter").ConfigureAwait(false);
            return;
        }
        string file = Path.Combine(options.Folders.Checkpoints, $"checkpoint-{name}_{ns}-{containerName}-{time.GetUtcNow().UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}.tar");
        try
        {
            if (worker.Runtime?.Newest(containerName) is not { } container) throw new GrpcException(GrpcStatus.NotFound, $"container {containerName} not found");
            Directory.CreateDirectory(options.Folders.Checkpoints, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); // all that the process had in memory is in there
            await cri.CheckpointContainerAsync(container.Id, file, TimeSpan.FromSeconds(Math.Max(seconds, 0)), context.RequestAborted).ConfigureAwait(false);
        }
        catch (GrpcException e)
        {
            await Text(context, 500, $"checkpointing of {ns}/{name}/{containerName} failed ({e.Message})").ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonObject.Of(("items", JsonArray.Of(file))).ToString(), context.RequestAborted).ConfigureAwait(false);
    }

    async Task<PodWorker?> FindAsync(HttpContext context, string ns, string name, string none = "pod does not exist")
    {
        var worker = workers.Find(ns, name);
        if (worker is null) await Text(context, 404, none).ConfigureAwait(false);
        return worker;
    }
}
